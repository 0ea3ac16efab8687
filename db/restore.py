"""Replace the database with a backup: `python -m db.restore FILE`.

It is restored beside, checked and migrated first; the database that it replaces is kept under another name.
"""

import argparse
import os
import re
import shlex
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL
from sqlalchemy.exc import SQLAlchemyError

from db import backup_folder, beside, contents, libpq, migrate, own_database
from db.contents import Contents
from db.errors import first_line
from system import stopping


class RestoreError(Exception):
    """Nothing was restored, and the database is as it was; the message is one line with cause and fix."""


def restore(url: URL, dump: Path, confirmed: bool) -> None:
    """Put what `dump` holds in the place of the database at `url`, and print what became of both.

    Args:
        url: The database, which need not exist.
        dump: A backup.
        confirmed: Whether to replace a database with rows in it without asking at the terminal.

    Raises:
        RestoreError: The backup is damaged or of newer code, or nobody confirmed.
        ProgramError: PostgreSQL's programs refuse it.
        BesideError: Others use the database.
        MigrationError: Its schema cannot be brought up to date.
    """
    began = time.monotonic()
    revision = known_revision(dump)
    current = contents.of(url) if beside.exists(url) else None
    kept = f"{url.database}_before_{datetime.now(UTC):%Y%m%d_%H%M%S}"
    beside.check_name(kept)
    is_asked = current is not None and current.total > 0 and not confirmed
    if is_asked and not sys.stdin.isatty():
        raise RestoreError(
            f"the database {url.database} has rows ({current}): pass YES=1 (or --yes) to replace it with "
            f"the backup; it will be kept as {kept}"
        )
    with beside.new_database(url, "_restored") as new:
        restored = _restored(new, dump, revision)
        print(f"{dump.name} holds {restored}")
        if current is not None:
            print(
                f"{url.database} holds {current}; it will be kept as {kept}, with what came after the backup"
            )
        if is_asked and input(f"Type {url.database} to replace it with the backup: ") != url.database:
            raise RestoreError(f"you did not type {url.database}: nothing was changed")
        stopping.ignore_signals()
        beside.exchange(url, new, kept if current is not None else None)
    print(f"{url.database} now holds the backup, after {time.monotonic() - began:.1f} s")
    if current is not None:
        drop = shlex.quote(f"DROP DATABASE {beside.identifier(kept)}")
        print(f"When you no longer need the earlier one, drop it: python -m db.client psql -c {drop}")


def known_revision(dump: Path) -> str:
    """Return the revision of the schema in `dump`.

    Raises:
        RestoreError: It has none, or one that this code does not know.
        ProgramError: It is not a backup, or is damaged.
    """
    libpq.run("pg_restore", "--list", str(dump))
    rows = libpq.run("pg_restore", "--data-only", "--table=alembic_version", "--file=-", str(dump))
    found = re.search(r"^COPY .*alembic_version.*\n(\w+)\n", rows, flags=re.MULTILINE)
    if found is None:
        raise RestoreError(f"{dump} has no schema revision: it is not a backup of Sketchserve")
    try:
        ScriptDirectory(str(Path(migrate.__file__).parent / "migrations")).get_revision(found[1])
    except CommandError as error:
        raise RestoreError(
            f"{dump} has schema {found[1]}, which this code does not know: use the version of Sketchserve "
            "that made it"
        ) from error
    return found[1]


def _restored(new: URL, dump: Path, revision: str) -> Contents:
    """Fill the database `new` from `dump`, migrate it, and return what it holds."""
    beside.fill(new, dump)
    filled = contents.of(new)
    if filled.revision != revision:
        raise RestoreError(f"{dump} was restored with schema {filled.revision} instead of {revision}")
    migrate.upgrade(new)
    migrated = contents.of(new)
    lost = [name for name, count in filled.rows.items() if migrated.rows.get(name, 0) < count]
    if lost:
        raise RestoreError(f"migrating the backup's schema would lose rows from {', '.join(lost)}")
    return migrated


def _find(given: str | None) -> Path:
    """Return the file that `given` names: a path, or the name of one in the folder of backups."""
    folder = backup_folder.place(os.environ)
    places = [Path(given), folder / given] if given else []
    for path in places:
        if path.is_file():
            return path
    newest = backup_folder.newest(folder, datetime.now(UTC))
    known = f"the newest is {newest.path}" if newest else f"there are no backups in {folder}"
    raise RestoreError(
        f"{given} does not exist ({known})" if given else f"no backup was named: pass FILE=...; {known}"
    )


def main() -> None:
    """Restore a backup into the database of DATABASE_URL or the embedded one."""
    parser = argparse.ArgumentParser(prog="python -m db.restore", description=main.__doc__)
    parser.add_argument("file", nargs="?", help="a backup: its path, or its name in BACKUP_DIR")
    parser.add_argument(
        "--yes", action="store_true", help="replace a database with rows in it without asking"
    )
    arguments = parser.parse_args()
    refusals = (RestoreError, libpq.ProgramError, beside.BesideError)
    with own_database.command("db.restore", *refusals, stopped="stopped: nothing was changed"):
        try:
            restore(libpq.database_url(), _find(arguments.file), arguments.yes)
        except SQLAlchemyError as error:
            raise RestoreError(f"PostgreSQL reports: {first_line(error)}") from error
        except EOFError:
            raise RestoreError("stopped: nothing was changed") from None


if __name__ == "__main__":
    main()
