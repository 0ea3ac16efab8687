"""What was taken is in the database once, in order, whatever ended the page that took it."""

import sqlite3
import subprocess
import sys
import uuid
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from db import spool_folder
from db.log import DatabaseUnavailable, PredictionLog
from db.records import Record
from db.spool import Spool
from db.spooled import Waiting
from db.writer import Writer
from system.files import PROJECT, HeldError
from tests.db.test_writer import wait_until

pytestmark = pytest.mark.integration

NOWHERE = "postgresql://nobody@127.0.0.1:9/nowhere"


def killed_after(lines: int, folder: Path, url: str, session_id: str) -> list[uuid.UUID]:
    """Run a page that submits, kill it once it printed so many lines, and return what it printed."""
    command = [sys.executable, "-m", "tests.db.submitting", str(folder), url, session_id]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as page:
        assert page.stdout is not None
        said = [page.stdout.readline() for _ in range(lines)]
        page.kill()
        said += page.stdout.readlines()
    return [uuid.UUID(line.strip()) for line in said if line.endswith("\n")]


def drained(log: PredictionLog, folder: Path) -> Writer:
    """Start the next page's writer, and return it once nothing waits."""
    writer = Writer(log, spool_folder.first_free(folder))
    writer.start()
    wait_until(lambda: not writer.pending)
    return writer


def stored(engine: Engine, session_id: str) -> tuple[list[uuid.UUID], list[uuid.UUID]]:
    """Return the ids of the session's predictions, oldest first, and of its corrections as they arrived."""
    asked = {"session_id": session_id}
    with engine.connect() as connection:
        predictions = "SELECT id FROM predictions WHERE session_id = :session_id ORDER BY created_at"
        feedback = "SELECT prediction_id FROM feedback WHERE session_id = :session_id ORDER BY id"
        return (
            list(connection.scalars(text(predictions), asked)),
            list(connection.scalars(text(feedback), asked)),
        )


def require_all(engine: Engine, session_id: str, acknowledged: list[uuid.UUID]) -> None:
    """Require that what was acknowledged is stored once, in its order; at most one more may be."""
    predictions, feedback = stored(engine, session_id)
    in_order = list(dict.fromkeys(acknowledged))
    corrected = [one for one, times in Counter(acknowledged).items() if times == 2]
    assert predictions[: len(in_order)] == in_order
    assert len(predictions) - len(in_order) <= 1
    assert feedback[: len(corrected)] == corrected
    assert len(feedback) - len(corrected) <= 1


@pytest.mark.parametrize("lines", [1, 2, 50, 301])
def test_a_page_that_is_killed_while_postgresql_is_away_loses_nothing(
    engine: Engine, log: PredictionLog, session_id: str, tmp_path: Path, lines: int
) -> None:
    acknowledged = killed_after(lines, tmp_path, NOWHERE, session_id)
    assert len(acknowledged) >= lines
    writer = drained(log, tmp_path)
    require_all(engine, session_id, acknowledged)
    assert (writer.rejected, writer.spool.aside) == (0, 0)
    assert writer.stop() == 0


def test_a_page_that_is_killed_while_it_writes_loses_and_doubles_nothing(
    engine: Engine, log: PredictionLog, session_id: str, postgres_url: str, tmp_path: Path
) -> None:
    acknowledged: list[uuid.UUID] = []
    kills = (3, 40, 150, 400)
    for lines in kills:
        acknowledged += killed_after(lines, tmp_path, postgres_url, session_id)
        assert drained(log, tmp_path).stop() == 0
    predictions, feedback = stored(engine, session_id)
    assert set(acknowledged) <= set(predictions)
    assert {one for one, times in Counter(acknowledged).items() if times == 2} <= set(feedback)
    assert max(Counter(predictions).values()) == 1
    assert max(Counter(feedback).values()) == 1
    assert len(predictions) - len(set(acknowledged)) <= len(kills)


def test_what_waits_when_the_page_stops_is_written_at_the_next_start(
    log, session_id, prediction, correction, tmp_path
) -> None:
    away = Writer(log, spool_folder.first_free(tmp_path))
    drawings = [prediction() for _ in range(30)]
    for drawing in drawings:
        assert away.submit(drawing)
        assert away.submit(correction(drawing, "7"))
    assert away.stop() == 60
    writer = drained(log, tmp_path)
    assert [row.prediction.id for row in reversed(log.history(session_id))] == [one.id for one in drawings]
    assert (writer.written, writer.stop()) == (60, 0)


