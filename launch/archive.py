"""Looks into a model archive (.mar) before TorchServe does: readable, complete, whose and which version."""

from __future__ import annotations

import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from launch.errors import LaunchError

MANIFEST = "MAR-INF/MANIFEST.json"


@dataclass(frozen=True)
class Archive:
    """What the manifest says of a model."""

    name: str
    version: str


def read_archive(path: Path) -> Archive:
    """Give the name and version of the model in the archive, after checking every byte of it.

    Raises:
        LaunchError: when the archive is missing, damaged, or without a manifest that TorchServe needs.
    """
    rebuild = f"run `make -B archive` to build {path.name} anew"
    if not path.is_file():
        raise LaunchError(f"there is no archive at {path}", "run `make archive`")
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            if damaged is not None:
                raise LaunchError(f"{damaged} in the archive {path} is damaged", rebuild)
            model = json.loads(archive.read(MANIFEST))["model"]
            return Archive(str(model["modelName"]), str(model["modelVersion"]))
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise LaunchError(f"the archive {path} cannot be read ({error})", rebuild) from error
    except (KeyError, TypeError, ValueError) as error:
        raise LaunchError(
            f"the archive {path} has no {MANIFEST} with a model's name and version ({error})", rebuild
        ) from error
