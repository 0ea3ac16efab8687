"""Each figure of analytics, against drawings few enough to be counted by hand."""

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlalchemy import text

from db import counting
from db.analytics import LATENCY_STEP, Analytics
from db.errors import DatabaseUnavailable
from db.figures import Figures, Judged, Period, Seen, Span
from db.records import Deletion

pytestmark = pytest.mark.integration

MONDAY = date(2026, 3, 2)
EMPTY = Figures(periods=[], whole=None, labels=[], set_sizes=[], judged=[], worst=[])


def span(since=MONDAY, days=1, latest=None, earlier=None):
    return Span(since, days, latest or since, earlier or since - timedelta(days=7))


def at(day, clock=time(12)):
    return datetime.combine(MONDAY + timedelta(days=day), clock, UTC)


@pytest.fixture
def name():
    """A model that no other test asks."""
    return f"digits-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def drawn(name, prediction):
    """Return a drawing of so many days after Monday."""

    def make(day, **values):
        return prediction(
            **{"model_name": name, "created_at": at(day), "is_digit": True, "label_set": ("7",), **values}
        )

    return make


def figures(engine, name, of=None, version="1.0.0"):
    with Analytics(engine).reading() as reading:
        return reading.figures(name, version, of or span())


def near(value):
    """Return what compares equal to a latency that is right to 2.5 %."""
    return pytest.approx(value, rel=LATENCY_STEP**0.5 - 1 + 1e-9)


def test_without_drawings_there_is_nothing(engine, name):
    assert figures(engine, name) == EMPTY


def test_drawings_doubts_and_latencies_are_counted_by_day(engine, log, name, drawn):
    monday = [drawn(0, latency_ms=ms, is_digit=ms != 40) for ms in (10, 20, 30, 40)]
    # The first and the last moment of a day in UTC.
    edges = [drawn(2, created_at=at(2, time.min)), drawn(2, created_at=at(2, time.max), is_digit=None)]
    log.write([*monday, *edges, drawn(-1), drawn(0, model_version="2.0.0")])
    found = figures(engine, name)
    assert found.periods == [
        Period(MONDAY, 4, 1, near(20), near(40)),
        Period(MONDAY + timedelta(days=2), 2, 0, near(12.5), near(12.5)),
    ]
    assert found.whole == Period(MONDAY, 6, 1, near(12.5), near(40))


def test_of_twenty_the_nineteenth_is_within_the_95th_percent(engine, log, name, drawn):
    log.write([drawn(0, latency_ms=2.0**step) for step in range(20)])
    found = figures(engine, name).whole
    assert (found.p50_ms, found.p95_ms) == (near(2.0**9), near(2.0**18))


@pytest.mark.parametrize("latency_ms", [0.0, 0.004, 1e300])
def test_no_latency_is_too_short_or_too_long_to_be_counted(engine, log, name, drawn, latency_ms):
    log.write([drawn(0, latency_ms=latency_ms)])
    assert figures(engine, name).whole.p50_ms == near(max(latency_ms, 0.01))


def test_periods_of_a_week_begin_with_the_first_day(engine, log, name, drawn):
    log.write([drawn(day) for day in (0, 6, 7, 21)])
    found = figures(engine, name, span(days=7)).periods
    assert [((period.first - MONDAY).days, period.drawings) for period in found] == [(0, 2), (7, 1), (21, 1)]


def test_labels_and_sets_are_compared_with_those_before(engine, log, name, drawn):
    log.write(
        [
            drawn(0, predicted_label="7"),
            drawn(1, predicted_label="7", label_set=("7", "1")),
            drawn(1, predicted_label="1", label_set=None),
            drawn(-1, predicted_label="7"),
            drawn(-7, predicted_label="3"),
            drawn(-8, predicted_label="4"),
        ]
    )
    found = figures(engine, name)
    assert {share.value: (share.latest, share.earlier) for share in found.labels} == {
        "7": (2, 1),
        "1": (1, 0),
        "3": (0, 1),
    }
    assert {share.value: share.latest for share in found.set_sizes} == {"0": 1, "1": 1, "2": 1}


def test_only_the_last_answer_to_a_drawing_is_counted(engine, log, name, drawn):
    drawing_id = uuid.uuid4()
    drawings = [
        drawn(0, created_at=at(0, time(hour)), drawing_id=drawing_id, predicted_label=label)
        for hour, label in enumerate("127")
    ]
    log.write(drawings)
    found = figures(engine, name)
    assert found.whole.drawings == 1
    assert [share.value for share in found.labels] == ["7"]


