"""Visitors have their drawings deleted, or not stored at all."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from db import engine
from db.log import PredictionLog
from db.records import Accuracy, Deletion, Feedback, HistoryRow, Prediction
from tests.ui.answering import ANSWER, SESSION, answering
from tests.ui.test_outcome import pad_value
from ui.backend import Backend
from ui.draw.drawing import read_keep
from ui.draw.explanation import explain
from ui.draw.outcome import Reading, predict
from ui.draw.reading import reading_html
from ui.history.corrections import judge
from ui.history.deletion import delete
from ui.history.strip import read_history
from ui.recent import Recent

MakeBackend = Callable[..., Backend]
MakePrediction = Callable[..., Prediction]


def submitted(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return what is submitted from now on."""
    records: list[object] = []
    monkeypatch.setattr(backend.writer, "submit", lambda record: records.append(record) or True)
    return records


def test_all_drawings_are_gone_at_once_and_their_deletion_is_recorded(
    make_backend: MakeBackend, make_prediction: MakePrediction, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = make_backend()
    mine, others = make_prediction(), make_prediction(session_id="f" * 32)
    for prediction in (mine, others):
        backend.recent.add(prediction)
    records = submitted(backend, monkeypatch)
    assert delete(backend, SESSION, "")["said"] == "Your drawings were deleted."
    (deletion,) = records
    assert isinstance(deletion, Deletion)
    assert (deletion.session_id, deletion.prediction_id) == (SESSION, None)
    assert backend.recent.rows(SESSION) == []
    assert backend.recent.drawing(SESSION, mine.id) is None
    assert len(backend.recent.rows("f" * 32)) == 1
    assert "not in your history" in judge(backend, SESSION, str(mine.id), "1")
    assert "was not stored" in explain(backend, SESSION, str(mine.id), 1)["complaint"]


def test_one_drawing_is_gone_and_the_others_stay(
    make_backend: MakeBackend, make_prediction: MakePrediction, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = make_backend()
    one, other = make_prediction(), make_prediction()
    for prediction in (one, other):
        backend.recent.add(prediction)
    records = submitted(backend, monkeypatch)
    assert delete(backend, SESSION, str(one.id))["said"] == "The drawing was deleted."
    (deletion,) = records
    assert isinstance(deletion, Deletion)
    assert (deletion.session_id, deletion.prediction_id) == (SESSION, one.id)
    assert [row.prediction.id for row in backend.recent.rows(SESSION)] == [other.id]


@pytest.mark.parametrize(
    ("session", "prediction_id"), [(None, ""), (SESSION, None), (SESSION, "7"), (SESSION, {}), (SESSION, 0)]
)
def test_nothing_is_deleted_for_a_request_that_makes_no_sense(
    session: str | None, prediction_id: object, make_backend: MakeBackend
) -> None:
    backend = make_backend()
    assert "Nothing was deleted" in delete(backend, session, prediction_id)["said"]
    assert backend.writer.pending == 0


def test_without_room_for_the_deletion_nothing_is_deleted_and_that_is_said(
    make_backend: MakeBackend, make_prediction: MakePrediction
) -> None:
    backend = make_backend(max_records=0)
    backend.recent.add(make_prediction())
    assert "Nothing was deleted" in delete(backend, SESSION, "")["said"]
    assert len(backend.recent.rows(SESSION)) == 1


def test_while_the_database_is_away_it_is_said_that_it_is_told_later(
    make_backend: MakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = make_backend()
    monkeypatch.setattr(backend.writer, "paused", True)
    assert "deleted when it is back" in delete(backend, SESSION, "")["said"]
    assert backend.writer.pending == 1


def test_what_the_database_still_has_does_not_come_back(make_prediction: MakePrediction) -> None:
    recent = Recent()
    gone, also_gone, later = (make_prediction() for _ in range(3))
    stored = [HistoryRow(prediction.summary, "1") for prediction in (gone, also_gone, later)]
    recent.delete(Deletion(SESSION, gone.created_at, also_gone.id))
    recent.delete(Deletion(SESSION, gone.created_at))
    recent.merge(SESSION, stored)
    assert [row.prediction.id for row in recent.rows(SESSION)] == [later.id]
    assert [recent.is_deleted(row) for row in stored] == [True, True, False]
    recent.merge(other := "f" * 32, [HistoryRow(make_prediction(session_id=other).summary, None)])
    assert len(recent.rows(other)) == 1


def test_a_forgotten_session_takes_its_share_of_the_memory_along(make_prediction: MakePrediction) -> None:
    recent = Recent()
    recent.add(made := make_prediction())
    recent.delete(Deletion(SESSION, made.created_at))
    assert (recent._row_bytes, recent._drawing_bytes, len(recent._sessions)) == (0, 0, 0)


@pytest.mark.integration
def test_accuracy_does_not_count_what_is_deleted_before_the_database_knows(
    make_backend: MakeBackend, make_prediction: MakePrediction, postgres_url: str
) -> None:
    with engine.opened(postgres_url) as opened:
        log = PredictionLog(opened)
        session = "c" * 32
        old = make_prediction(session_id=session)
        log.write([old])
        backend = make_backend(log=log)
        delete(backend, session, "")
        new = make_prediction(session_id=session, created_at=old.created_at + timedelta(days=9_000))
        backend.recent.add(new)
        backend.recent.judge(Feedback(new.id, "7", datetime.now(UTC), session))
        history = read_history(backend, session)
        assert (history.rows, history.accuracy) == ([HistoryRow(new.summary, "7")], Accuracy(1, 1))
        assert "not in your history" in judge(backend, session, str(old.id), "1")


def test_a_drawing_that_may_not_be_stored_is_read_and_leaves_nothing(
    make_backend: MakeBackend, drawing: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with answering(ANSWER) as server:
        backend = make_backend(server.url)
        reading = predict(backend, {**pad_value(drawing), "keep": False}, SESSION)
        html = reading_html(reading, "0123456789")
        assert isinstance(reading, Reading)
        asked = len(server.bodies)
        prediction = reading.prediction
        assert "was not stored" in explain(backend, SESSION, str(prediction.id), 1)["complaint"]
        assert "not in your history" in judge(backend, SESSION, str(prediction.id), "1")
        assert len(server.bodies) == asked == 1
    assert (reading.is_kept, reading.is_private) == (False, True)
    assert backend.writer.pending == 0
    assert backend.recent.rows(SESSION) == []
    assert len(backend.recent._sessions) == len(backend.recent._drawings) == 0
    assert SESSION not in caplog.text
    assert str(prediction.id) not in caplog.text
    assert "not stored, as you chose" in html
    assert 'data-prediction=""' in html


@pytest.mark.parametrize("keep", [False, None, "false", "yes", 0, 1, {}])
def test_a_browser_that_says_anything_but_yes_means_no(keep: object) -> None:
    assert read_keep({"image": "", "keep": keep}) is False
    assert read_keep({"image": "", "keep": True}) is True
    assert read_keep({"image": ""}) is True
