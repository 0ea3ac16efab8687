"""Check a model archive (.mar) before TorchServe loads it, and say what to do about a bad one."""

from __future__ import annotations

from pathlib import Path

from launch.errors import LaunchError
from system import known_archives
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
        rebuild = f"run `make -B archive MODEL={path.stem}` to rebuild {path.name}"
        raise LaunchError(str(error), rebuild) from error


def require_known(archive: Path, known: Path) -> None:
    """Check that an archive was built here, or that somebody has accepted it.

    Raises:
        LaunchError: it is in the model store, and not in the list, or no file that can be read to its end.
    """
    if not archive.is_file():
        raise LaunchError(
            f"{archive} is not a regular file, expected an archive", "remove it, or take it out of MODELS"
        )
    try:
        if known_archives.is_known(archive, known):
            return
    except OSError as error:
        raise LaunchError(
            f"{archive} cannot be read ({error.strerror})", "repair it, or remove it"
        ) from error
    raise LaunchError(
        f"{archive} is code that was neither built here nor accepted by an operator",
        f"`make -B archive MODEL={archive.stem}` rebuilds it; if you trust it as it is, "
        f"`{known_archives.how_to_accept(archive, known)}` accepts it",
    )
