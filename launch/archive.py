"""Looks into a model archive (.mar) before TorchServe does: readable, complete, whose and which version."""

from __future__ import annotations

import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launch.errors import LaunchError

MANIFEST = "MAR-INF/MANIFEST.json"
SERVING = "model.json"


@dataclass(frozen=True)
class Archive:
    """What an archive says of its model.

    Attributes:
        name: the model's, as the manifest has it.
        version: the model's.
        data_set: what it was trained on; None, like all below, where the archive does not say.
        coverage: how often an answer's set is to hold the true label, 0..1.
        trained_file: what it was built from, within the project, or by its name alone.
        trained_sha256: that file's content, in hexadecimal.
    """

    name: str
    version: str
    data_set: str | None = None
    coverage: float | None = None
    trained_file: str | None = None
    trained_sha256: str | None = None


def read_archive(path: Path) -> Archive:
    """Give what the archive says of its model, after checking every byte of it.

    Raises:
        LaunchError: when the archive is missing, damaged, or without a manifest that TorchServe needs.
    """
    rebuild = f"run `make -B archive MODEL={path.stem}` to build {path.name} anew"
    if not path.is_file():
        raise LaunchError(f"there is no archive at {path}", f"run `make archive MODEL={path.stem}`")
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            if damaged is not None:
                raise LaunchError(f"{damaged} in the archive {path} is damaged", rebuild)
            model = json.loads(archive.read(MANIFEST))["model"]
            return Archive(str(model["modelName"]), str(model["modelVersion"]), **_serving(archive))
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise LaunchError(f"the archive {path} cannot be read ({error})", rebuild) from error
    except (KeyError, TypeError, ValueError) as error:
        raise LaunchError(
            f"the archive {path} has no {MANIFEST} with a model's name and version ({error})", rebuild
        ) from error


def _serving(archive: zipfile.ZipFile) -> dict[str, Any]:
    """Give what model.json says beside what serving needs: nothing, where it is not this project's."""
    try:
        found = json.loads(archive.read(SERVING))
        return {key: found.get(key) for key in ("data_set", "coverage", "trained_file", "trained_sha256")}
    except (KeyError, ValueError, AttributeError):
        return {}
