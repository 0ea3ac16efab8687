"""A new database beside one on its server, with what a backup holds; and the exchange of the two."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from sqlalchemy import URL, Connection, Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from db import engine, libpq

# https://www.postgresql.org/docs/18/limits.html
MAX_NAME_BYTES = 63
# The first server that knows `transaction_timeout`, which pg_restore sets without asking.
_KNOWS_TRANSACTION_TIMEOUT = 170_000
_MAY_NOT_END, _OBJECT_IN_USE = "42501", "55006"
# Of which every second waits 5 s for sessions to end.
_DROP_TRIES = 3
# Says of a database that it was made here and may be dropped again.
_OURS = "made by sketchserve for a backup or a restore"
# Each try to rename waits 5 s for sessions to end.
_LONGEST_EXCHANGE_S = 60.0

# Those of other roles can be ended only by who may act for them.
_END_SESSIONS = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = :name AND pid <> pg_backend_pid() AND pg_has_role(usesysid, 'USAGE')"
)
_OTHERS_SESSIONS = text(
    "SELECT DISTINCT concat_ws(' ', usename, NULLIF(application_name, '')) FROM pg_stat_activity "
    "WHERE datname = :name AND NOT pg_has_role(usesysid, 'USAGE')"
)

# Columns by their names, of which older servers lack some: a provider came with 15, `datlocale` with 17.
_LIKE = text("""
    SELECT format('ENCODING %L', pg_encoding_to_char(encoding))
        || format(' LC_COLLATE %L LC_CTYPE %L', datcollate, datctype)
        || CASE of_it->>'datlocprovider'
            WHEN 'c' THEN ' LOCALE_PROVIDER libc'
            WHEN 'b' THEN format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', of_it->>'datlocale')
            WHEN 'i' THEN format(
                ' LOCALE_PROVIDER icu ICU_LOCALE %L', coalesce(of_it->>'datlocale', of_it->>'daticulocale')
            )
            ELSE ''
        END
    FROM pg_database AS found, to_jsonb(found) AS of_it WHERE datname = :name
""")


class BesideError(Exception):
    """The database beside cannot be made or exchanged; the message is one line with cause and fix."""


@contextmanager
def server(url: URL) -> Iterator[Engine]:
    """Yield an engine on the server's own database `postgres`, each statement a transaction of its own."""
    with engine.opened(url.set(database="postgres")) as own:
        yield own.execution_options(isolation_level="AUTOCOMMIT")


def exists(url: URL) -> bool:
    """Return whether the server of `url` has its database."""
    with server(url) as postgres, postgres.connect() as connection:
        query = text("SELECT count(*) FROM pg_database WHERE datname = :name")
        return connection.scalar(query, {"name": url.database}) == 1


@contextmanager
def new_database(url: URL, suffix: str) -> Iterator[URL]:
    """Yield the URL of a new, empty database on the server of `url`; drop what has its name afterwards.

    The name is that of `url` and `suffix`; encoding and locale are its database's, the server's where there
    is none: another encoding may have no place for the texts that it holds, or will hold. What a killed
    process left under the name is dropped first: a lock, which ends with its connection, says that nobody
    works there now.

    Raises:
        BesideError: Somebody works there, the database is somebody else's, or the name would be too long.
    """
    name = f"{url.database}{suffix}"
    check_name(name)
    with server(url) as postgres, postgres.connect() as connection:
        if not connection.scalar(text("SELECT pg_try_advisory_lock(hashtext(:name))"), {"name": name}):
            raise BesideError(f"another process is using the database {name}: wait for it to end")
        _refuse_anothers(connection, name)
        drop(connection, name)
        try:
            # template0 and not template1, to which an operator may have added what a dump has, too.
            like = _escaped(connection.scalar(_LIKE, {"name": url.database}) or "")
            connection.execute(text(f"CREATE DATABASE {_quoted(name)} TEMPLATE template0 {like}"))
            connection.execute(text(f"COMMENT ON DATABASE {_quoted(name)} IS '{_OURS}'"))
            yield url.set(database=name)
        finally:
            # A signal may have broken the other connection.
            with postgres.connect() as another:
                drop(another, name)


def fill(url: URL, dump: Path) -> None:
    """Restore `dump` into the empty database at `url`; all of its objects then belong to the role of `url`.

    Raises:
        ProgramError: It was not restored, or not whole.
    """
    arguments = ["--no-owner", "--no-privileges", str(dump)]
    with server(url) as postgres, postgres.connect() as connection:
        version = int(connection.scalar(text("SHOW server_version_num")))
    if version >= _KNOWS_TRANSACTION_TIMEOUT:
        libpq.run("pg_restore", "--exit-on-error", *arguments, url=url)
        return
    try:
        libpq.run("pg_restore", *arguments, url=url)
    except libpq.ProgramError as error:
        # Of an older server one error is known and harmless; any other comes beside it.
        if str(error).count("error: ") != 1 or '"transaction_timeout"' not in str(error):
            raise


