"""The archives in the model store: which models could be served, and the labels that they know."""

import json
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from client.management import can_be_asked
from system import known_archives
from system.files import IrregularError, open_regular

MANIFEST = "MAR-INF/MANIFEST.json"
LABELS = "index_to_name.json"
SERVING = "model.json"
# A manifest or a list of labels has some KB. What is larger is not one, and is not unpacked.
MAX_JSON_BYTES = 1024**2
UNKNOWN = "it was not built here, and no operator has accepted it"


class BadArchive(ValueError):  # noqa: N818 - what it is, as callers read it
    """A file of the model store that cannot be served; the message says why, in words for the page."""


@dataclass(frozen=True)
class Archive:
    """What an archive says of its model.

    Attributes:
        file: Its name in the model store, by which TorchServe registers it.
        name: The model's name.
        version: Its version.
        labels: In the model's order.
        coverage: The share of drawings whose label is in the answer's set; None from archives without sets.
        framing: How a picture becomes what the network reads, such as "ink" or "photo-64"; "" where the
            archive does not say.
        worker_bytes: Memory that a worker with it takes, as it was measured when the archive was built; 0
            where the archive does not say.
    """

    file: str
    name: str
    version: str
    labels: tuple[str, ...]
    coverage: float | None
    framing: str = ""
    worker_bytes: int = 0


def read_store(store: Path | None, known: Path | None = None) -> tuple[list[Archive], dict[str, str]]:
    """Return the archives of the model store, and of each damaged one why it cannot be served.

    Without a store, or where it cannot be read, both are empty. A file that cannot be looked at, such as a
    link to nothing, counts as damaged, and so does one that is not in the list `known`.
    """
    archives: list[Archive] = []
    damaged: dict[str, str] = {}
    try:
        paths = sorted(store.glob("*.mar")) if store else []
    except OSError:
        return [], {}
    for path in paths:
        try:
            status = path.stat()
            archive = _read_once(path, status.st_mtime_ns, status.st_size)
            if known and not known_archives.is_known(path, known):
                damaged[path.name] = UNKNOWN
                continue
            archives.append(archive)
        except OSError:
            damaged[path.name] = "it cannot be read"
        except BadArchive as error:
            damaged[path.name] = str(error)
    return archives, damaged


def read_archive(path: Path) -> Archive:
    """Return what the archive says of its model; nothing in it is run.

    Raises:
        BadArchive: It cannot be read, or says too little.
    """
    try:
        file = open_regular(path)
    except IrregularError as error:
        raise BadArchive("it is not a regular file") from error
    except OSError as error:
        raise BadArchive("it cannot be read") from error
    try:
        with file, zipfile.ZipFile(file) as content:
            model = _json(content, MANIFEST)["model"]
            names = _json(content, LABELS)
            serving = _json(content, SERVING) if SERVING in content.namelist() else {}
            name, version = str(model["modelName"]), str(model["modelVersion"])
            if not (can_be_asked(name) and can_be_asked(version)):
                raise BadArchive("its model's name or version cannot be part of a URL")
            return Archive(
                file=path.name,
                name=name,
                version=version,
                labels=tuple(str(names[str(index)]) for index in range(len(names))),
                coverage=float(serving["coverage"]) if "coverage" in serving else None,
                framing=str(serving.get("framing") or ""),
                worker_bytes=_worker_bytes(serving),
            )
    except BadArchive:
        raise
    except known_archives.UNREADABLE as error:
        raise BadArchive("it is damaged") from error
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise BadArchive(f"its {MANIFEST} or {LABELS} is missing or malformed") from error


@lru_cache(maxsize=256)
def _read_once(path: Path, _modified_ns: int, _size: int) -> Archive:
    """Return the archive as it was read before, as long as the file is the same."""
    return read_archive(path)


def _worker_bytes(serving: dict) -> int:
    """Return what model.json says that a worker takes; 0 where that is nothing, or of another form."""
    try:
        return max(0, int(serving["worker"]["own_bytes"]))
    except (LookupError, TypeError, ValueError, OverflowError):
        return 0


def _json(content: zipfile.ZipFile, name: str) -> dict:
    if content.getinfo(name).file_size > MAX_JSON_BYTES:
        raise ValueError(f"{name} is larger than {MAX_JSON_BYTES} bytes")
    return dict(json.loads(content.read(name)))
