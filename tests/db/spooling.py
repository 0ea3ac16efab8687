"""What the tests of the spool read in its file, open again, and change behind its back."""

import sqlite3
from contextlib import closing
from pathlib import Path

from db.spool import Spool


def ids(spool: Spool) -> list[object]:
    return [waiting.record.id for waiting in spool.first(1000, 10**9)]


def reopened(spool: Spool) -> Spool:
    spool.close()
    return Spool(spool.path)


def changed(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(sql)
