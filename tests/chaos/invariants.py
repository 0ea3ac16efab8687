"""What has to be true in the end, whatever was done: of records, of the spool, and of what is left behind."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2

from system.files import HeldError, lock
from tests.chaos.journal import Count, Expected, Stroke


def rows(database_url: str, query: str) -> list[tuple[Any, ...]]:
    """Return what a query finds."""
    with closing(psycopg2.connect(database_url, connect_timeout=10)) as connection:
        cursor = connection.cursor()
        cursor.execute(query)
        return cursor.fetchall()


def counted(database_url: str, strokes: Sequence[Stroke]) -> dict[str, Count]:
    """Return what became of drawings and of corrections."""
    drawings = Counter(digest for (digest,) in rows(database_url, "SELECT md5(drawing) FROM predictions"))
    said = rows(database_url, "SELECT prediction_id::text, true_label FROM feedback ORDER BY id")
    # A drawing that is gone takes its corrections along.
    corrections = [
        ((one.id, label), expected if one.expected == "once" else one.expected, f"{label} of {one}")
        for one in strokes
        for label, expected in one.corrections.items()
    ]
    of_corrections = _count(corrections, Counter(said))
    for one in strokes:
        labels = [label for prediction_id, label in said if prediction_id == one.id]
        if one.id and labels != [label for label in one.corrections if label in labels]:
            of_corrections.wrong.append(f"{labels} came in another order than was said: {one}")
    return {
        "drawings": _count(((one.digest, one.expected, str(one)) for one in strokes), drawings),
        "corrections": of_corrections,
    }


def _count(expected: Iterable[tuple[Any, Expected, str]], found: Counter[Any]) -> Count:
    count = Count()
    for key, times, words in expected:
        seen = found.pop(key, 0)
        count.accepted += times == "once"
        count.found += times == "once" and seen > 0
        count.doubled += seen > 1
        if seen > 1 or (times == "once" and not seen) or (times == "never" and seen):
            count.wrong.append(f"{seen} times in the database: {words}")
    count.wrong += [f"in the database, and nobody sent it: {key}" for key in found]
    return count


def spooled(folder: Path, table: str) -> int:
    """Return how many records are in a table, `waiting` or `set_aside`, of the folder's spools."""
    total = 0
    for path in folder.glob("records-*.sqlite"):
        with closing(sqlite3.connect(path)) as connection:
            total += connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    return total


def left_behind(var: Path, tmp: Path) -> list[str]:
    """Return what should have gone with the processes: sockets, temporary files, locks that are held."""
    # PyTorch keeps a cache there once an archive had to be built.
    left = [str(path) for path in tmp.iterdir() if not path.name.startswith("torchinductor_")]
    for path in var.rglob("*"):
        if path.is_socket() or "unfinished" in path.name or ".damaged-" in path.name:
            left.append(str(path))
        if path.name == "lock" or path.suffix == ".lock":
            try:
                lock(path).close()
            except HeldError as error:
                left.append(str(error))
    return left
