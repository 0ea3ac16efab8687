"""A run's last step has its version tried, once, and only if it passed."""

import pytest
from sqlalchemy import Engine, update

from db import loop_runs
from db.loop_runs import Run
from db.schema import model_versions
from db.serving import ServingRows
from db.versions import Version, Versions
from loop.rollout import roll_out
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


def test_a_version_that_was_refused_is_not_tried(database: Engine, run: Run) -> None:
    passes(database, run.model_name, "1.1.0", "refused")
    outcome = roll_out(run, database)
    assert outcome.state == "refused"
    assert outcome.reason.endswith("1.1.0 is not tried: the gate refused it (for a test)")


def test_a_run_without_a_version_has_nothing_to_try(database: Engine, model_name: str) -> None:
    run = loop_runs.begin(database, model_name, ["roll out"], "a test", {})
    assert roll_out(run, database).state == "failed"
