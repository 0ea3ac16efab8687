"""What is older than KEEP_DAYS is deleted, a little at a time."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from db import engine as database
from db import migrate, retention
from db.log import DatabaseUnavailable, PredictionLog
from db.retention import Retention
from system import variables
from system.environment import SettingError
from tests.services.postgres import empty_database

integration = pytest.mark.integration


@pytest.fixture
def own_log(postgres_server):
    """The log of a database of the test's own: what is old is deleted whoever it belongs to."""
    with empty_database(postgres_server.url) as url, database.opened(url) as engine:
        migrate.upgrade(url)
        yield PredictionLog(engine)


@integration
def test_what_is_older_than_it_may_be_is_deleted_with_its_feedback_part_by_part(
    own_log, session_id, prediction, correction, monkeypatch
):
    monkeypatch.setattr(retention, "PART_ROWS", 2)
    now = datetime.now(UTC)
    old = [prediction(created_at=now - timedelta(days=7, seconds=number)) for number in range(1, 6)]
    young = prediction(created_at=now - timedelta(days=7) + timedelta(minutes=5))
    own_log.write([*old, young, correction(old[0], "1"), correction(young, "2")])
    assert Retention(own_log, 7)._delete(7) == 5
    (row,) = own_log.history(session_id)
    assert (row.prediction.id, row.true_label) == (young.id, "2")


@integration
def test_it_deletes_when_it_starts_and_rows_that_another_page_is_deleting_hold_it_up_no_longer(
    own_log, session_id, prediction, monkeypatch
):
    old = [prediction(created_at=datetime.now(UTC) - timedelta(days=9)) for _ in range(2)]
    own_log.write(old)
    deleted = threading.Event()
    monkeypatch.setattr(retention.logger, "info", lambda *_: deleted.set())
    with own_log._engine.connect() as other:
        other.execute(text("DELETE FROM predictions WHERE id = :id"), {"id": old[0].id})
        kept = Retention(own_log, 7)
        kept.start()
        assert deleted.wait(10)
        kept.stop()
        other.rollback()
    assert [row.prediction.id for row in own_log.history(session_id)] == [old[0].id]


@integration
def test_a_backlog_does_not_hold_up_a_page_that_stops(own_log, session_id, prediction, monkeypatch):
    monkeypatch.setattr(retention, "PART_ROWS", 1)
    own_log.write([prediction(created_at=datetime.now(UTC) - timedelta(days=9)) for _ in range(3)])
    stopped = Retention(own_log, 7)
    stopped.stop()
    assert stopped._delete(7) == 1


def test_without_a_number_of_days_nothing_runs(monkeypatch):
    monkeypatch.setattr(threading, "Thread", None)
    Retention(PredictionLog(database.create("postgresql://nobody@127.0.0.1:9/nowhere")), None).start()


def test_a_database_that_is_away_is_a_warning(caplog):
    away = PredictionLog(database.create("postgresql://nobody@127.0.0.1:9/nowhere"))
    with pytest.raises(DatabaseUnavailable):
        away.delete_older(7, 10)
    assert Retention(away, 7)._delete(7) == 0
    assert "older than 7 days are deleted later" in caplog.text


@pytest.mark.parametrize(("value", "days"), [("", None), (" ", None), ("1", 1), ("36500", 36_500)])
def test_drawings_are_kept_for_ever_unless_days_are_named(value, days):
    assert variables.keep_days({"KEEP_DAYS": value}) == days


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "36501", "ever"])
def test_days_that_cannot_be_are_one_line(value):
    with pytest.raises(
        SettingError, match=rf"KEEP_DAYS is '{value}', expected a number of days from 1 to 36500"
    ):
        variables.keep_days({"KEEP_DAYS": value})
