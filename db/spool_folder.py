"""The folder of spools: each page that runs has one of its own, and takes over what ended pages left."""

import logging
from itertools import count
from pathlib import Path

from db.spool import Spool
from db.spool_file import SpoolError
from system.files import HeldError

logger = logging.getLogger(__name__)

_NAME = "records-{}.sqlite"


def first_free(folder: Path) -> Spool:
    """Return the first spool of the folder that nobody has; the folder is made where it is absent.

    Two pages run at the same time while one takes the other's place.

    Raises:
        sqlite3.Error, OSError: It cannot be read or written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for number in count(1):
        try:
            return Spool(folder / _NAME.format(number))
        except (HeldError, SpoolError) as error:
            logger.warning("%s: taking the next spool", error)
    raise AssertionError("there is always a next number")


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
        logger.warning("%d records that another page had left in %s wait here now", pending, path)
