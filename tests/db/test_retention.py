"""What is older than KEEP_DAYS is deleted, a little at a time."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text, update

from db import engine as database
from db import examples, migrate, retention
from db.attempts import Attempts, Limit
from db.examples import Chosen
from db.log import DatabaseUnavailable, PredictionLog
from db.retention import Retention
from db.schema import sign_in_attempts
from system import variables
from system.environment import SettingError
from tests.db import loop_rows
from tests.services.postgres import empty_database

integration = pytest.mark.integration


@pytest.fixture
def own_log(postgres_server):
    """The log of a database of the test's own: what is old is deleted whoever it belongs to."""
    with empty_database(postgres_server.url) as url, database.opened(url) as engine:
        migrate.upgrade(url)
        yield PredictionLog(engine)


def run_until(kept: Retention, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in the background until this step is done once."""
    done, do = threading.Event(), getattr(kept, step)
    monkeypatch.setattr(kept, step, lambda: (do(), done.set()))
    kept.start()
    assert done.wait(30)
    kept.stop()


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


@integration
def test_without_a_number_of_days_networks_are_forgotten_and_no_drawing_is_deleted(
    own_log, session_id, prediction, correction, monkeypatch
):
    monkeypatch.setattr(retention, "PART_ROWS", 1)
    now, network = datetime.now(UTC), bytes(16)
    made = prediction(created_at=now - timedelta(days=400))
    said = [
        correction(made, str(days), network=network, created_at=now - timedelta(days=days, seconds=9))
        for days in (32, 31, 30)
    ]
    own_log.write([made, *said])
    run_until(Retention(own_log, None), "_forget_networks", monkeypatch)
    assert networks(own_log) == {"32": None, "31": None, "30": network}
    assert len(own_log.history(session_id)) == 1


@integration
def test_the_network_of_what_a_run_has_taken_is_forgotten_once_the_run_is_over(
    own_log, prediction, correction
):
    taken, left = prediction(), prediction()
    said = [correction(one, label, network=bytes(16)) for one, label in ((taken, "1"), (left, "2"))]
    own_log.write([taken, left, *said])
    run_id = loop_rows.add_run(own_log._engine)
    with own_log._engine.begin() as connection:
        chosen = Chosen(taken.id, "train", "1", bytes(32))
        examples.put(connection, run_id, [chosen])
    assert Retention(own_log, None)._forget_networks() == 0
    with own_log._engine.begin() as connection:
        connection.execute(text("UPDATE loop_runs SET state = 'done', ended_at = now()"))
    # What was said again since is no part of it.
    own_log.write([correction(taken, "3", network=bytes(16))])
    assert Retention(own_log, None)._forget_networks() == 1
    assert networks(own_log) == {"1": None, "2": bytes(16), "3": bytes(16)}


@integration
def test_who_has_tried_to_sign_in_is_forgotten_though_nobody_tries_again(own_log, monkeypatch):
    monkeypatch.setattr(retention, "PART_ROWS", 1)
    counted = [Limit(of, 3, 30) for of in ("network 1", "name ada", "name grace")]
    Attempts(own_log._engine).take(counted)
    with own_log._engine.begin() as connection:
        for one in counted[:2]:
            is_it = sign_in_attempts.c.key_hash == one.key_hash
            connection.execute(update(sign_in_attempts).where(is_it).values(full_at=func.now()))
    run_until(Retention(own_log, None), "_forget_attempts", monkeypatch)
    with own_log._engine.connect() as connection:
        assert list(connection.scalars(select(sign_in_attempts.c.key_hash))) == [counted[2].key_hash]


def networks(log):
    """Return what is known of each label's network."""
    with log._engine.connect() as connection:
        rows = connection.execute(text("SELECT true_label, network FROM feedback"))
        return {label: None if network is None else bytes(network) for label, network in rows}


def test_a_database_that_is_away_is_a_warning(caplog):
    away = PredictionLog(database.create("postgresql://nobody@127.0.0.1:9/nowhere"))
    with pytest.raises(DatabaseUnavailable):
        away.delete_older(7, 10)
    assert Retention(away, 7)._delete(7) == 0
    assert Retention(away, None)._forget_networks() == 0
    assert "older than 7 days are deleted later" in caplog.text
    assert "networks of judgements are forgotten later" in caplog.text


@pytest.mark.parametrize(("value", "days"), [("", None), (" ", None), ("1", 1), ("36500", 36_500)])
def test_drawings_are_kept_for_ever_unless_days_are_named(value, days):
    assert variables.keep_days({"KEEP_DAYS": value}) == days


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "36501", "ever"])
def test_days_that_cannot_be_are_one_line(value):
    with pytest.raises(
        SettingError, match=rf"KEEP_DAYS is '{value}', expected a number of days from 1 to 36500"
    ):
        variables.keep_days({"KEEP_DAYS": value})
