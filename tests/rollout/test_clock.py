"""A rollout that a clock has dated ahead goes on as soon as that is set back."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import func, update

from client.errors import Unreachable
from db.schema import looks
from tests.rollout.conftest import NEW, OLD, Trial, age, begin

pytestmark = pytest.mark.integration

GONE = Unreachable("The model cannot be reached.")


def test_what_was_tried_by_a_clock_that_was_ahead_goes_on_and_is_taken_back_where_it_fails(
    trial: Trial,
) -> None:
    begin(trial)
    trial.routes.asked(trial.model, NEW, GONE)
    trial.turn()
    assert trial.serving.failed_looks == 1
    age(trial, -3600)
    with trial.engine.begin() as connection:
        of_model = looks.c.model_name == trial.model
        ahead = looks.c.created_at + func.make_interval(0, 0, 0, 0, 1)
        connection.execute(update(looks).where(of_model).values(created_at=ahead))
    trial.turn()
    assert trial.serving.changed_at <= datetime.now(UTC)
    for _ in range(3):
        trial.routes.asked(trial.model, NEW, GONE)
        trial.turn()
    assert (trial.serving.version, trial.serving.share) == (OLD, 0)
    assert "3 looks failed" in trial.serving.reason
