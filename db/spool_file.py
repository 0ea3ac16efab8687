"""The spool's file: private, of one process at a time, sound and of a layout that is known here."""

import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO
from uuid import UUID

from db.records import Deletion
from system import files

logger = logging.getLogger(__name__)

LAYOUT = 1
_TABLES = f"""
BEGIN;
CREATE TABLE waiting (
    id INTEGER PRIMARY KEY,  -- the order in which they came
    since REAL NOT NULL,     -- seconds since 1970
    size INTEGER NOT NULL,   -- what it counts against the spool's bytes
    kind TEXT NOT NULL,
    fields TEXT NOT NULL,
    content BLOB NOT NULL
);
CREATE TABLE set_aside (
    id INTEGER PRIMARY KEY,
    since REAL NOT NULL,
    size INTEGER NOT NULL,
    kind TEXT NOT NULL,
    fields TEXT NOT NULL,
    content BLOB NOT NULL,
    refused_at REAL NOT NULL,
    reason TEXT NOT NULL
);
PRAGMA user_version = {LAYOUT};
COMMIT;
"""
# For an operator who looks at the file, or changes it.
PATIENCE_S = 1.0
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class SpoolError(Exception):
    """The spool cannot be used; the message says why."""


def claim(path: Path) -> IO[str]:
    """Return the lock of the spool at `path`, which is this process's until the lock is closed.

    Raises:
        HeldError: Another process has the spool.
        OSError: It cannot be written.
    """
    # It is never removed: another process may be about to lock it.
    return files.lock(path.with_suffix(".lock"))


def parts_of(path: Path) -> list[Path]:
    """Return the files that SQLite makes of the database at `path`, whether they are there or not."""
    return [path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))]


def forget_aside(connection: sqlite3.Connection, deletion: Deletion) -> None:
    """Remove what was set aside of the drawings that a person wants deleted, and what was said of them."""
    prediction = deletion.prediction_id and deletion.prediction_id.hex
    # What is damaged was set aside for that: of it nothing can be read.
    connection.execute(
        "DELETE FROM set_aside WHERE id IN (SELECT id FROM"
        " (SELECT id, CASE WHEN json_valid(fields) THEN fields END AS sound FROM set_aside)"
        " WHERE json_extract(sound, '$.session_id') = ? AND"
        " (? IS NULL OR ? IN (json_extract(sound, '$.id[1]'), json_extract(sound, '$.prediction_id[1]'))))",
        (deletion.session_id, prediction, prediction),
    )


def has_aside(connection: sqlite3.Connection, prediction_id: UUID) -> bool:
    """Return whether a prediction was set aside."""
    found = connection.execute(
        "SELECT 1 FROM set_aside"
        " WHERE json_extract(CASE WHEN json_valid(fields) THEN fields END, '$.id[1]') = ?",
        (prediction_id.hex,),
    )
    return found.fetchone() is not None


def free_bytes(path: Path) -> int:
    """Return how much room the disk of a spool has; OSError where its folder is gone."""
    disk = os.statvfs(path.parent)
    return disk.f_bavail * disk.f_frsize


def make_sound(path: Path) -> None:
    """See to it that there is a private, sound file with the spool's tables; a damaged one is set aside.

    Raises:
        SpoolError: A later version of this code wrote it.
        sqlite3.Error, OSError: It cannot be read or written now.
    """
    try:
        _make(path)
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _DAMAGED:
            raise
        aside = f"{path.name}.damaged-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
        for part in reversed(parts_of(path)):  # the log first: a new file must not find it
            if part.exists():
                part.rename(path.with_name(part.name.replace(path.name, aside, 1)))
        logger.error(
            "the spool %s is damaged (%s): renamed it to %s, and started a new one", path, error, aside
        )
        _make(path)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Commit what the block writes, all of it or, after an error, none."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        # SQLite itself has rolled back after some errors.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection that several threads may use, one at a time.

    In WAL mode with `synchronous=NORMAL` a commit is written to the log and not yet on the disk, and no power
    failure damages the file. `synchronous=FULL` would sync the log within each commit, with all others
    waiting for it: `Spool.sync` does so after the commit, and once for all who wait.
    """
    connection = sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None, check_same_thread=False)
    # A checkpoint takes a while: `Spool.tidy` does it, not whose record happens to make the log long.
    connection.executescript("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0;")
    return connection


def shorten(connection: sqlite3.Connection, give_back: bool) -> None:
    """Move the log into the file; if asked to, return the file's unused space to the disk.

    Nobody may write meanwhile: https://www.sqlite.org/wal.html#walresetbug

    Raises:
        sqlite3.Error: It cannot be done now.
    """
    connection.execute("PRAGMA busy_timeout = 0")  # whoever writes waits, too
    try:
        if give_back:
            connection.executescript("PRAGMA incremental_vacuum")
        (is_busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if is_busy:
            raise sqlite3.OperationalError("somebody reads it")
        # The first write into an empty log waits for the disk: this one, and no visitor's.
        connection.execute(f"PRAGMA user_version = {LAYOUT}")
    finally:
        connection.execute(f"PRAGMA busy_timeout = {1000 * PATIENCE_S:.0f}")


def _make(path: Path) -> None:
    path.touch(mode=0o600)
    path.chmod(0o600)  # SQLite gives its other files the same
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        (layout,) = connection.execute("PRAGMA user_version").fetchone()
        if layout > LAYOUT:
            raise SpoolError(f"{path} has layout {layout}, expected {LAYOUT}")
        if layout == LAYOUT:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                damaged = sqlite3.DatabaseError(found)
                damaged.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
                raise damaged
            return
        # So that it gives room back; it has to come before everything else.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(_TABLES)
    files.sync(path.parent)
