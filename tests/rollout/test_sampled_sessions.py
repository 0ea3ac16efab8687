"""Which sessions a look compares where there are very many: some of the whole time, and a watch goes on."""

from datetime import UTC, datetime

import pytest

from db.serving import Look
from rollout.looks import look, progress
from rollout.rule import Rule
from tests.rollout.conftest import NEW, OLD, Trial, age, begin

pytestmark = pytest.mark.integration


def looked(trial: Trial, rule: Rule) -> Look | None:
    """Look once, by this rule."""
    rows, versions, second = trial.desk.rows, trial.desk.versions, trial.driver._second
    return look(rows, versions, rule, trial.serving, datetime.now(UTC), second)


def test_sessions_of_both_are_of_the_same_time(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of both versions 6 % are judged wrong, all in the first half of the step."""
    monkeypatch.setattr("db.versions.MOST_SESSIONS", 100)
    monkeypatch.setattr("db.version_answers.MOST_SESSIONS", 100)
    begin(trial)
    age(trial, 3 * 3600)
    for version, sessions, wrong in ((NEW, 100, 6), (OLD, 1000, 60)):
        trial.answers(version, wrong, 1, wrong=1, ago_s=9000)
        trial.answers(version, sessions // 2 - wrong, 1, ago_s=9000)
        trial.answers(version, sessions // 2, 1, ago_s=1000)
    seen = looked(trial, Rule(answers=100))
    assert seen is not None
    assert (seen.numbers["sessions"], seen.numbers["other_sessions"]) == (100, 100)
    assert seen.numbers["other_wrong"] > 0
    assert (seen.outcome, trial.serving.share) == ("moved_on", 25)


def test_a_watch_goes_on_though_more_sessions_come_than_are_compared(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.versions.MOST_SESSIONS", 50)
    monkeypatch.setattr("db.version_answers.MOST_SESSIONS", 50)
    rule = Rule(answers=20)
    trial.passes()
    trial.desk.promote(trial.model, NEW, OLD, "ada")
    trial.turn()
    age(trial, 3600)
    trial.answers(OLD, 100, 1, ago_s=7200)
    for more in (20, 20, 40):
        trial.answers(NEW, more, 1, ago_s=2000)
        seen = looked(trial, rule)
        assert seen is not None
        assert seen.outcome == "held"
    trial.answers(NEW, 79, 1, ms=5000.0, ago_s=500)
    at = progress(trial.desk.rows, trial.desk.versions, rule, trial.serving)
    assert at is not None
    assert (at.answers, at.due) == (159, 160)
    assert looked(trial, rule) is None
    trial.answers(NEW, 1, 1, ms=5000.0, ago_s=500)
    seen = looked(trial, rule)
    assert seen is not None
    assert seen.outcome == "failed"
    assert "slow" in seen.reason
    assert trial.serving.version == OLD


def test_one_session_with_very_many_answers_delays_no_look(trial: Trial) -> None:
    begin(trial)
    age(trial, 3600)
    trial.answers(OLD, 10, 1, ago_s=3000)
    trial.answers(NEW, 4, 5, ago_s=3000)
    trial.answers(NEW, 1, 60, ago_s=1)
    at = progress(trial.desk.rows, trial.desk.versions, Rule(answers=40), trial.serving)
    assert at is not None
    assert (at.answers, at.sessions) == (80, 5)
