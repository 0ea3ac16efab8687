"""What the page asks PostgreSQL for: lists without drawings, single rows by their id."""

import re
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from db import engine
from db.log import PredictionLog
from db.records import Deletion, Feedback, HistoryRow, Prediction
from tests.services.postgres import executed
from tests.ui.answering import SESSION, answering
from tests.ui.test_explanation import EXPLAINED
from ui.backend import Backend
from ui.draw.explanation import explain
from ui.history.corrections import judge
from ui.history.strip import read_history

pytestmark = pytest.mark.integration

MakeBackend = Callable[..., Backend]
MakePrediction = Callable[..., Prediction]


@pytest.fixture
def database(postgres_url: str) -> Iterator[Engine]:
    """An engine on the session's migrated database."""
    with engine.opened(postgres_url) as opened:
        yield opened


@pytest.fixture
def session_id() -> str:
    """A visitor of whom no other test knows."""
    return uuid.uuid4().hex


def test_no_list_selects_drawings_and_an_explanation_selects_one(
    make_backend: MakeBackend, make_prediction: MakePrediction, database: Engine, session_id: str
) -> None:
    log = PredictionLog(database)
    old, new = make_prediction(session_id=session_id), make_prediction(session_id=session_id)
    log.write([old, new])
    with answering(EXPLAINED) as server, executed(database) as statements:
        backend = make_backend(server.url, log=log)
        history = read_history(backend, session_id)
        assert isinstance(judge(backend, session_id, str(old.id), "1"), HistoryRow)
        assert len(statements) == 2
        for one in statements:
            assert not re.search(r"\bdrawing\b", one.statement)
        assert explain(backend, session_id, str(old.id), 1)["label"] == "7"
    assert [row.prediction for row in history.rows] == [new.summary, old.summary]
    assert server.bodies == [old.drawing]
    (selected,) = [one.statement for one in statements if re.search(r"\bdrawing\b", one.statement)]
    assert "predictions.id = " in selected


def test_after_a_restart_a_row_is_looked_up_by_its_id_and_not_through_the_list(
    make_backend: MakeBackend, make_prediction: MakePrediction, database: Engine, session_id: str
) -> None:
    log = PredictionLog(database)
    old = make_prediction(session_id=session_id)
    log.write([old, *(make_prediction(session_id=session_id) for _ in range(60))])
    assert old.id not in [row.prediction.id for row in log.history(session_id)]
    backend = make_backend(log=log)
    with executed(database) as statements:
        assert isinstance(judge(backend, session_id, str(old.id), "1"), HistoryRow)
        assert "not in your history" in judge(backend, SESSION, str(old.id), "1")
    assert len(statements) == 2
    for one in statements:
        assert "predictions.id = " in one.statement
        assert not re.search(r"\bdrawing\b", one.statement)
    drawings = backend.drawings
    assert drawings.find(old.id, session_id) == HistoryRow(old.summary, None)
    assert drawings.find(old.id, SESSION) is None
    assert drawings.drawing(old.id, SESSION) is None


def test_what_was_deleted_through_another_page_is_forgotten_here(
    make_backend: MakeBackend, make_prediction: MakePrediction, database: Engine, session_id: str
) -> None:
    log = PredictionLog(database)
    gone, stays, waits = (make_prediction(session_id=session_id) for _ in range(3))
    backend = make_backend(log=log)
    log.write([gone, stays])
    for prediction in (gone, stays):
        backend.recent.add(prediction)
    log.write([Deletion(session_id, datetime.now(UTC), gone.id)])
    history = read_history(backend, session_id)
    assert [row.prediction.id for row in history.rows] == [stays.id]
    assert backend.recent.drawing(session_id, gone.id) is None
    # While anything waits, nobody knows what the database will have.
    backend.writer.submit(waits)
    backend.recent.add(waits)
    assert [row.prediction.id for row in read_history(backend, session_id).rows] == [waits.id, stays.id]


def test_what_is_said_later_through_another_page_counts_here(
    make_backend: MakeBackend, make_prediction: MakePrediction, database: Engine, session_id: str
) -> None:
    log = PredictionLog(database)
    backend = make_backend(log=log)
    log.write([drawn := make_prediction(session_id=session_id)])
    backend.recent.add(drawn)
    here, there = (Feedback(drawn.id, label, datetime.now(UTC), session_id) for label in "14")
    backend.recent.judge(here)
    # Nothing waits: what was said here is written, and then what was said there.
    log.write([here, there])
    assert [row.true_label for row in read_history(backend, session_id).rows] == ["4"]
