"""What people want deleted is gone, with what was said about it."""

import logging
import os
import re
import threading
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from db import engine as database
from db import log as prediction_log
from db.errors import describe
from db.log import PredictionLog, RecordRejected
from db.records import Accuracy, Deletion
from db.spool import Spool
from db.writer import Writer
from tests.db.backing_up import finished
from tests.db.test_writer import wait_until
from tests.docs.documents import scripts
from tests.services.postgres import executed

integration = pytest.mark.integration


@pytest.fixture
def deletion(session_id):
    """A function that makes the session's wish to have a drawing deleted, or all of them."""

    def make(about=None, **values):
        usual = {"session_id": session_id, "created_at": datetime.now(UTC)}
        return Deletion(**{**usual, "prediction_id": about.id if about else None, **values})

    return make


def feedback_of(engine, session_id):
    with engine.connect() as connection:
        query = text("SELECT true_label FROM feedback WHERE session_id = :session ORDER BY id")
        return list(connection.scalars(query, {"session": session_id}))


@integration
def test_all_of_a_sessions_drawings_are_deleted_with_their_feedback_and_nobody_elses(
    log, drawings, engine, session_id, prediction, correction, deletion
):
    mine, others = [prediction(), prediction()], prediction(session_id="f" * 32)
    log.write([*mine, others, correction(mine[0], "1"), correction(others, "2", session_id="f" * 32)])
    log.write([deletion()])
    assert (log.history(session_id), log.accuracy(session_id)) == ([], Accuracy(0, 0))
    assert drawings.drawing(mine[0].id, session_id) is None
    assert feedback_of(engine, session_id) == []
    assert drawings.find(others.id, "f" * 32).true_label == "2"


@integration
def test_one_drawing_is_deleted_with_its_feedback_and_the_others_stay(
    log, engine, session_id, prediction, correction, deletion
):
    one, other = prediction(), prediction()
    log.write([one, other, correction(one, "1"), correction(one, "2"), correction(other, "3")])
    log.write([deletion(one)])
    assert [row.prediction.id for row in log.history(session_id)] == [other.id]
    assert feedback_of(engine, session_id) == ["3"]


@integration
def test_nobody_deletes_anothers_drawing(log, session_id, prediction, deletion):
    drawn = prediction()
    log.write([drawn, deletion(drawn, session_id="f" * 32), deletion(session_id="f" * 32)])
    assert [row.prediction.id for row in log.history(session_id)] == [drawn.id]


@integration
def test_a_statement_deletes_no_more_than_it_has_time_for_and_all_are_deleted(
    log, engine, session_id, prediction, deletion
):
    at = datetime.now(UTC)
    log.write([prediction(created_at=at) for _ in range(1_001)])
    with executed(engine) as statements:
        log.write([deletion()])
    assert [one.rows for one in statements][:3] == [500, 500, 1]
    assert log.history(session_id) == []


@integration
def test_all_are_deleted_though_somebody_else_deletes_some_of_a_part_meanwhile(
    log, engine, session_id, prediction, deletion, monkeypatch
):
    monkeypatch.setattr(prediction_log, "DELETED_AT_ONCE", 5)
    log.write(made := [prediction() for _ in range(12)])
    delete_until_somebody_waits(engine, made[1], made[3])
    log.write([deletion()])
    assert log.history(session_id) == []


@integration
def test_all_answers_to_one_drawing_are_deleted_however_many_they_are(
    log, engine, session_id, prediction, deletion, monkeypatch
):
    monkeypatch.setattr(prediction_log, "DELETED_AT_ONCE", 2)
    drawing_id = uuid.uuid4()
    log.write([first := prediction(drawing_id=drawing_id)])
    log.write([*(prediction(drawing_id=drawing_id) for _ in range(4)), other := prediction()])
    log.write([deletion(first)])
    with engine.connect() as connection:
        query = text("SELECT id FROM predictions WHERE session_id = :session")
        assert list(connection.scalars(query, {"session": session_id})) == [other.id]


@integration
def test_what_waits_is_deleted_too_and_what_comes_later_stays(
    log, session_id, prediction, correction, deletion, tmp_path
):
    before, after = prediction(), prediction()
    writer = Writer(log, Spool(tmp_path / "records-1.sqlite"))
    for record in (before, correction(before, "1"), deletion(), after):
        assert writer.submit(record)
    writer.start()
    assert writer.stop(timeout_s=10) == 0
    assert [row.prediction.id for row in log.history(session_id)] == [after.id]
    assert writer.rejected == 0


def deleted_by_age(log, engine, drawn):
    assert log.delete_older(30, 100) > 0


