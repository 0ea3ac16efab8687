"""Runs and their steps are rows: one process does them, and what was killed is begun again."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from db import loop_runs
from db.loop_runs import LostError, Outcome, RunningError
from loop import engine
from system.files import PROJECT

pytestmark = pytest.mark.integration


def fine(run, _database):
    return Outcome("done", {"of": run.step}, f"{run.step} is done")


STEPS = (("collect", fine), ("train", fine))


def run_all(database, model_name, steps=STEPS, settings=None):
    told = []
    outcome = engine.run_all(
        database, model_name, steps, "a test", settings or {}, lambda run, of: told.append((run.step, of))
    )
    return outcome, told


def rows(database, model_name):
    """Return the model's runs with their steps, as tuples of what says how far they are."""
    query = """
        SELECT r.id, r.state, r.reason, s.name, s.state, s.attempts, s.numbers, s.reason
        FROM loop_runs r JOIN loop_steps s ON s.run_id = r.id
        WHERE model_name = :name ORDER BY r.id, position
    """
    with database.connect() as connection:
        return [tuple(row)[1:] for row in connection.execute(text(query), {"name": model_name})]


def silence(database, run_id, for_s=loop_runs.SILENT_S + 1):
    """Let the run have been silent for some seconds."""
    ago = "UPDATE loop_steps SET beat_at = beat_at - make_interval(secs => :s) WHERE run_id = :run_id"
    with database.begin() as connection:
        connection.execute(text(ago), {"s": for_s, "run_id": run_id})


def begin(database, model_name, **settings):
    return loop_runs.begin(database, model_name, ["collect", "train"], "a test", settings)


def test_steps_are_done_in_their_order_and_leave_numbers_and_reasons(database, model_name):
    outcome, told = run_all(database, model_name)
    assert outcome == Outcome("done", {"of": "train"}, "train is done")
    assert [step for step, _ in told] == ["collect", "collect", "train", "train"]
    assert rows(database, model_name) == [
        ("done", "train is done", step, "done", 1, {"of": step}, f"{step} is done")
        for step in ("collect", "train")
    ]
    run_all(database, model_name)
    assert len(rows(database, model_name)) == 4


def test_a_refusal_ends_the_run_and_what_comes_after_it_is_not_done(database, model_name):
    def refuse(_run, _database):
        return engine.not_enough({"judged": 3}, "3 are too few")

    outcome, told = run_all(database, model_name, (("collect", refuse), ("train", fine)))
    assert outcome.numbers == {"judged": 3, "outcome": "not_enough_evidence"}
    assert told[-1] == ("collect", outcome)
    assert rows(database, model_name) == [
        ("refused", "3 are too few", "collect", "refused", 1, outcome.numbers, "3 are too few"),
        ("refused", "3 are too few", "train", "waiting", 0, {}, None),
    ]


def test_what_cannot_be_done_is_one_line_and_what_was_not_foreseen_is_kept_as_well(database, model_name):
    def cannot(_run, _database):
        raise engine.StepError("there is no MNIST: give --data")

    def broken(_run, _database):
        raise ZeroDivisionError("division by zero")

    outcome, _ = run_all(database, model_name, (("collect", cannot),))
    assert outcome == Outcome("failed", {}, "there is no MNIST: give --data")
    with pytest.raises(ZeroDivisionError):
        run_all(database, model_name, (("collect", broken),))
    assert [row[:2] for row in rows(database, model_name)] == [
        ("failed", "there is no MNIST: give --data"),
        ("failed", "ZeroDivisionError: division by zero"),
    ]


def test_a_second_process_is_told_that_a_run_is_under_way(database, model_name):
    begin(database, model_name)
    with pytest.raises(
        RunningError, match=r"is in progress \(collect, started by a test, last heard from \d+ s ago"
    ):
        run_all(database, model_name)
    assert begin(database, f"other-{model_name}").step == "collect"


def test_of_many_that_begin_at_once_one_gets_the_run(database, model_name):
    together = threading.Barrier(6)

    def one(_):
        together.wait()
        try:
            return begin(database, model_name).step
        except RunningError:
            return ""

    with ThreadPoolExecutor(6) as threads:
        assert sorted(threads.map(one, range(6))) == ["", "", "", "", "", "collect"]
    assert len(rows(database, model_name)) == 2