def exchange(url: URL, new: URL, kept: str | None) -> None:
    """Rename the database of `new` to that of `url`, which becomes `kept` (None: it does not exist).

    Both or neither; sessions in the old one end, and their next connection finds the new one.

    Raises:
        BesideError: Sessions of other roles, or something else that does not end, use the old database.
    """
    renames = [(str(new.database), str(url.database))]
    if kept is not None:
        renames.insert(0, (str(url.database), kept))
    with server(url) as postgres, ThreadPoolExecutor(1) as beside:
        done = Event()
        # Beside the rename and not before it: clients are back within a millisecond. While it waits for
        # the last of them PostgreSQL lets no new one in.
        ending = beside.submit(_end_sessions, postgres, str(url.database), done)
        deadline = time.monotonic() + _LONGEST_EXCHANGE_S
        try:
            while (error := _in_use(postgres, renames)) is not None:
                if ending.done():
                    ending.result()
                if time.monotonic() > deadline:
                    raise BesideError(
                        f"the database {url.database} was still in use after {_LONGEST_EXCHANGE_S:g} s, "
                        "perhaps by a prepared transaction: end what uses it and try again"
                    ) from error
                with postgres.connect() as connection:
                    others = ", ".join(connection.scalars(_OTHERS_SESSIONS, {"name": url.database}))
                # Without others our own sessions took longer than the 5 s that PostgreSQL waits.
                if others:
                    raise BesideError(
                        f"the database {url.database} is in use by {others}, and {url.username} may not end "
                        "their sessions: stop them and try again"
                    ) from error
        finally:
            done.set()
            ending.result()
        with postgres.connect() as connection:
            connection.execute(text(f"COMMENT ON DATABASE {_quoted(str(url.database))} IS NULL"))


def check_name(name: str) -> None:
    """Raise BesideError where PostgreSQL would cut the database's name short."""
    if len(name.encode()) > MAX_NAME_BYTES:
        raise BesideError(
            f"the database's name {name} has more than {MAX_NAME_BYTES} bytes, PostgreSQL's limit: give "
            "DATABASE_URL's database a shorter name"
        )


def _end_sessions(postgres: Engine, name: str, done: Event) -> None:
    with postgres.connect() as connection:
        while not done.wait(0.02):
            connection.execute(_END_SESSIONS, {"name": name})


def _in_use(postgres: Engine, renames: Sequence[tuple[str, str]]) -> OperationalError | None:
    """Rename databases in one transaction; return the error where one of them is in use."""
    try:
        with postgres.execution_options(isolation_level="READ COMMITTED").begin() as connection:
            for old, new in renames:
                connection.execute(text(f"ALTER DATABASE {_quoted(old)} RENAME TO {_quoted(new)}"))
    except OperationalError as error:
        if getattr(error.orig, "pgcode", None) == _OBJECT_IN_USE:
            return error
        raise
    return None


def _refuse_anothers(connection: Connection, name: str) -> None:
    comment = text(
        "SELECT coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE datname = :name"
    )
    found = connection.scalar(comment, {"name": name})
    if found is not None and found != _OURS:
        raise BesideError(
            f"there is already a database {name}, which Sketchserve did not make: rename it, or drop it"
        )


def drop(connection: Connection, name: str) -> None:
    """Drop a database where there is one, and end its sessions; tried again while one may not be ended.

    FORCE may not end an autovacuum, which is the superuser's; that gives way to a DROP without FORCE.

    Args:
        connection: To another database of the server, each statement a transaction of its own.
        name: The database's.

    Raises:
        DBAPIError: Sessions of another role stay, or it may not be dropped.
    """
    for force in (" WITH (FORCE)", "") * _DROP_TRIES:
        try:
            connection.execute(text(f"DROP DATABASE IF EXISTS {_quoted(name)}{force}"))
            return
        except DBAPIError as error:
            if getattr(error.orig, "pgcode", None) not in (_MAY_NOT_END, _OBJECT_IN_USE):
                raise
            refusal = error
    raise refusal


def identifier(name: str) -> str:
    """Return `name` as SQL's identifier."""
    return '"' + name.replace('"', '""') + '"'


def _quoted(name: str) -> str:
    """Return `name` as an identifier in SQLAlchemy's text."""
    return _escaped(identifier(name))


def _escaped(sql: str) -> str:
    """Return `sql` as SQLAlchemy's text has it, where a colon begins a parameter."""
    return sql.replace(":", r"\:")
