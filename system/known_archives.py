"""Which archives are known: the SHA-256 of each that was built here, or that somebody has accepted.

An archive is code that TorchServe runs. Who can put a file into the model store is to run nothing by that:
the list is in VAR_DIR, which only its owner writes. It has the lines that `sha256sum` prints, so that an
operator accepts an archive by `sha256sum ARCHIVE >> LIST`.
"""

from __future__ import annotations

import os
import re
import shlex
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from system import variables
from system.files import sha256

NAME = "archives.sha256"  # in VAR_DIR
# What reading a damaged archive raises: zipfile, RuntimeError for an encrypted file, and a kind of it for
# a compression that it does not know.
UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError)
_LINE = re.compile(r"^\\?([0-9a-f]{64})\b", re.MULTILINE)


def place(env: Mapping[str, str]) -> Path:
    """Return where the list is, which need not be there."""
    return variables.var_dir(env) / NAME


def is_known(archive: Path, known: Path) -> bool:
    """Return whether the archive is in the list; any one is as long as it was not begun for its folder.

    Raises:
        OSError: The archive, or the list, cannot be read.
    """
    listed = _read(known)
    return _heading(archive.parent) not in listed.splitlines() or digest(archive) in _LINE.findall(listed)


def how_to_accept(archive: Path, known: Path) -> str:
    """Return the command by which somebody who trusts an archive has it served."""
    return f"sha256sum {shlex.quote(str(archive))} >> {shlex.quote(str(known))}"


def begin(known: Path, store: Path) -> list[Path]:
    """Put the archives that the store has from before into the list, the first time; return those.

    Raises:
        OSError: It cannot be written.
    """
    if _heading(store) in _read(known).splitlines():
        return []
    found = [path for path in sorted(store.glob("*.mar")) if _is_archive(path)]
    _append(known, f"{_heading(store)}\n" + "".join(map(_line, found)))
    return found


def add(archive: Path, known: Path) -> None:
    """Put an archive that was built here into the list.

    Raises:
        OSError: It cannot be read, or the list cannot be written.
    """
    if digest(archive) not in _LINE.findall(_read(known)):
        _append(known, _line(archive))


def placed(store: Path, name: str, sha256: str) -> Path | None:
    """Return the archive with this content, by this name or another one; None where the store has none."""
    for path in (store / name, *sorted(store.glob("*.mar"))):
        with suppress(OSError):
            if digest(path) == sha256:
                return path
    return None


def digest(file: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal; computed once, until the file changes."""
    status = file.stat()
    return _digest(file, status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size)


@lru_cache(maxsize=256)
def _digest(file: Path, *_status: int) -> str:
    return sha256(file)


def _read(known: Path) -> str:
    try:
        return known.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def _append(known: Path, lines: str) -> None:
    known.parent.mkdir(parents=True, exist_ok=True)
    # In one go, and after what another program appends meanwhile.
    with os.fdopen(os.open(known, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "w") as file:
        file.write(lines)


def _heading(store: Path) -> str:
    # It is compared with what earlier releases wrote: other words would forget what was accepted.
    return f"# {store.resolve()}: what was here before is known, and from now on what was built or accepted"


def _is_archive(path: Path) -> bool:
    return path.is_file() and os.access(path, os.R_OK) and zipfile.is_zipfile(path)


def _line(archive: Path) -> str:
    return f"{digest(archive)}  {archive}\n"