# Silent, or heard of by a clock that was two hours ahead.
@pytest.mark.parametrize("for_s", [loop_runs.SILENT_S + 1, -7200])
def test_a_killed_run_is_gone_on_with_at_its_step_once_it_was_silent(database, model_name, for_s):
    killed = begin(database, model_name, why="weekly")
    loop_runs.finish(database, killed, Outcome("done", {}, "collected"))
    loop_runs.claim(database, killed)
    with pytest.raises(RunningError):
        begin(database, model_name)
    silence(database, killed.id, for_s)
    again = begin(database, model_name, why="by hand")
    assert (again.id, again.step, again.attempt, again.settings) == (killed.id, "train", 2, {"why": "weekly"})
    loop_runs.finish(database, again, Outcome("done", {}, "trained"))
    assert [row[2:5] for row in rows(database, model_name)] == [("collect", "done", 1), ("train", "done", 2)]


def test_who_was_silent_for_too_long_can_neither_write_nor_finish(database, model_name):
    slow = begin(database, model_name)
    silence(database, slow.id)
    begin(database, model_name)
    for late in (
        lambda: loop_runs.beat(database, slow),
        lambda: loop_runs.finish(database, slow, Outcome("done", {}, "late")),
        lambda: loop_runs.claim(database, slow),
    ):
        with pytest.raises(LostError, match="another process has taken over"):
            late()
    with pytest.raises(LostError), database.begin() as connection:
        loop_runs.hold(connection, slow)
    loop_runs.release(database, slow)
    assert rows(database, model_name)[0][2:5] == ("collect", "running", 2)


def test_who_writes_keeps_the_step_until_that_is_written_and_nobody_takes_the_next_one(database, model_name):
    slow = begin(database, model_name)
    silence(database, slow.id)
    with database.begin() as connection:
        loop_runs.hold(connection, slow)
        with pytest.raises(RunningError, match="is being written by another process"):
            begin(database, model_name)
    assert begin(database, model_name).attempt == 2


def test_who_is_stopped_gives_the_step_back(database, model_name):
    def stopped(_run, _database):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_all(database, model_name, (("collect", stopped), ("train", fine)))
    outcome, told = run_all(database, model_name)
    assert outcome.state == "done"
    assert [row[4] for row in rows(database, model_name)] == [1, 1]
    assert told[0][0] == "collect"


def test_a_step_that_kills_whoever_does_it_is_given_up(database, model_name):
    for _ in range(loop_runs.MOST_ATTEMPTS):
        silence(database, begin(database, model_name).id)
    outcome, _ = run_all(database, model_name)
    assert outcome == Outcome("failed", {}, "collect was started 5 times, and killed each time")


def test_a_run_of_other_code_ends_with_a_reason(database, model_name):
    silence(database, loop_runs.begin(database, model_name, ["dream"], "a test", {}).id)
    outcome, _ = run_all(database, model_name)
    assert outcome.reason == "this code has no step 'dream': the run was started by another version"


def test_a_run_that_only_waits_is_done_by_whoever_comes(database, model_name):
    add = "INSERT INTO loop_runs (model_name, state, asked_by) VALUES (:name, 'waiting', 'the page')"
    with database.begin() as connection:
        connection.execute(text(add), {"name": model_name})
    assert run_all(database, model_name)[0].state == "done"
    assert [row[0] for row in rows(database, model_name)] == ["done", "done"]


def test_a_step_that_takes_long_is_heard_of(database, model_name, monkeypatch):
    monkeypatch.setattr(engine, "BEAT_S", 0.01)

    def wait_for_a_beat(run, database):
        silence(database, run.id)
        query = text("SELECT beat_at > now() - interval '30 s' FROM loop_steps WHERE run_id = :run_id")
        for _ in range(10_000):
            with database.connect() as connection:
                if connection.scalar(query, {"run_id": run.id}):
                    return Outcome("done", {}, "heard")
        raise AssertionError("nobody was heard of")

    assert run_all(database, model_name, (("collect", wait_for_a_beat),))[0].reason == "heard"


ENDLESS = """
import sys, threading
from db import engine as database
from loop import engine

def endless(run, _):
    print(run.id, flush=True)
    threading.Event().wait()

with database.opened(sys.argv[1]) as opened:
    engine.run_all(opened, sys.argv[2], (("collect", endless),), "a test", {}, lambda *_: None)
"""


def test_a_process_that_is_killed_in_a_step_leaves_it_to_the_next(database, postgres_url, model_name):
    command = [sys.executable, "-c", ENDLESS, postgres_url, model_name]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        run_id = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
    silence(database, run_id)
    assert run_all(database, model_name, (("collect", fine),))[0].state == "done"
    assert [row[3:5] for row in rows(database, model_name)] == [("done", 2)]
