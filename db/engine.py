"""Connections to PostgreSQL: a pool that tests each connection before use and gives up in time."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg2 import errorcodes
from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from db import deadline
from db.errors import unavailable

STATEMENT_TIMEOUT_MS = 5_000
POOL_TIMEOUT_S = 5
# For the server's word that it cancelled a statement to arrive, before the connection is given up.
GRACE_S = 1.0


def create(url: str | URL, statement_timeout_ms: int = STATEMENT_TIMEOUT_MS) -> Engine:
    """Return an engine for `url`; nothing connects before its first use.

    Args:
        url: `postgresql://user:password@host:port/name`, with libpq's parameters after `?`.
        statement_timeout_ms: After this time PostgreSQL cancels a statement, and soon after a server that
            does not even do that is given up; 0 for never.

    Raises:
        ValueError: `url` is not a PostgreSQL URL.
    """
    engine = create_engine(
        parse(url),
        pool_pre_ping=True,
        pool_size=5,
        max_overflow=5,
        pool_timeout=POOL_TIMEOUT_S,
        pool_recycle=1800,
        # Drawings and session ids stay out of exceptions and logs.
        hide_parameters=True,
        connect_args={
            "connection_factory": deadline.Connection,
            "fallback_application_name": "sketchserve",
        },
    )
    deadline.install()

    # A SET rather than libpq's `options`, which connection poolers such as PgBouncer refuse.
    @event.listens_for(engine, "connect")
    def set_timeout(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = %s", (statement_timeout_ms,))
        connection.commit()
        if statement_timeout_ms:
            connection.answer_timeout_s = statement_timeout_ms / 1000 + GRACE_S

    @event.listens_for(engine, "handle_error")
    def give_up_on_a_former_primary(context: ExceptionContext) -> None:
        # After a failover the old server may go on, for reading only: then all its connections are given up.
        if getattr(context.original_exception, "pgcode", None) == errorcodes.READ_ONLY_SQL_TRANSACTION:
            context.is_disconnect = True

    return engine


@contextmanager
def opened(url: str | URL, statement_timeout_ms: int = 0) -> Iterator[Engine]:
    """Yield an engine as of `create`, without a time limit by default; close its connections afterwards."""
    engine = create(url, statement_timeout_ms)
    try:
        yield engine
    finally:
        engine.dispose()


class UsesEngine:
    """What reads and writes through an engine's connections (see `create`)."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Yield a connection in a transaction; what fails becomes DatabaseUnavailable."""
    try:
        with engine.begin() as connection:
            yield connection
    except SQLAlchemyError as error:
        raise unavailable(error) from error


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Yield a connection to read from; what fails meanwhile becomes DatabaseUnavailable."""
    try:
        with engine.connect() as connection:
            yield connection
    except SQLAlchemyError as error:
        raise unavailable(error) from error


def parse(url: str | URL) -> URL:
    """Return `url` with its driver set to psycopg2; `postgres://` is accepted too.

    Raises:
        ValueError: It is not a PostgreSQL URL; the message does not repeat a password.
    """
    expected = "expected postgresql://user:password@host:port/name"
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise ValueError(f"DATABASE_URL is not a valid URL: {expected}") from error
    if parsed.drivername not in ("postgresql", "postgres", "postgresql+psycopg2"):
        raise ValueError(f"DATABASE_URL begins with {parsed.drivername}://: {expected}")
    if not parsed.database:
        raise ValueError(f"DATABASE_URL names no database: {expected}")
    return parsed.set(drivername="postgresql+psycopg2")
