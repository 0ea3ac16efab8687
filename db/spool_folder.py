"""The folder of spools: each page that runs has one of its own, and takes over what ended pages left."""

import logging
import os
import shutil
from itertools import count
from pathlib import Path

from db.cluster import MAX_LOG_BYTES
from db.spool import RESERVE_BYTES, Spool
from db.spool_file import SpoolError
from system.files import HeldError

logger = logging.getLogger(__name__)

_NAME = "records-{}.sqlite"


def first_free(folder: Path, database: Path | None = None) -> Spool:
    """Return the first spool of the folder that nobody has; the folder is made where it is absent.

    Two pages run at the same time while one takes the other's place.

    Args:
        folder: Of the spools.
        database: The embedded PostgreSQL's folder, there or not. On the same disk, records leave it room.

    Raises:
        sqlite3.Error, OSError: It cannot be read or written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    is_beside = database is not None and database.exists() and database.stat().st_dev == folder.stat().st_dev
    for number in count(1):
        try:
            return Spool(folder / _NAME.format(number), log_bytes=MAX_LOG_BYTES if is_beside else 0)
        except (HeldError, SpoolError) as error:
            logger.warning("%s: using the next spool", error)
    raise AssertionError("there is always a next number")


def cannot_be_used(folder: Path, error: Exception) -> str:
    """Return the line that tells an operator why, and what to do, in the form of the launcher's own.

    SQLite says of a full disk no more than "disk I/O error": so how much is free is told in any case.
    """
    there = next(path for path in (folder, *folder.parents) if os.access(path, os.F_OK))
    free_mb, wanted_mb = shutil.disk_usage(there).free / 1e6, RESERVE_BYTES / 1e6
    return (
        f"cause: records cannot be kept in {folder} ({error}; {free_mb:.0f} MB free on its disk); fix: free "
        f"at least {wanted_mb:.0f} MB there, or set VAR_DIR to a folder that can be written"
    )


def take_over_others(spool: Spool) -> None:
    """Put what waits in spools of the same folder that nobody has behind what waits in this one.

    A crash in between leaves records in both, and PostgreSQL takes each once.

    Raises:
        sqlite3.Error, OSError: It could not be done now.
    """
    for path in sorted(spool.path.parent.glob(_NAME.format("*"))):
        if path != spool.path:
            _take_over(spool, path)


def _take_over(spool: Spool, path: Path) -> None:
    try:
        other = Spool(path)
    except (HeldError, SpoolError):
        return
    pending = other.pending
    is_taken = False
    try:
        is_taken = spool.take(other)
    finally:
        other.close(remove=is_taken)
    if is_taken and pending:
        logger.warning("took over %d records that another page had left in %s", pending, path)
