"""What fails before a promoted version is TorchServe's default is no failure of that version."""

import pytest

from client.errors import Busy, Unreachable
from rollout.routes import DEFAULT
from tests.rollout.conftest import NEW, OLD, Trial

pytestmark = pytest.mark.integration


def test_while_a_promoted_version_starts_the_failures_of_the_one_before_are_not_its_own(
    trial: Trial,
) -> None:
    def fails(*, times: int) -> None:
        for _ in range(times):
            trial.routes.asked(trial.model, DEFAULT, Busy("The model is busy or still starting."))
            trial.routes.asked(trial.model, DEFAULT, Unreachable("The model cannot be reached."))
            trial.turn()

    trial.desk.promote(trial.model, NEW, OLD, "ada", is_forced=True)
    trial.torchserve.load_s = 3600.0
    trial.turn()
    fails(times=3)
    assert (trial.versions, trial.serving.version) == ([OLD, NEW], NEW)
    trial.torchserve.started[trial.model, NEW] = (0.0, 0.0)  # its workers run
    trial.turn()
    trial.turn()
    assert trial.versions == [NEW, OLD]
    fails(times=3)
    assert (trial.serving.version, trial.serving.candidate) == (OLD, NEW)
