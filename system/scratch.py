"""A folder for what a program and its children write for a while, also removed after they were killed."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from system.files import HeldError, lock

LOCK = "process.lock"


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """Yield a folder in which temporary files are made until the block ends, by child processes as well.

    What others of this name have left that were killed is removed first: each holds a lock while it runs.

    Args:
        name: The program's, for the folder's name.

    Raises:
        OSError: The folder cannot be made.
    """
    before, variable = tempfile.tempdir, os.environ.get("TMPDIR")
    shared = Path(tempfile.gettempdir())
    _sweep(shared, name)
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=shared))
    held = lock(folder / LOCK)
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
    try:
        yield folder
    finally:
        tempfile.tempdir = before
        if variable is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = variable
        shutil.rmtree(folder, ignore_errors=True)
        held.close()


def _sweep(shared: Path, name: str) -> None:
    """Remove folders of this name that nobody holds any more, of this user alone: others write there, too."""
    for folder in shared.glob(f"{name}-*"):
        with suppress(OSError, HeldError):
            found = folder.lstat()
            # One without a lock is being made at this moment.
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and (folder / LOCK).exists():
                with lock(folder / LOCK):
                    shutil.rmtree(folder)