def test_judgements_are_counted_by_what_was_read_and_what_it_was(engine, log, name, drawn, correction):
    right = [drawn(0, predicted_label="7", confidence=confidence) for confidence in (0.96, 0.98)]
    wrong = drawn(0, predicted_label="7", confidence=0.5, label_set=("7", "1"))
    doubted = drawn(1, predicted_label="4", confidence=1.0, is_digit=False, label_set=None)
    log.write([*right, wrong, doubted, other := drawn(-1), drawn(1)])
    log.write([correction(one, "7") for one in [*right, other]])
    log.write([correction(wrong, "1"), correction(doubted, None, kind="not_a_digit")])
    judged = sorted(figures(engine, name).judged, key=lambda one: one.confidence)
    assert judged == [
        Judged("7", "1", 1, True, True, False, 1, 0.5),
        Judged("4", None, 7, False, None, True, 1, 1.0),
        Judged("7", "7", 6, True, True, True, 2, pytest.approx(1.94)),
    ]


def test_of_several_judgements_the_latest_counts(engine, log, name, drawn, correction):
    log.write([one := drawn(0), two := drawn(0), three := drawn(0)])
    log.write([correction(one, "1"), correction(one, "7")])
    # By what arrived: clocks go back.
    log.write([correction(two, "7"), correction(two, "1", created_at=at(-30))])
    log.write([correction(three, "1"), correction(three, None, kind="taken_back")])
    found = figures(engine, name)
    assert sorted((one.really, one.is_right, one.count) for one in found.judged) == [
        ("1", False, 1),
        ("7", True, 1),
    ]
    assert [mistake.id for mistake in found.worst] == [two.id]
    log.write([correction(three, "7")])
    assert sum(one.count for one in figures(engine, name).judged) == 3


def test_what_is_right_is_what_the_history_calls_right(engine, log, name, drawn, correction):
    kinds = [("7", "label"), ("1", "label"), (None, "not_a_digit")]
    made = [(drawn(0, is_digit=is_digit), *kind) for is_digit in (True, False, None) for kind in kinds]
    log.write([one for one, _, _ in made])
    log.write([correction(one, label, kind=kind) for one, label, kind in made])
    rights = sum(row.is_right for row in log.history(made[0][0].session_id))
    found = figures(engine, name).judged
    assert sum(one.count for one in found if one.is_right) == rights == 4
    assert sum(one.count for one in found) == 9


def test_the_worst_mistakes_are_those_of_the_surest_answers(engine, log, name, drawn, correction):
    made = [drawn(0, confidence=i / 20, thumbnail=bytes([i])) for i in range(1, 20)]
    right = drawn(0, confidence=1.0)
    log.write([*made, right, correction(right, "7"), *(correction(one, "1") for one in made)])
    worst = figures(engine, name).worst
    assert [one.thumbnail for one in worst] == [bytes([i]) for i in range(19, 7, -1)]
    assert (worst[0].id, worst[0].read, worst[0].really, worst[0].confidence) == (made[-1].id, "7", "1", 0.95)


def test_what_is_deleted_is_counted_no_more(engine, log, name, drawn, correction):
    log.write([one := drawn(0), two := drawn(0), correction(one, "1")])
    log.write([Deletion(one.session_id, datetime.now(UTC), one.id)])
    found = figures(engine, name)
    assert (found.whole.drawings, found.judged, found.worst) == (1, [], [])
    log.write([Deletion(two.session_id, datetime.now(UTC))])
    assert figures(engine, name) == EMPTY


def test_models_are_those_that_have_answered(engine, log, name, drawn):
    log.write([drawn(0), drawn(3), drawn(1, model_version="2.0.0")])
    counting.count(engine)
    log.write([drawn(4)])
    with Analytics(engine).reading() as reading:
        found = [seen for seen in reading.models() if seen.name == name]
    tuesday = MONDAY + timedelta(days=1)
    assert found == [
        Seen(name, "1.0.0", MONDAY, MONDAY + timedelta(days=4)),
        Seen(name, "2.0.0", tuesday, tuesday),
    ]


def test_all_is_read_as_of_one_moment(engine, log, name, drawn):
    log.write([drawn(0)])
    with Analytics(engine).reading() as reading:
        before = reading.figures(name, "1.0.0", span())
        log.write([one := drawn(0), replace(one, id=uuid.uuid4())])
        counting.count(engine)
        assert reading.figures(name, "1.0.0", span()) == before
    assert figures(engine, name).whole.drawings == 3


def test_nothing_is_written_by_reading(engine):
    with Analytics(engine).reading() as reading:
        assert reading._connection.scalar(text("SHOW transaction_read_only")) == "on"


def test_a_reading_that_takes_too_long_is_given_up(engine):
    with pytest.raises(DatabaseUnavailable, match="timeout"), Analytics(engine).reading() as reading:
        reading._connection.execute(text("SET LOCAL statement_timeout = 20"))
        reading._connection.execute(text("SELECT pg_sleep(20)"))
