"""Looks into a model archive (.mar) before TorchServe does, and says what to do about one that is no good."""

from __future__ import annotations

from pathlib import Path

from launch.errors import LaunchError
from training.archive import contents
from training.archive.contents import Archive


def read_archive(path: Path) -> Archive:
    """Return what the archive says of its model, after checking every byte of it.

    Raises:
        LaunchError: when the archive is missing, damaged, or without a manifest that TorchServe needs.
    """
    try:
        return contents.read_archive(path)
    except FileNotFoundError as error:
        raise LaunchError(str(error), f"run `make archive MODEL={path.stem}`") from error
    except contents.BadArchive as error:
        rebuild = f"run `make -B archive MODEL={path.stem}` to build {path.name} anew"
        raise LaunchError(str(error), rebuild) from error
