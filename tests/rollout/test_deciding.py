"""What the gate said counts against the version that is the default now, and one thing is tried at a time."""

import pytest

from rollout.changes import NotPossible, NotYet
from tests.rollout.conftest import NEW, OLD, Trial, age, note

pytestmark = pytest.mark.integration

NEXT = "1.2.0"
DAY_S = 24 * 3600


def test_a_verdict_against_another_version_than_the_default_is_none(trial: Trial) -> None:
    note(trial, NEXT)
    trial.passes(NEW)
    trial.passes(NEXT)
    trial.desk.promote(trial.model, NEW, OLD, "ada")
    age(trial, DAY_S + 60)
    said = r"the gate compared it with 1\.0\.0, and 1\.1\.0 is the default now"
    with pytest.raises(NotPossible, match=f"cannot be tried: {said}"):
        trial.desk.try_out(trial.model, NEXT, NEW, "a test")
    with pytest.raises(NotPossible, match=f"cannot be promoted: {said}"):
        trial.desk.promote(trial.model, NEXT, NEW, "ada")
    assert trial.serving.version == NEW
    trial.desk.promote(trial.model, NEXT, NEW, "ada", is_forced=True)
    assert trial.serving.reason == (
        "ada: forced, although the gate compared it with 1.0.0, and 1.1.0 is the default now."
    )


def test_what_is_refused_leaves_a_model_alone_on_which_nobody_has_decided(trial: Trial) -> None:
    for version in ("9.9.9", OLD, NEW):
        with pytest.raises(NotPossible):
            trial.desk.promote(trial.model, version, OLD, "ada")
        with pytest.raises(NotPossible):
            trial.desk.try_out(trial.model, version, OLD, "a test")
    assert trial.desk.rows.find(trial.model) is None


def test_while_a_new_default_is_watched_nothing_else_is_tried(trial: Trial) -> None:
    note(trial, NEXT)
    trial.desk.promote(trial.model, NEW, OLD, "ada", is_forced=True)
    trial.passes(NEXT, champion=NEW)
    with pytest.raises(NotYet, match=r"1\.1\.0 became the default, and is watched until .* UTC: nothing"):
        trial.desk.try_out(trial.model, NEXT, NEW, "a test")
    age(trial, DAY_S + 60)
    assert trial.desk.try_out(trial.model, NEXT, NEW, "a test").share == 5


def test_a_version_that_is_promoted_gets_as_many_workers_as_operators_gave_the_one_before(
    trial: Trial,
) -> None:
    trial.torchserve.start((trial.model, OLD), 4)
    trial.desk.promote(trial.model, NEW, OLD, "ada", is_forced=True)
    trial.turn()
    trial.turn()
    assert trial.torchserve.workers == {(trial.model, NEW): 4, (trial.model, OLD): 4}
    # Whoever scales it afterwards decides.
    trial.torchserve.start((trial.model, NEW), 1)
    trial.turn()
    assert trial.torchserve.workers[trial.model, NEW] == 1
