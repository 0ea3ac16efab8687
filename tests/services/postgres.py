"""The real PostgreSQL for tests: one server for the session, a database of its own for who wants one.

A `conftest.py` takes the fixtures over with `from tests.services.postgres import postgres_server, ...`.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import make_url, text

from db import beside, embedded, engine, migrate


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Server]:
    """A PostgreSQL that runs until the end of the session; tests must not stop it."""
    with embedded.start(tmp_path_factory.mktemp("postgres")) as server:
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
