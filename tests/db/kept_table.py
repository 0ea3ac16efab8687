"""A table that the embedded PostgreSQL has to keep, whatever becomes of its server, and the folder with it.

`conftest.py` takes the fixture over.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
import pytest
from psycopg2.extensions import cursor

from db import embedded


@pytest.fixture(scope="module")
def used_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose server ran before and wrote the table; no test may leave one running on it."""
    folder = tmp_path_factory.mktemp("embedded") / "postgres"
    with embedded.start(folder) as server, connected(server.url) as sql:
        sql.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        sql.connection.commit()
    return folder


@contextmanager
def connected(url: str) -> Iterator[cursor]:
    """Yield a cursor on `url`; psycopg2's own `with` would leave the connection open."""
    with closing(psycopg2.connect(url)) as connection:
        yield connection.cursor()


def assert_data_is_kept(url: str) -> None:
    """Fail where the table is gone or holds something else."""
    with connected(url) as sql:
        sql.execute("SELECT answer FROM kept")
        assert sql.fetchone() == (42,)