def deleted_by_another_page(log, engine, drawn):
    log.write([Deletion(drawn.session_id, datetime.now(UTC), drawn.id)])


def deleted_while_the_correction_is_written(log, engine, drawn):
    delete_until_somebody_waits(engine, drawn)


def delete_until_somebody_waits(engine, *drawn):
    """Begin to delete predictions, to end when something waits for that."""
    begun, is_waited_for = threading.Event(), text("SELECT count(*) FROM pg_locks WHERE NOT granted")

    def delete():
        with engine.begin() as deleting, engine.connect() as looking:
            statement = text("DELETE FROM predictions WHERE id = ANY(:ids)")
            deleting.execute(statement, {"ids": [one.id for one in drawn]})
            begun.set()
            wait_until(lambda: looking.scalar(is_waited_for) > 0)

    threading.Thread(target=delete).start()
    assert begun.wait(10)


@integration
@pytest.mark.parametrize(
    "delete", [deleted_by_age, deleted_by_another_page, deleted_while_the_correction_is_written]
)
def test_a_correction_of_what_was_deleted_meanwhile_is_dropped_and_no_fault(
    log, engine, session_id, spool, prediction, correction, caplog, delete
):
    gone, stays = prediction(created_at=datetime.now(UTC) - timedelta(days=40)), prediction()
    log.write([gone, stays])
    writer = Writer(log, spool)
    for record in (correction(stays, "1"), correction(gone, "2"), correction(stays, "3")):
        assert writer.submit(record)
    delete(log, engine, gone)
    with caplog.at_level(logging.INFO, logger="db.writer"):
        writer.start()
        wait_until(lambda: writer.written == 2)
    assert feedback_of(engine, session_id) == ["1", "3"]
    assert (writer.written, writer.rejected, writer.dropped, spool.aside) == (2, 0, 0, 0)
    assert [(one.levelname, one.getMessage()) for one in caplog.records] == [
        ("INFO", f"dropped feedback '2' for prediction {gone.id}: it was deleted before")
    ]
    assert writer.stop() == 0


@integration
def test_a_deletion_passes_over_what_is_set_aside_because_it_is_damaged(
    log, session_id, spool, prediction, deletion
):
    spool._writing.execute("INSERT INTO waiting VALUES (NULL, 0, 1024, 'Prediction', '{', x'')")
    spool.close()
    writer = Writer(log, Spool(spool.path))
    for record in (prediction(), deletion()):
        assert writer.submit(record)
    writer.start()
    assert writer.stop(timeout_s=10) == 0
    assert (log.history(session_id), writer.rejected) == ([], 1)


@integration
def test_deleting_again_changes_nothing(log, session_id, prediction, deletion):
    log.write([prediction()])
    again = deletion()
    log.write([again])
    log.write([again, later := prediction()])
    assert [row.prediction.id for row in log.history(session_id)] == [later.id]


@integration
def test_a_deletion_that_cannot_be_is_refused_and_not_tried_for_ever(log):
    bad = Deletion("a\x00b", datetime.now(UTC))
    with pytest.raises(RecordRejected) as caught:
        log.write([bad])
    assert caught.value.record is bad


def test_messages_name_no_session(prediction, deletion, session_id):
    assert describe(deletion()) == "deletion of a session"
    drawn = prediction()
    assert describe(deletion(drawn)) == f"deletion of prediction {drawn.id}"


def test_a_deletion_needs_a_time_zone(session_id):
    with pytest.raises(ValueError, match="has no time zone"):
        Deletion(session_id, datetime(2026, 1, 2))


@integration
def test_the_documents_commands_delete_by_session_and_by_id(url, prediction, correction):
    (script,) = scripts("docs/privacy.md", "Deleting for somebody")
    session, one = re.search("[0-9a-f]{32}", script), re.search("([0-9a-f]+-){4}[0-9a-f]+", script)
    of_session, of_id = prediction(session_id=session[0]), prediction(id=uuid.UUID(one[0]))
    with database.opened(url) as engine:
        PredictionLog(engine).write([of_session, of_id, correction(of_id, "1"), other := prediction()])
        done = finished(["bash", "-euo", "pipefail", "-c", script], {**os.environ, "DATABASE_URL": url})
        assert (done.returncode, done.stdout) == (0, "DELETE 1\nDELETE 1\n"), done.stderr
        with engine.connect() as connection:
            assert list(connection.scalars(text("SELECT id FROM predictions"))) == [other.id]
            assert connection.scalar(text("SELECT count(*) FROM feedback")) == 0
