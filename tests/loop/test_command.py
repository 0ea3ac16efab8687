"""`make retrain` says what each step found, and how it ended by its exit status."""

import os
import sys
import tempfile
from pathlib import Path

import pytest
from sqlalchemy import text

from db import loop_runs, own_database
from db.loop_runs import Outcome
from loop import __main__ as command
from loop.engine import NotYetError, StepError, not_enough

pytestmark = pytest.mark.integration


@pytest.fixture
def retrain(postgres_url, model_name, monkeypatch, capsys):
    """A function that runs the command with these steps; it returns the status and what was printed."""
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    monkeypatch.setenv("MODEL", model_name)
    monkeypatch.setattr(own_database.stopping, "raise_on_signals", lambda: None)

    def retrain(*steps):
        monkeypatch.setattr(command, "STEPS", steps)
        try:
            status = command.main([])
        except SystemExit as end:  # as the interpreter ends the command with it
            print(end.code, file=sys.stderr)
            status = 1
        return status, *capsys.readouterr()

    return retrain


def step(outcome):
    return ("gate", lambda _run, _database: outcome)


NUMBERS = {
    "judged": 1200,
    "left_out": {"over_cap": 3},
    "labels": {"train": {"7": 2}, "gate": {}},
    "share": 0.25,
}


def test_each_step_is_said_with_its_numbers_and_its_reason(retrain, model_name):
    status, output, errors = retrain(step(Outcome("done", NUMBERS, "1.1.0 is better")))
    assert (status, errors) == (0, "")
    assert output.splitlines()[0].endswith(f" of {model_name}: gate")
    assert output.splitlines()[1:] == [
        "  judged: 1,200",
        "  left out: over cap 3",
        "  labels: train (7 2), gate (none)",
        "  share: 0.25",
        "  1.1.0 is better",
        "the candidate passed",
    ]


@pytest.mark.parametrize(
    ("outcome", "status", "line"),
    [
        (Outcome("refused", {}, "it reads ones worse"), 3, "refused: it reads ones worse"),
        (not_enough({}, "7 drawings"), 4, "not enough evidence: 7 drawings"),
        (Outcome("failed", {}, "no MNIST"), 1, "loop: no MNIST"),
    ],
)
def test_what_does_not_pass_is_told_apart_by_the_exit_status(retrain, outcome, status, line):
    found, _, errors = retrain(step(outcome))
    assert (found, errors) == (status, f"{line}\n")


def test_a_run_that_is_under_way_is_one_line(retrain, database, model_name):
    loop_runs.begin(database, model_name, ["collect"], "ada", {})
    status, output, errors = retrain(step(Outcome("done", {}, "")))
    assert (status, output) == (1, "")
    assert "is in progress (collect, started by ada" in errors
    assert len(errors.splitlines()) == 1


def test_no_statement_waits_for_ever_and_temporary_files_are_the_runs_own(retrain, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    found = {}

    def look(_run, database):
        with database.connect() as connection:
            found["limit"] = connection.scalar(text("SHOW statement_timeout"))
        (folder,) = tmp_path.glob("sketchserve-loop-*")
        assert Path(tempfile.mkdtemp()).parent == folder == Path(os.environ["TMPDIR"])
        return Outcome("done", {}, "looked")

    assert retrain(("collect", look))[0] == 0
    assert found == {"limit": "10min"}
    assert list(tmp_path.iterdir()) == []


def test_a_step_that_has_to_wait_is_one_line_and_no_failure(retrain):
    def waits(_run, _database):
        raise NotYetError("1.0.1 is tried")

    assert retrain(("roll_out", waits))[::2] == (4, "not yet: 1.0.1 is tried\n")


def test_a_step_that_cannot_be_done_is_one_line(retrain):
    def cannot(_run, _database):
        raise StepError("there are no weights: run make archive")

    assert retrain(("train", cannot))[::2] == (1, "loop: there are no weights: run make archive\n")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("MODEL", "../x", "MODEL is '../x', expected the name of a served model"),
        ("DATABASE_URL", "mysql://h/d", "DATABASE_URL begins with mysql://: expected postgresql://"),
        ("DATABASE_URL", "postgresql://u:secret@127.0.0.1:1/d", "cannot be migrated: "),
    ],
)
def test_what_cannot_be_used_is_one_line(retrain, monkeypatch, capsys, name, value, says):
    monkeypatch.setenv(name, value)
    status, _, errors = retrain(step(Outcome("done", {}, "")))
    assert status == 1
    assert says in errors
    assert "secret" not in errors
    assert len(errors.splitlines()) == 1
