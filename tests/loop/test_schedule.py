"""The loop's service: it does runs and looks in time, tells Prometheus, and survives failures."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine, func, select, update

from db import loop_runs as runs
from db.loop_runs import Outcome, Run
from db.schema import loop_runs, loop_steps
from loop import schedule
from loop.engine import not_enough
from loop.schedule import RETRAIN, WATCH, Settings
from loop.schedule_metrics import FAILED, PASSED, UNDECIDED, Metrics
from system.files import PROJECT
from system.ports import free_ports

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

# Each of its commands imports torch, on a machine that may be busy with other tests.
PATIENCE_S = 240.0
PERIODS = {RETRAIN: 86_400.0, WATCH: 3600.0}
NO_DATABASE = "postgresql://u:p@127.0.0.1:1/d"

Values = dict[tuple[str, ...], float]


def values(exposition: str) -> Values:
    """Return each sample's value by its name without the prefix, and its labels' values."""
    return {
        (sample.name.removeprefix("sketchserve_loop_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
    }


def served(port: int) -> Values:
    """Return what Prometheus is given; nothing while nobody listens."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
            return values(answer.read().decode())
    except OSError:
        return {}


def wait_until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.fixture
def settings(postgres_url: str, model_name: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings for a model of the test's own, whose runs are a day apart."""
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    return Settings(model_name, PERIODS[RETRAIN], "127.0.0.1", 0)


def test_it_runs_the_loop_and_looks_at_drawings_and_a_restart_waits_for_its_time(
    database: Engine, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (port,) = free_ports(1)
    monkeypatch.setenv("MODEL", settings.model_name)
    monkeypatch.setenv("MODEL_STORE", str(tmp_path))
    monkeypatch.setenv("LOOP_METRICS_PORT", str(port))
    done = {("runs_total", WATCH, PASSED): 1, ("runs_total", RETRAIN, UNDECIDED): 1}
    with subprocess.Popen([sys.executable, "-m", "loop.schedule"], cwd=PROJECT) as service:
        # Nobody has drawn anything: there is not enough evidence, and the run ends soon.
        wait_until(lambda: done.items() <= served(port).items())
        first = served(port)
        service.send_signal(signal.SIGTERM)
        assert service.wait(PATIENCE_S) == 0
    query = select(loop_runs.c.state, loop_runs.c.ended_at).where(
        loop_runs.c.model_name == settings.model_name
    )
    with database.connect() as connection:
        ((state, ended_at),) = connection.execute(query)
    assert state == "refused"
    assert first["runs_total", RETRAIN, FAILED] == first["runs_total", WATCH, FAILED] == 0
    assert first["period_seconds", RETRAIN] == PERIODS[RETRAIN]

    def is_known() -> bool:
        known = served(port).get(("last_end_timestamp_seconds", RETRAIN), 0)
        return abs(known - ended_at.timestamp()) < 1e-3

    with subprocess.Popen([sys.executable, "-m", "loop.schedule"], cwd=PROJECT) as service:
        wait_until(is_known)
        # In the middle of a look.
        service.send_signal(signal.SIGTERM)
        assert service.wait(PATIENCE_S) == 0
    with database.connect() as connection:
        assert len(connection.execute(query).all()) == 1


def test_the_next_run_is_due_a_period_after_the_last_one_began_and_at_once_if_that_failed(
    database: Engine, settings: Settings
) -> None:
    def due() -> float:
        return schedule.until_retrain(settings, Metrics(PERIODS))

    assert due() == 0
    begin = partial(runs.begin, database, settings.model_name, ["collect"], "a test", {})
    runs.finish(database, begin(), Outcome("failed", {}, "no weights"))
    assert due() == 0
    run = begin()
    runs.finish(database, run, not_enough({}, "7 drawings"))
    assert PERIODS[RETRAIN] - PATIENCE_S < due() <= PERIODS[RETRAIN]
    earlier = update(loop_runs).where(loop_runs.c.id == run.id)
    with database.begin() as connection:
        connection.execute(
            earlier.values(created_at=loop_runs.c.created_at - timedelta(seconds=PERIODS[RETRAIN]))
        )
    assert due() <= 0


def test_while_somebody_does_a_run_none_is_due_and_what_was_killed_is(
    database: Engine, settings: Settings
) -> None:
    run = runs.begin(database, settings.model_name, ["collect"], "a test", {})
    metrics = Metrics(PERIODS)
    assert schedule.until_retrain(settings, metrics) > 0
    silent = update(loop_steps).where(loop_steps.c.run_id == run.id)
    with database.begin() as connection:
        connection.execute(silent.values(beat_at=loop_steps.c.beat_at - timedelta(seconds=runs.SILENT_S + 1)))
    assert schedule.until_retrain(settings, metrics) == 0


def test_a_run_that_has_to_wait_asks_again_in_an_hour_and_one_that_was_interrupted_at_once(
    database: Engine, settings: Settings
) -> None:
    metrics = Metrics(PERIODS)
    begin = partial(runs.begin, database, settings.model_name, ["roll out"], "a test", {})
    runs.release(database, begin(), "1.0.1 is tried")
    hour = schedule.ASK_AGAIN_S
    assert hour - PATIENCE_S < schedule.until_retrain(settings, metrics) <= hour
    earlier = update(loop_steps).values(started_at=loop_steps.c.started_at - timedelta(seconds=hour))
    of_model = select(loop_runs.c.id).where(loop_runs.c.model_name == settings.model_name)
    with database.begin() as connection:
        connection.execute(earlier.where(loop_steps.c.run_id.in_(of_model)))
    assert schedule.until_retrain(settings, metrics) <= 0
    runs.release(database, begin())
    assert schedule.until_retrain(settings, metrics) == 0


def test_a_clock_that_was_ahead_puts_nothing_off_once_it_is_set_back(
    database: Engine, settings: Settings
) -> None:
    metrics = Metrics(PERIODS)
    of_model = loop_runs.c.model_name == settings.model_name
    steps_of_model = loop_steps.c.run_id.in_(select(loop_runs.c.id).where(of_model))

    def begun_ahead() -> Run:
        run = runs.begin(database, settings.model_name, ["collect"], "a test", {})
        ahead = func.now() + timedelta(days=30)
        with database.begin() as connection:
            connection.execute(update(loop_runs).where(of_model).values(created_at=ahead))
            times = {"started_at": ahead, "beat_at": ahead}
            connection.execute(update(loop_steps).where(steps_of_model).values(times))
        return run

    begun_ahead()
    assert schedule.until_retrain(settings, metrics) == 0, "nobody does it"
    runs.release(database, begun_ahead(), "1.0.1 is tried")
    assert schedule.until_retrain(settings, metrics) == 0, "nobody knows when it was asked"
    runs.finish(database, begun_ahead(), not_enough({}, "7 drawings"))
    assert schedule.until_retrain(settings, metrics) == 0, "nobody knows when it ended"
    metrics.end(WATCH, time.time() + 86_400)
    assert metrics.until_due(WATCH) == 0


def test_a_command_that_fails_is_said_and_counted_and_is_not_done(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    metrics = Metrics(PERIODS)
    before = values(generate_latest(metrics.registry).decode())
    monkeypatch.setenv("DATABASE_URL", NO_DATABASE)
    # One that begins sooner than those that train.
    monkeypatch.setitem(schedule.MODULES, WATCH, "rollout")
    # It is the run itself that says why.
    assert schedule.until_retrain(settings, metrics) == 0
    assert not schedule.attempt(WATCH, metrics, 60)
    said = capfd.readouterr().err.splitlines()
    assert said[0].startswith("rollout: ")
    assert said[1:] == ["loop.schedule: python -m rollout ended with 1 (retrying in 60 s)"]
    after = values(generate_latest(metrics.registry).decode())
    assert after["runs_total", WATCH, FAILED] == 1
    assert after["last_end_timestamp_seconds", WATCH] == before["last_end_timestamp_seconds", WATCH]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("RETRAIN_EVERY_HOURS", "daily", "RETRAIN_EVERY_HOURS is 'daily', expected hours, more than 0"),
        ("DATABASE_URL", "mysql://h/d", "DATABASE_URL begins with mysql://"),
        ("METRICS_HOST", "203.0.113.1", "the metrics cannot be served at 203.0.113.1:9189"),
    ],
)
def test_what_cannot_be_used_is_one_line(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
    says: str,
) -> None:
    monkeypatch.setattr(schedule.stopping, "raise_on_signals", lambda: None)
    monkeypatch.setattr(schedule, "keep_private", lambda: None)
    monkeypatch.setenv(name, value)
    assert schedule.main() == 1
    errors = capsys.readouterr().err
    assert errors.startswith(f"loop.schedule: {says}")
    assert len(errors.splitlines()) == 1
