"""What commands that somebody types have in common: their database, and names."""

import getpass
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from db import embedded, engine, libpq, migrate
from db.errors import DatabaseUnavailable
from db.migrate import MigrationError
from db.schema import USER_NAME
from db.unprivileged import EmbeddedError
from system import stopping
from system.files import keep_private


@contextmanager
def command(name: str, *refusals: type[Exception], stopped: str = "stopped") -> Iterator[None]:
    """End the program with 1 and a line that says why, where its work cannot be done or a signal ends it."""
    kinds: tuple[type[Exception], ...] = (
        DatabaseUnavailable,
        EmbeddedError,
        MigrationError,
        OSError,
        ValueError,
        *refusals,
    )
    stopping.raise_on_signals()
    try:
        yield
    except kinds as error:
        sys.exit(f"{name}: {error}")
    except stopping.Stopped:
        sys.exit(f"{name}: {stopped}")


def caller() -> str:
    """Return who runs a command: a container's user may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


@contextmanager
def opened(statement_timeout_ms: int = 0) -> Iterator[Engine]:
    """Yield connections to the database of DATABASE_URL, or else to the embedded one; its schema is current.

    The embedded one is started for as long as this lasts where it does not run. What it writes, and
    this process from now on, is for its owner alone.

    Args:
        statement_timeout_ms: As of `db.engine.create`: by default no statement is given up, for whoever
            waits at a terminal.

    Raises:
        EmbeddedError, MigrationError, ValueError: It cannot be reached; the message says why.
    """
    folder = embedded.data_dir(os.environ)
    if os.environ.get("DATABASE_URL") or embedded.running_url(folder):
        url = libpq.database_url()
        migrate.upgrade(url)
        with engine.opened(url, statement_timeout_ms) as found:
            yield found
        return
    keep_private()
    with embedded.start(folder) as server:
        migrate.upgrade(server.url)
        with engine.opened(server.url, statement_timeout_ms) as found:
            yield found


def typed_name(typed: str) -> str:
    """Return the name of a user or a key as the database has it.

    Raises:
        ValueError: It is not a valid name.
    """
    name = typed.casefold()
    if not re.fullmatch(USER_NAME, name):
        raise ValueError(
            f"{typed!r} is not a valid name: expected 1 to 64 characters of a-z, 0-9 and . _ @ + -, "
            "the first of them a letter or a digit"
        )
    return name
