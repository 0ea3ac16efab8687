"""Files that somebody else may read or write at the same time."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import IO

PROJECT = Path(__file__).resolve().parent.parent
UNFINISHED = ".unfinished"


class HeldError(Exception):
    """Another process holds a lock; `owner` is its id."""

    def __init__(self, path: Path, owner: str) -> None:
        super().__init__(f"{path} is held by process {owner}")
        self.owner = owner


class IrregularError(OSError):
    """What should be read is a FIFO, a device, a folder or the like, which may never end or never begin."""


def open_regular(path: Path) -> BufferedReader:
    """Return a regular file, opened to be read; whatever else has that name is not waited for.

    Raises:
        IrregularError: It is not a regular file.
        OSError: It cannot be opened.
    """
    # Looked at before, since opening a device may do something; and after, since it may be another by then.
    if stat.S_ISREG(path.stat().st_mode):
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY), "rb")
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return file
        file.close()
    raise IrregularError(errno.EINVAL, "not a regular file", str(path))


def sha256(path: Path) -> str:
    """Return the hexadecimal digest of a regular file's content; raise OSError as `open_regular`."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def keep_private() -> None:
    """Have whatever this process and its children write from now on be for its owner alone.

    Root's folders can be passed through, not looked into: its PostgreSQL may run as another user.
    """
    os.umask(0o066 if os.geteuid() == 0 else 0o077)


def private_folder(path: Path) -> None:
    """Make a folder for its owner alone; one from before is closed to others, with the files in it.

    Raises:
        OSError: It cannot be made.
    """
    path.mkdir(parents=True, exist_ok=True)
    with suppress(PermissionError):  # somebody else's is theirs to close
        path.chmod(0o700)
    close_files(path)


def close_files(folder: Path) -> None:
    """Close the files of a folder, but none below it, to everybody but their owner."""
    for path in folder.iterdir():
        with suppress(FileNotFoundError, PermissionError):  # gone meanwhile, or somebody else's
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode) and mode & 0o077:
                path.chmod(stat.S_IMODE(mode) & ~0o077)


@contextmanager
def written_aside(path: Path, writer: str | None = None) -> Iterator[Path]:
    """Yield the path of a draft, which takes the place of `path` when the block ends without an error.

    Who reads `path` finds what was there before or all of the new, also after a power failure. The folder is
    made where it is absent; the draft is the block's to make, and is removed when the block fails.

    Args:
        path: The file.
        writer: What this process is told by from others that may write the same file; by default its id,
            which will do for one machine.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Of its own for each process: two may make the same file at the same time.
    draft = path.with_name(f"{path.name}.{writer or os.getpid()}{UNFINISHED}")
    try:
        yield draft
        put_in_place(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def keep_owner(draft: Path, path: Path) -> None:
    """Give a draft that root wrote to the owner of the file that it will replace, or else of its folder.

    A file that root owns is ignored: root wrote it before, and the folder's owner could not read it.
    """
    if os.geteuid() != 0:
        return
    kept = path.parent.stat()
    if path.exists() and path.stat().st_uid != 0:
        kept = path.stat()
    # Whoever has the folder may have put a link to something of root's in the draft's place.
    descriptor = os.open(draft, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if os.fstat(descriptor).st_nlink == 1:
            os.fchown(descriptor, kept.st_uid, kept.st_gid)
    finally:
        os.close(descriptor)


def put_in_place(draft: Path, path: Path) -> None:
    """Let a finished draft take the place of a file; a power failure leaves all of one of the two."""
    sync(draft)
    draft.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Return once a file's content, or a folder's names, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def lock(path: Path) -> IO[str]:
    """Return the file, locked until it is closed or this process ends, whatever ends it.

    It holds the process's id, for whoever is refused.

    Raises:
        HeldError: Another process holds it.
        OSError: It cannot be written.
    """
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # In place: a full disk has no room for more.
        file.write(f"{os.getpid():<10}")
        file.flush()
    except BlockingIOError as error:
        owner = file.read().strip() or "unknown"
        file.close()
        raise HeldError(path, owner) from error
    except BaseException:
        file.close()
        raise
    return file


def allow_open_files(wanted: int) -> int:
    """Let this process, and what it starts from now on, have so many files and connections open, if it may.

    Returns:
        How many it may have; the usual limit is 1,024.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most
