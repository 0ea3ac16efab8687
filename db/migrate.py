"""Bring a database's schema up to date: `python -m db.migrate`.

Programs may run it at the same time: each waits for an advisory lock, and the second finds nothing to do.
Where the schema is current, no lock is taken.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from psycopg2 import errorcodes
from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import SQLAlchemyError

from db import libpq
from db.engine import opened, parse
from db.errors import first_line
from db.unprivileged import EmbeddedError

# Any number will do as long as nothing else in the database uses it: "sketch" in ASCII.
LOCK_KEY = int.from_bytes(b"sketch")
LOCK_TIMEOUT_S = 60


class MigrationError(Exception):
    """The schema could not be changed; the message says why and what to do."""


def upgrade(url: str | URL, revision: str = "head") -> str | None:
    """Bring the database at `url` up to `revision`; return the revision it then has.

    Raises:
        MigrationError: It cannot be reached, or has a schema that these migrations do not know.
        ValueError: `url` is no PostgreSQL URL.
    """
    with _connected(url) as (connection, config):
        if (
            revision == "head"
            and _revision(connection) == ScriptDirectory.from_config(config).get_current_head()
        ):
            return _revision(connection)
        _lock(connection)
        command.upgrade(config, revision)
        return _revision(connection)


@contextmanager
def _connected(url: str | URL) -> Iterator[tuple[Connection, Config]]:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    try:
        with opened(url) as engine, engine.begin() as connection:
            config.attributes["connection"] = connection
            yield connection, config
    except SQLAlchemyError as error:
        target = libpq.shown(parse(url))
        reason = first_line(error)
        if getattr(getattr(error, "orig", None), "pgcode", None) == errorcodes.LOCK_NOT_AVAILABLE:
            reason = (
                f"a backup, another migration or a long query held a lock on a table for {LOCK_TIMEOUT_S} "
                "s: try again when it has ended"
            )
        raise MigrationError(f"{target} cannot be migrated: {reason}") from error
    except CommandError as error:
        raise MigrationError(
            f"{error}: if the database was migrated by newer code, run that code; "
            "if a table's migration is missing here, restore the file in db/migrations/versions"
        ) from error


def _lock(connection: Connection) -> None:
    """Wait for the other migrations; the lock ends with the transaction, whatever becomes of this program.

    A lock of the session would stay with the server where a start is killed behind PgBouncer, whose
    connections outlive their clients.
    """
    connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s'"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def main() -> int:
    """Migrate the database of DATABASE_URL, or the embedded one that runs; return the exit status."""
    argparse.ArgumentParser(prog="python -m db.migrate", description=main.__doc__).parse_args()
    try:
        url = libpq.database_url()
        print(f"{libpq.shown(url)} has schema {upgrade(url)}")
    except (EmbeddedError, MigrationError, ValueError) as error:
        print(f"db.migrate: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
