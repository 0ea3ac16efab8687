"""The counts that the database keeps are those of its rows, whatever happens to these."""

import threading
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from db import counting, migrate
from db import engine as database
from db import log as log_module
from db.counting import Counting
from db.log import PredictionLog
from db.records import Deletion
from tests.db.backing_up import execute
from tests.db.older import make_older

pytestmark = pytest.mark.integration

BEFORE_COUNTS = "0007"
KEPT = """
    SELECT model_name, model_version, day, figure, value, sum(count)::bigint FROM (
        SELECT * FROM daily_counts
        UNION ALL
        SELECT model_name, model_version, day, figure, value, change
        FROM daily_changes CROSS JOIN LATERAL (VALUES
            ('label', predicted_label), ('set_size', coalesce(set_size, 0)::text),
            ('is_digit', coalesce(is_digit::text, 'unknown')), ('latency', latency_step::text)
        ) AS cells (figure, value)
    ) kept GROUP BY 1, 2, 3, 4, 5 HAVING sum(count) <> 0 ORDER BY 1, 2, 3, 4, 5
"""
JUDGEMENTS = "SELECT * FROM judgements ORDER BY prediction_id"


@pytest.fixture
def own_engine(url):
    with database.opened(url) as engine:
        yield engine


def kept(url):
    return execute(url, KEPT), execute(url, JUDGEMENTS)


def counted_anew(url):
    """Return the counts as the migration makes them out of the rows."""
    make_older(url, BEFORE_COUNTS)
    migrate.upgrade(url)
    return kept(url)