def test_what_an_ended_page_left_is_taken_over_by_one_that_runs(
    log, session_id, prediction, correction, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr("db.writer.LOOK_S", 0.05)
    old = spool_folder.first_free(tmp_path)
    writer = Writer(log, spool_folder.first_free(tmp_path))
    writer.start()
    assert (old.path.name, writer.spool.path.name) == ("records-1.sqlite", "records-2.sqlite")
    drawing = prediction()
    old.put(drawing)
    old.put(correction(drawing, "1"))
    old.close()
    wait_until(lambda: writer.written == 2)
    assert [row.true_label for row in log.history(session_id)] == ["1"]
    assert not old.path.exists()
    assert writer.stop() == 0


def test_what_cannot_be_tidied_up_holds_up_nothing(log, spool, session_id, prediction, monkeypatch, caplog):
    tried = []

    def fails() -> None:
        tried.append(1)
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(spool, "tidy", fails)
    writer = Writer(log, spool)
    writer.start()
    for count in range(1, 4):
        writer.submit(prediction())
        wait_until(lambda count=count: writer.written == count and not writer.paused)
    assert (writer.pending, len(tried)) == (0, 1)
    assert caplog.text.count("cannot be tidied up: database or disk is full") == 1
    assert writer.stop() == 0


def test_what_is_written_and_cannot_be_removed_is_in_the_database_once(
    log, spool, session_id, prediction, monkeypatch
):
    remove, fails = spool.remove, [True, True]

    def remove_at_last(written: list[Waiting]) -> None:
        if fails:
            fails.pop()
            raise sqlite3.OperationalError("database or disk is full")
        remove(written)

    monkeypatch.setattr(spool, "remove", remove_at_last)
    writer = Writer(log, spool)
    drawing = prediction()
    writer.submit(drawing)
    writer.start()
    wait_until(lambda: writer.written == 1)
    assert [row.prediction.id for row in log.history(session_id)] == [drawing.id]
    assert (writer.written, fails) == (1, [])
    assert writer.stop() == 0


def test_a_database_too_slow_for_many_at_once_gets_fewer_in_the_same_order(
    log, spool, session_id, prediction, monkeypatch
) -> None:
    write, sizes = log.write, []

    def write_slowly(records: list[Record]) -> None:
        sizes.append(len(records))
        if len(records) > 10:
            raise DatabaseUnavailable("canceling statement due to statement timeout")
        write(records)

    monkeypatch.setattr(log, "write", write_slowly)
    monkeypatch.setattr("db.writer.FIRST_RETRY_S", 0.0)
    drawings = [prediction() for _ in range(120)]
    for drawing in drawings:
        spool.put(drawing)
    writer = Writer(log, spool)
    writer.start()
    wait_until(lambda: writer.written == len(drawings) and not writer.paused)
    assert [row.prediction.id for row in reversed(log.history(session_id, 1000))] == [
        one.id for one in drawings
    ]
    assert sizes[:9] == [100, 50, 25, 12, 6, 7, 8, 9, 10]
    # What is too many is found anew, since a server may be slow for a while only.
    assert sizes[9:11] == [11, 5]
    assert writer.stop() == 0


def test_a_record_that_cannot_be_read_is_set_aside(log, spool, session_id, prediction, caplog):
    spool._writing.execute("INSERT INTO waiting VALUES (NULL, 0, 1024, 'Wish', '{}', x'')")
    drawing = prediction()
    spool.put(drawing)
    spool.close()
    writer = Writer(log, Spool(spool.path))
    writer.start()
    wait_until(lambda: writer.written == 1)
    assert [row.prediction.id for row in log.history(session_id)] == [drawing.id]
    assert (writer.written, writer.rejected, writer.spool.aside) == (1, 1, 1)
    assert "a record of the kind 'Wish'" in caplog.text
    assert writer.stop() == 0


def test_a_spool_belongs_to_one_process(tmp_path) -> None:
    path = tmp_path / "records-1.sqlite"
    spool = Spool(path)
    with pytest.raises(HeldError, match="is held by process"):
        Spool(path)
    spool.close()
    Spool(path).close()
