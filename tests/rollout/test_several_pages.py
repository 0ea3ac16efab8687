"""Several pages, one of which drives at a time: what each knows of what the others have seen."""

from types import SimpleNamespace

import pytest

from tests.rollout.conftest import NEW, Trial, begin

pytestmark = pytest.mark.integration


def test_a_page_that_has_not_driven_for_long_does_not_take_back_what_was_ready_meanwhile(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("rollout.driver.time", SimpleNamespace(monotonic=lambda: now))
    trial.torchserve.load_s = 600.0
    begin(trial)
    assert trial.serving.share == 5, "this page drove while the version had no worker yet"
    trial.torchserve.load_s = 0.0
    trial.torchserve.start((trial.model, NEW), 2)
    now += 10
    with trial.desk.rows.alone() as is_alone:
        assert is_alone, "now another page drives, and sees it ready"
        trial.turn()
    now += 3600
    trial.torchserve.workers[trial.model, NEW] = 0
    trial.turn()
    assert trial.serving.share == 5, "it was ready a moment ago"
    now += 200
    trial.torchserve.workers[trial.model, NEW] = 0
    trial.turn()
    assert trial.serving.share == 0
