"""A run's last step has its version tried, once, and only if it passed."""

import pytest
from sqlalchemy import Engine, select, update

from db import loop_runs
from db.loop_runs import Run
from db.schema import model_versions, serving
from db.serving import Look, ServingRows
from db.versions import Version, Versions
from loop.engine import run_all
from loop.rollout import roll_out
from rollout.changes import Desk
from rollout.looks import take_back
from tests.rollout.conftest import passes

pytestmark = pytest.mark.integration


@pytest.fixture
def run(database: Engine, model_name: str) -> Run:
    """A run that has made version 1.1.0."""
    run = loop_runs.begin(database, model_name, ["roll out"], "a test", {})
    Versions(database).note(Version(model_name, "1.1.0", "new.mar", "0" * 64))
    with database.begin() as connection:
        of_model = model_versions.c.model_name == model_name
        connection.execute(update(model_versions).where(of_model).values(run_id=run.id))
    return run


def test_a_version_that_passed_is_tried_once_however_often_the_step_is_done(
    database: Engine, run: Run
) -> None:
    passes(database, run.model_name, "1.1.0")
    for _ in range(2):
        outcome = roll_out(run, database)
        assert (outcome.state, outcome.numbers) == ("done", {"share": 5})
    serving = ServingRows(database).find(run.model_name)
    assert serving is not None
    assert (serving.version, serving.candidate, serving.share) == ("1.0.0", "1.1.0", 5)
    assert len(ServingRows(database).looks(run.model_name, 9)) == 1


def test_a_version_that_was_taken_back_is_not_tried_again_when_the_step_is_done_again(
    database: Engine, run: Run
) -> None:
    passes(database, run.model_name, "1.1.0")
    roll_out(run, database)
    desk = Desk(ServingRows(database), Versions(database))
    desk.roll_back(run.model_name, "ada")
    # As the page forgets it, once it has taken it away.
    desk.rows.forget(desk.rows.find(run.model_name), "candidate_version")  # type: ignore[arg-type]
    outcome = roll_out(run, database)
    assert (outcome.state, outcome.numbers) == ("done", {"share": 0})
    assert outcome.reason.endswith("1.1.0 was tried: ada: rolled back.")
    assert desk.rows.find(run.model_name).share == 0  # type: ignore[union-attr]


def test_a_version_that_was_taken_back_by_itself_is_not_said_to_be_tried(database: Engine, run: Run) -> None:
    passes(database, run.model_name, "1.1.0")
    roll_out(run, database)
    rows = ServingRows(database)
    # TorchServe has it still, so that the row names it, on no session.
    assert take_back(rows, rows.find(run.model_name), Look("1.1.0", 5, "failed", "3 looks failed"))  # type: ignore[arg-type]
    serving = rows.find(run.model_name)
    assert serving is not None
    assert (serving.candidate, serving.share) == ("1.1.0", 0)
    outcome = roll_out(run, database)
    assert (outcome.state, outcome.numbers) == ("done", {"share": 0})
    assert outcome.reason.endswith("1.1.0 was taken back: 3 looks failed")


def test_while_another_version_is_tried_the_step_waits_and_is_done_by_the_next_run(
    database: Engine, run: Run
) -> None:
    passes(database, run.model_name, "1.1.0")
    Versions(database).note(Version(run.model_name, "1.0.1", "byhand.mar", "0" * 64))
    passes(database, run.model_name, "1.0.1")
    desk = Desk(ServingRows(database), Versions(database))
    desk.try_out(run.model_name, "1.0.1", "1.0.0", "ada")
    loop_runs.release(database, run)

    def goes_on() -> loop_runs.Outcome:
        return run_all(database, run.model_name, (("roll out", roll_out),), "b", {}, lambda *_: None)

    waits = goes_on()
    assert waits.state == "waiting"
    assert "1.1.0 has passed; " in waits.reason
    assert "1.0.1 is tried on 5 % of sessions" in waits.reason
    assert goes_on() == waits
    desk.roll_back(run.model_name, "ada")
    assert goes_on().numbers == {"share": 5}
    with database.connect() as connection:
        query = select(serving.c.candidate_version).where(serving.c.model_name == run.model_name)
        assert connection.scalar(query) == "1.1.0"


def test_a_version_that_was_refused_is_not_tried(database: Engine, run: Run) -> None:
    passes(database, run.model_name, "1.1.0", "refused")
    outcome = roll_out(run, database)
    assert outcome.state == "refused"
    assert outcome.reason.endswith("1.1.0 cannot be tried: the gate refused it (for a test)")


def test_a_run_without_a_version_has_nothing_to_try(database: Engine, model_name: str) -> None:
    run = loop_runs.begin(database, model_name, ["roll out"], "a test", {})
    assert roll_out(run, database).state == "failed"
