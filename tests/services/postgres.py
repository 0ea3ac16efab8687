"""The real PostgreSQL for tests: one server for the session, a database of its own for who wants one.

A `conftest.py` takes the fixtures over with `from tests.services.postgres import postgres_server, ...`.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Engine, event, make_url, text

from db import beside, embedded, engine, migrate


class Executed(NamedTuple):
    """A statement as it was sent, and how many rows it read or changed."""

    statement: str
    parameters: Any
    rows: int


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Server]:
    """A PostgreSQL that runs until the end of the session; tests must not stop it."""
    with pytest.MonkeyPatch.context() as patch, embedded.start(tmp_path_factory.mktemp("postgres")) as server:
        patch.setattr("db.deadline.CONNECT_TIMEOUT_S", 60.0)  # the machine may be busy with other tests
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres_server: embedded.Server) -> Iterator[str]:
    """The URL of a migrated database that the whole session shares."""
    with empty_database(postgres_server.url) as url:
        migrate.upgrade(url)
        yield url


@contextmanager
def empty_database(server_url: str) -> Iterator[str]:
    """Yield the URL of a new, empty database on the server of `server_url`, and remove it afterwards."""
    name = f"test_{uuid.uuid4().hex}"
    with engine.opened(server_url) as admin, admin.connect() as connection:
        # CREATE and DROP DATABASE refuse to run inside a transaction.
        alone = connection.execution_options(isolation_level="AUTOCOMMIT")
        alone.execute(text(f"CREATE DATABASE {name}"))
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
        beside.drop(alone, name)


@contextmanager
def executed(database: Engine) -> Iterator[list[Executed]]:
    """Yield what is executed meanwhile, in its order."""
    done: list[Executed] = []

    def keep(_connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        done.append(Executed(statement, parameters, cursor.rowcount))

    event.listen(database, "after_cursor_execute", keep)
    try:
        yield done
    finally:
        event.remove(database, "after_cursor_execute", keep)
