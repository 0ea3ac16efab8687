"""What is no longer to be served is taken away, however many versions came after it."""

import pytest

from tests.rollout.conftest import NEW, OLD, Trial, age, begin, note

pytestmark = pytest.mark.integration


def test_of_two_promotions_within_a_day_the_last_version_before_stays(trial: Trial) -> None:
    note(trial, "1.2.0")
    for version in (NEW, "1.2.0"):
        trial.desk.promote(trial.model, version, OLD, "ada", is_forced=True)
        trial.turn()
        trial.turn()
    assert trial.versions == ["1.2.0", NEW, OLD], "some pages may still ask it"
    age(trial, 120)
    trial.turn()
    trial.turn()
    assert (trial.versions, trial.serving.leaving) == (["1.2.0", NEW], ())
    # What an operator loads afterwards nobody takes away.
    trial.torchserve.register(trial.store / f"{trial.model}-{OLD}.mar")
    trial.turn()
    assert trial.versions == ["1.2.0", NEW, OLD]


def test_what_is_tried_while_another_version_is_made_the_default_is_taken_away(trial: Trial) -> None:
    note(trial, "1.2.0")
    begin(trial)
    trial.desk.promote(trial.model, "1.2.0", OLD, "ada", is_forced=True)
    trial.turn()
    trial.turn()
    age(trial, 120)
    trial.turn()
    assert trial.versions == ["1.2.0", OLD]


def test_what_was_tried_before_another_one_is_taken_away(trial: Trial) -> None:
    note(trial, "1.2.0")
    begin(trial)
    trial.desk.roll_back(trial.model, "ada")
    trial.passes("1.2.0")
    trial.desk.try_out(trial.model, "1.2.0", OLD, "a test")
    trial.turn()
    trial.turn()
    age(trial, 120)
    trial.turn()
    assert trial.versions == [OLD, "1.2.0"]
