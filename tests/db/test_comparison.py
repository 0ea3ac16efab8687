"""What models are compared by, read from a real PostgreSQL."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from db import engine as database
from db.comparison import Comparison, Figures, Judged
from db.errors import DatabaseUnavailable
from db.log import PredictionLog
from db.records import Feedback, Prediction

pytestmark = pytest.mark.integration
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """A database of one's own."""
    with database.opened(url) as opened:
        yield opened


def answer(number: int, version: str = "1.0.0", **changes: object) -> Prediction:
    values: dict[str, object] = {
        "id": uuid.UUID(int=number),
        "created_at": NOW + timedelta(seconds=number),
        "session_id": f"session {number % 3}",
        "source": "sketchpad",
        "model_name": "digits",
        "model_version": version,
        "preprocessing": "a1b2c3d4",
        "predicted_label": "7",
        "confidence": 0.9,
        "probabilities": {"7": 0.9},
        "drawing": b"drawing %d" % number,
        "thumbnail": b"small %d" % number if number % 2 else None,
        "pen_colour": None,
        "background_colour": None,
        "latency_ms": 10.0 * number,
        "request_id": "8a6e",
        "is_digit": True,
    }
    return Prediction(**{**values, **changes})  # type: ignore[arg-type]


def said(number: int, label: str | None, kind: str = "label", later: int = 0) -> Feedback:
    return Feedback(
        uuid.UUID(int=number), label, NOW + timedelta(hours=1, seconds=number + later), "whoever", kind
    )


def test_the_last_judgement_of_each_answer_counts_by_version(engine: Engine) -> None:
    PredictionLog(engine).write(
        [
            *(answer(number) for number in range(1, 6)),
            answer(6, "2.0.0"),
            answer(7, "2.0.0", is_digit=False),
            said(1, "7"),
            said(2, "1"),
            said(2, "7", later=1),
            said(3, "7"),
            said(3, None, "taken_back", later=1),
            said(4, "1"),
            said(7, None, "not_a_digit"),
        ]
    )
    figures = Comparison(engine).figures()
    assert figures["digits", "1.0.0"] == Figures(3, 2, 5, p50_ms=30.0, p95_ms=48.0)
    assert figures["digits", "2.0.0"] == Figures(1, 1, 2, p50_ms=65.0, p95_ms=69.5)


def test_judged_drawings_of_all_sessions_come_newest_judgement_first(engine: Engine) -> None:
    log, comparison = PredictionLog(engine), Comparison(engine)
    log.write([answer(number) for number in range(1, 7)])
    log.write([said(number, str(number)) for number in (5, 1, 2, 3)])
    log.write([said(2, None, "not_a_digit", later=1), said(5, "9", later=1), said(6, None, "not_a_digit")])
    assert comparison.judged(10) == [
        Judged(uuid.UUID(int=n), label) for n, label in ((5, "9"), (3, "3"), (1, "1"))
    ]
    assert comparison.judged(1) == [Judged(uuid.UUID(int=5), "9")]
    assert comparison.drawing(uuid.UUID(int=3)) == b"drawing 3"
    assert comparison.drawing(uuid.UUID(int=99)) is None
    assert comparison.thumbnails([uuid.UUID(int=n) for n in (2, 3, 99)]) == {uuid.UUID(int=3): b"small 3"}
    assert comparison.thumbnails([]) == {}


def test_an_empty_database_has_no_figures(engine: Engine) -> None:
    assert Comparison(engine).figures() == {}
    assert Comparison(engine).judged(10) == []


def test_without_the_database_each_question_says_so() -> None:
    away = Comparison(database.create("postgresql://nobody:nothing@127.0.0.1:9/nowhere"))
    for ask in (away.figures, lambda: away.judged(1), lambda: away.drawing(uuid.uuid4())):
        with pytest.raises(DatabaseUnavailable):
            ask()
