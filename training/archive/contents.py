"""What a model archive (.mar) says of itself, and what it was built from. Needs nothing installed."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from system.files import PROJECT
from system.known_archives import UNREADABLE
from training.models.reference import Reference, reference_of

MANIFEST = "MAR-INF/MANIFEST.json"
SERVING = "model.json"


class BadArchive(ValueError):  # noqa: N818 - what it is, as callers read it
    """An archive that TorchServe could not load; the message says what is wrong with it."""


@dataclass(frozen=True)
class Worker:
    """What a worker of TorchServe's with an archive's model takes, measured when the archive was built.

    Attributes:
        count: how many of them TorchServe starts.
        batch: how many pictures are read at once.
        own_bytes: memory that each has for itself, after a batch of so many.
        shared_bytes: memory that all have together: the libraries' files.
    """

    count: int
    batch: int
    own_bytes: int
    shared_bytes: int


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
        reference: what training and validation looked like.
        framing: how an image becomes a frame, as handler.framings has it.
        worker: what a worker with it takes.
    """

    name: str
    version: str
    data_set: str | None = None
    coverage: float | None = None
    trained_file: str | None = None
    trained_sha256: str | None = None
    reference: Reference | None = None
    framing: str | None = None
    worker: Worker | None = None


def read_archive(path: Path) -> Archive:
    """Return what the archive says of its model, after checking every byte of it.

    Raises:
        FileNotFoundError: there is none.
        BadArchive: it is damaged, or without a manifest that TorchServe needs.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no archive at {path}")
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            if damaged is not None:
                raise BadArchive(f"{damaged} in the archive {path} is damaged")
            model = json.loads(archive.read(MANIFEST))["model"]
            return Archive(str(model["modelName"]), str(model["modelVersion"]), **_serving(archive))
    except BadArchive:
        raise
    except UNREADABLE as error:
        raise BadArchive(f"the archive {path} cannot be read ({error})") from error
    except (KeyError, TypeError, ValueError) as error:
        raise BadArchive(
            f"the archive {path} has no {MANIFEST} with a model's name and version ({error})"
        ) from error


def worker_of(path: Path) -> Worker | None:
    """Return what a worker with an archive's model takes; None where it does not say, or is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _worker(json.loads(archive.read(SERVING)))
    except (*UNREADABLE, KeyError, ValueError):
        return None


def within_project(path: Path) -> str:
    """Return where a file is within the project, or the name alone of one that is elsewhere."""
    path = path.resolve()
    return path.relative_to(PROJECT).as_posix() if path.is_relative_to(PROJECT) else path.name


def _serving(archive: zipfile.ZipFile) -> dict[str, Any]:
    """Return what model.json says beside what serving needs: nothing, where it is not this project's."""
    try:
        found = json.loads(archive.read(SERVING))
        reference = reference_of(found.get("reference"))
        names = ("data_set", "coverage", "trained_file", "trained_sha256", "framing")
        return {
            **{name: found.get(name) for name in names},
            "reference": reference,
            "worker": _worker(found),
        }
    except (KeyError, ValueError, TypeError, AttributeError):
        return {}


def _worker(found: Any) -> Worker | None:
    """Return what model.json says of a worker, None where that is nothing, or of another form."""
    try:
        return Worker(**{name: int(value) for name, value in found["worker"].items()})
    except (KeyError, ValueError, TypeError, AttributeError):
        return None