def various(prediction, correction):
    """Return records of every kind: of days and versions, doubted, in sets, superseded, judged."""
    days = [datetime(2026, 1, 1, 23, 59, tzinfo=UTC) + timedelta(hours=i) for i in range(40)]
    made = [
        prediction(
            created_at=day,
            model_version=f"{i % 2}",
            predicted_label=str(i % 3),
            is_digit=(True, False, None)[i % 3],
            label_set=(None, ("0",), ("1", "2"))[i % 3],
            latency_ms=1.5**i / 100,
            drawing_id=uuid.UUID(int=i // 2 + 1) if i % 5 else None,
        )
        for i, day in enumerate(days)
    ]
    said = [correction(one, str(i % 4)) for i, one in enumerate(made[::3])]
    others = [correction(made[0], None, kind=kind) for kind in ("taken_back", "not_a_digit")]
    return [*made, *said, *others, correction(made[3], None, kind="taken_back")]


def test_the_counts_that_triggers_keep_are_those_of_the_rows(url, own_engine, prediction, correction):
    records = various(prediction, correction)
    PredictionLog(own_engine).write(records)
    before = kept(url)
    assert (
        sum(count for *_, figure, _, count in before[0] if figure == "is_digit")
        == (execute(url, "SELECT count(*) FROM predictions WHERE NOT is_superseded")[0][0])
    )
    assert len(before[1]) == 14
    assert counted_anew(url) == before


def test_adding_up_changes_no_count(url, own_engine, prediction, correction):
    PredictionLog(own_engine).write(various(prediction, correction))
    before = kept(url)
    assert counting.count(own_engine, limit=7) == 7
    assert kept(url) == before
    while counting.count(own_engine, limit=7):
        pass
    assert kept(url) == before
    assert execute(url, "SELECT FROM daily_changes") == []
    execute(url, "DELETE FROM predictions")
    counting.count(own_engine)
    assert kept(url) == ([], [])
    assert execute(url, "SELECT FROM daily_counts") == []


def test_changed_rows_are_counted_as_they_are_now(url, own_engine, prediction, correction):
    PredictionLog(own_engine).write(various(prediction, correction))
    execute(url, "UPDATE predictions SET is_superseded = NOT is_superseded")
    execute(url, "UPDATE predictions SET predicted_label = '9', label_set = NULL WHERE predicted_label = '1'")
    counts, judgements = kept(url)
    assert {row.is_superseded for row in judgements} == {True}
    assert counted_anew(url)[0] == counts


def test_a_replaced_answer_is_counted_only_as_long_as_it_is_judged(url, own_engine, prediction, correction):
    log = PredictionLog(own_engine)
    drawing_id = uuid.uuid4()
    earlier, later = (prediction(drawing_id=drawing_id, predicted_label=label) for label in "17")

    def labels():
        return {value: count for *_, figure, value, count in kept(url)[0] if figure == "label"}

    log.write([earlier, correction(earlier, "7"), later])
    assert labels() == {"1": 1, "7": 1}
    log.write([correction(earlier, None, kind="taken_back")])
    before = kept(url)
    assert labels() == {"7": 1}
    assert [row.is_superseded for row in before[1]] == [True]
    assert counted_anew(url) == before


def test_nothing_is_counted_once_all_is_gone(url, own_engine, prediction, correction):
    PredictionLog(own_engine).write(various(prediction, correction))
    counting.count(own_engine, limit=7)
    execute(url, "TRUNCATE predictions CASCADE")
    assert kept(url) == ([], [])


def test_what_comes_while_changes_are_added_up_is_neither_lost_nor_doubled(url, own_engine, prediction):
    log = PredictionLog(own_engine)
    is_over = threading.Event()
    counted = []

    def count():
        while not is_over.is_set():
            counted.append(counting.count(own_engine, limit=20))

    threads = [threading.Thread(target=count) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(30):
            log.write([prediction() for _ in range(10)])
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
    counting.count(own_engine, limit=1000)
    assert execute(url, "SELECT sum(count) FROM daily_counts WHERE figure = 'is_digit'") == [(300,)]
    assert execute(url, "SELECT FROM daily_changes") == []


def test_whoever_deletes_many_drawings_mends_the_counts_too(
    url, own_engine, session_id, prediction, monkeypatch
):
    """So that analytics never read tens of thousands of changes that wait."""
    monkeypatch.setattr(log_module, "DELETED_AT_ONCE", 5)
    monkeypatch.setattr(counting, "PART_ROWS", 4)
    log = PredictionLog(own_engine)
    log.write([prediction() for _ in range(12)])
    log.write([prediction(session_id="b" * 32, predicted_label="4")])
    while counting.count(own_engine):
        pass
    log.write([Deletion(session_id, datetime.now(UTC))])
    assert execute(url, "SELECT FROM daily_changes") == []
    assert execute(url, "SELECT value, count FROM daily_counts WHERE figure = 'label'") == [("4", 1)]


def test_two_pages_do_not_count_at_once(own_engine, prediction):
    PredictionLog(own_engine).write([prediction()])
    with own_engine.connect() as other:
        other.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": counting.LOCK_KEY})
        assert counting.count(own_engine) == 0
    assert counting.count(own_engine) == 1


def test_a_page_adds_up_when_it_starts(url, own_engine, prediction, monkeypatch):
    monkeypatch.setattr(counting, "PART_ROWS", 2)
    monkeypatch.setattr(counting, "PAUSE_S", 0)
    done = threading.Event()
    count = counting.count

    def counted(engine):
        if not (found := count(engine, limit=2)):
            done.set()
        return found

    monkeypatch.setattr(counting, "count", counted)
    PredictionLog(own_engine).write([prediction() for _ in range(4)])
    keeper = Counting(own_engine)
    keeper.start()
    try:
        assert done.wait(20)
    finally:
        keeper.stop()
    assert execute(url, "SELECT FROM daily_changes") == []


def test_that_the_database_is_away_is_said_when_it_begins_and_when_it_is_over(caplog, monkeypatch):
    monkeypatch.setattr(counting, "EVERY_S", 0)
    answers = iter(["there", "away", "away", "away", "there", "there", "away"])
    keeper = Counting(database.create("postgresql://nobody:nothing@127.0.0.1:9/nowhere"))

    def count(_engine):
        if (answer := next(answers, None)) is None:
            keeper.stop()
        if answer == "away":
            raise counting.DatabaseUnavailable("PostgreSQL is unavailable")
        return 0

    monkeypatch.setattr(counting, "count", count)
    keeper._run()
    later, again = (
        "changes will be counted later: PostgreSQL is unavailable",
        "counting changes again: PostgreSQL is back",
    )
    assert [one.getMessage() for one in caplog.records] == [later, again, later, again]
