"""Corrections that lie, and those that do not: only what tells two versions apart counts."""

import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from client.inference import Inference
from db.serving import Look
from db.version_answers import MOST_DOUBTED, Doubted
from rollout import looks
from rollout.rule import WORSE
from rollout.second_answers import TRIES, Given
from tests.rollout.conftest import NEW, OLD, Trial
from tests.ui.answering import NOBODY

pytestmark = pytest.mark.integration


def promoted(trial: Trial) -> None:
    """Have the new version the default, after a day of the old one's."""
    trial.passes()
    trial.answers(OLD, 60, 5, ago_s=3600)
    trial.desk.promote(trial.model, NEW, OLD, "a test")
    trial.turn()
    trial.turn()


def last_look(trial: Trial) -> Look:
    return trial.desk.rows.looks(trial.model, 1)[0]


def test_liars_in_league_take_no_version_back(trial: Trial) -> None:
    promoted(trial)
    trial.answers(NEW, 21, 6, wrong=6, drawn="3", said="8")
    trial.turn()
    assert (trial.serving.version, trial.serving.previous) == (NEW, OLD)
    assert last_look(trial).outcome == "held"
    assert f"{WORSE}: 0 of 126, else 0 of 300" in last_look(trial).reason
    assert last_look(trial).numbers["judged_wrong"] == 126


def test_liars_shield_no_version_that_is_worse(trial: Trial) -> None:
    trial.answers(OLD, 40, 6, wrong=6, drawn="3", said="8", ago_s=1800)
    promoted(trial)
    trial.answers(NEW, 8, 6, wrong=4)
    trial.turn()
    assert (trial.serving.version, trial.serving.candidate) == (OLD, NEW)
    assert f"{WORSE}: 32 of 48, else 0 of 540" in trial.serving.reason


def test_what_both_versions_read_wrong_counts_for_neither(trial: Trial) -> None:
    promoted(trial)
    trial.torchserve.reads[OLD] = lambda _image: "7"
    trial.answers(NEW, 8, 6, wrong=4)
    trial.turn()
    assert trial.serving.version == NEW
    assert f"{WORSE}: 0 of 48" in last_look(trial).reason


def test_each_picture_is_asked_once_and_few_at_a_time(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    def read_slowly(image: bytes) -> str:
        asked.append(image)
        time.sleep(0.05)
        return "7"

    def until_it_has_looked(number: int) -> dict[str, Any]:
        for _ in range(100):
            if last_look(trial).numbers.get("number") == number:
                break
            trial.turn()
        return last_look(trial).numbers

    promoted(trial)
    monkeypatch.setattr(looks, "ASKING_S", 0.1)
    trial.torchserve.reads[OLD] = read_slowly
    trial.answers(NEW, 8, 10, wrong=1)
    trial.turn()
    assert last_look(trial).outcome == "moved_on", "there was no time for all of them"
    trial.answers(NEW, 4, 10, wrong=2)
    numbers = until_it_has_looked(1)
    assert (numbers["answers"], numbers["judged_wrong"]) == (80, 8), "what comes later is the next look's"
    numbers = until_it_has_looked(2)
    assert (numbers["answers"], numbers["judged_wrong"]) == (120, 16)
    assert len(asked) == 16


def test_while_the_other_version_is_not_ready_a_look_waits(trial: Trial) -> None:
    promoted(trial)
    trial.torchserve.started[trial.model, OLD] = (time.monotonic(), 3600.0)
    trial.answers(NEW, 8, 6, wrong=4)
    trial.turn()
    assert trial.serving.version == NEW
    trial.torchserve.started[trial.model, OLD] = (0.0, 0.0)
    trial.turn()
    assert trial.serving.version == OLD


def test_a_picture_without_an_answer_holds_no_look_up_for_ever(trial: Trial) -> None:
    promoted(trial)
    trial.driver._second._inference = Inference(NOBODY)
    trial.answers(NEW, 1, 6, wrong=1)
    trial.answers(NEW, 8, 6)
    for _ in range(TRIES - 1):
        trial.turn()
    assert last_look(trial).outcome == "moved_on"
    trial.turn()
    assert f"{WORSE}: 0 of 54" in last_look(trial).reason


def test_of_a_session_so_many_count_and_each_has_its_first_one_asked_first(trial: Trial) -> None:
    trial.answers(NEW, 2, MOST_DOUBTED + 5, wrong=MOST_DOUBTED + 5)
    trial.answers(NEW, 1, 3, wrong=1, drawn="2", said="2")
    since = datetime.now(UTC) - timedelta(minutes=1)
    found = trial.desk.versions.doubted(trial.model, NEW, since)
    assert len(found) == 2 * MOST_DOUBTED + 1
    assert "2" in [one.true_label for one in found[:3]]
    right = {one.id for one in found}
    sessions = trial.desk.versions.sessions(trial.model, NEW, since, wrong=right)
    assert sorted(one.wrong for one in sessions) == [1, MOST_DOUBTED, MOST_DOUBTED]


def test_an_answer_is_right_by_what_was_said() -> None:
    seven = Doubted(uuid.uuid4(), "7")
    assert Given("7").is_right(seven)
    assert not Given("1").is_right(seven)
    assert not Given().is_right(seven)
    no_digit = replace(seven, true_label=None)
    assert Given("7", is_digit=False).is_right(no_digit)
    assert not Given("7", is_digit=True).is_right(no_digit)
    assert not Given("7").is_right(no_digit)
