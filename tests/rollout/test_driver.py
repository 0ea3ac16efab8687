"""A rollout from its first step to the default, or back, with the real PostgreSQL and a played TorchServe."""

from dataclasses import replace

import pytest

from client.errors import Busy, NotLoaded, Unreachable
from client.inference import Inference
from db import engine as database
from db.errors import DatabaseUnavailable
from rollout.changes import NotPossible
from rollout.driver import Driver
from rollout.reconcile import Places
from rollout.replicas import Replicas
from rollout.routes import DEFAULT, Routes
from rollout.rule import WORSE
from rollout.table import table
from tests.rollout.conftest import NEW, OLD, RULE, Trial, age, begin
from tests.ui.conftest import NO_DATABASE
from tests.ui.several_models import put_archive

pytestmark = pytest.mark.integration

GONE = Unreachable("The model could not answer (status 500).")


def test_a_version_is_registered_tried_on_more_and_more_and_becomes_the_default(trial: Trial) -> None:
    begin(trial)
    assert trial.versions == [OLD, NEW]
    session, other = trial.session(is_tried=True), trial.session(is_tried=False, share=25)
    assert trial.routes.versions(trial.model, session) == [NEW, DEFAULT]
    assert trial.routes.versions(trial.model, other) == [DEFAULT]
    for share in (5, 25, 100):
        assert trial.serving.share == share
        trial.answers(OLD, 20, 5, wrong=1)
        trial.turn()
        assert trial.serving.share == share, "the step waits for the candidate's answers"
        trial.answers(NEW, 8, 6, wrong=1)
        trial.turn()
    assert (trial.serving.version, trial.serving.previous, trial.serving.share) == (NEW, OLD, 0)
    trial.turn()
    assert trial.versions == [NEW, OLD]
    outcomes = [one.outcome for one in trial.desk.rows.looks(trial.model, 10)]
    assert outcomes == ["moved_on", "moved_on", "moved_on", "held"]


def test_a_version_whose_answers_are_corrected_is_taken_back_and_then_away(trial: Trial) -> None:
    begin(trial)
    trial.answers(OLD, 60, 5)
    trial.answers(NEW, 8, 6, wrong=4)
    trial.turn()
    assert (trial.serving.version, trial.serving.candidate, trial.serving.share) == (OLD, NEW, 0)
    assert f"{WORSE}: 32 of 48, else 0 of 300 (p = 0.0001, significant)" in trial.serving.reason
    trial.turn()
    assert trial.versions == [OLD, NEW], "some pages may still ask it"
    age(trial, 120)
    trial.turn()
    trial.turn()
    assert (trial.versions, trial.serving.candidate) == ([OLD], None)


def test_a_version_that_is_slow_is_taken_back(trial: Trial) -> None:
    begin(trial)
    trial.answers(OLD, 60, 5)
    trial.answers(NEW, 8, 6, ms=180.0)
    trial.turn()
    assert trial.serving.share == 0
    assert "slow: 48 of 48, else 0 of 300" in trial.serving.reason


def test_what_nobody_notices_is_not_slow(trial: Trial) -> None:
    begin(trial)
    trial.answers(OLD, 60, 5)
    trial.answers(NEW, 8, 6, ms=80.0)
    trial.turn()
    assert trial.serving.share == 25


def test_what_torchserve_was_started_with_can_be_promoted_and_registered_again(trial: Trial) -> None:
    newest, file = "1.2.0", f"{trial.model}-1.2.0.mar"
    put_archive(trial.store, file, trial.model, newest)
    trial.torchserve.register(trial.store / file)
    begin(trial)
    trial.desk.promote(trial.model, newest, OLD, "ada", is_forced=True)
    trial.turn()
    assert trial.versions[0] == newest
    trial.torchserve.workers = {(trial.model, OLD): 2}
    trial.turn()
    trial.turn()
    assert trial.versions[0] == newest


def test_a_version_that_fails_is_taken_back_after_three_failed_looks(trial: Trial) -> None:
    begin(trial)
    for count in (1, 2):
        trial.routes.asked(trial.model, NEW, GONE)
        trial.turn()
        assert (trial.serving.share, trial.serving.failed_looks) == (5, count)
    trial.routes.asked(trial.model, NEW)
    trial.routes.asked(trial.model, NEW, Busy("busy"))
    trial.turn()
    assert trial.serving.failed_looks == 2, "with a ready worker, whoever is busy is not broken"
    trial.routes.asked(trial.model, NEW, GONE)
    trial.turn()
    assert (trial.serving.version, trial.serving.share) == (OLD, 0)
    assert "3 looks failed" in trial.serving.reason


def test_one_failure_in_hundreds_is_no_failed_look(trial: Trial) -> None:
    begin(trial)
    for _ in range(199):
        trial.routes.asked(trial.model, NEW)
    trial.routes.asked(trial.model, NEW, GONE)
    trial.routes.asked(trial.model, NEW, NotLoaded("not loaded"))
    trial.turn()
    assert trial.serving.failed_looks == 0


def test_a_version_whose_workers_do_not_start_is_taken_back(trial: Trial) -> None:
    trial.torchserve.failing.add(trial.model)
    trial.passes()
    trial.desk.try_out(trial.model, NEW, OLD, "a test")
    trial.driver.rule = replace(RULE, ready_s=0.0)
    trial.torchserve.workers = {(trial.model, OLD): 2}
    trial.turn()
    trial.turn()
    assert (trial.serving.share, trial.serving.candidate) == (0, NEW)
    assert (
        "none of its workers was ready within 0 s (TorchServe's model.log says why)" in trial.serving.reason
    )


def test_an_archive_that_was_changed_after_its_verdict_is_not_registered(trial: Trial) -> None:
    trial.passes()
    trial.desk.try_out(trial.model, NEW, OLD, "a test")
    (trial.store / f"{trial.model}-{NEW}.mar").write_bytes(b"something else")
    trial.turn()
    assert trial.versions == [OLD]
    assert "is not the file of" in trial.serving.reason


def test_a_torchserve_that_was_started_again_has_all_of_it_within_two_turns(trial: Trial) -> None:
    begin(trial)
    trial.desk.promote(trial.model, NEW, OLD, "a test")
    trial.turn()
    assert trial.versions == [NEW, OLD]
    trial.torchserve.workers = {(trial.model, OLD): 2}
    trial.turn()
    trial.turn()
    assert trial.versions == [NEW, OLD]


def test_only_a_version_that_passed_is_tried_or_promoted_unless_it_is_forced(trial: Trial) -> None:
    desk, model = trial.desk, trial.model
    with pytest.raises(NotPossible, match="the gate has not seen it"):
        desk.try_out(model, NEW, OLD, "a test")
    trial.passes(outcome="refused")
    with pytest.raises(NotPossible, match=r"the gate refused it \(for a test\)"):
        desk.promote(model, NEW, OLD, "a test")
    assert desk.rows.find(model) is None
    assert desk.promote(model, NEW, OLD, "ada", is_forced=True).version == NEW
    assert trial.serving.reason == "ada: forced, although the gate refused it (for a test)."
    with pytest.raises(NotPossible, match="is already the default"):
        desk.promote(model, NEW, OLD, "a test")
    with pytest.raises(NotPossible, match="there is no known archive of"):
        desk.promote(model, "9.9.9", OLD, "a test")


def test_a_bad_version_that_was_forced_is_taken_back_by_itself(trial: Trial) -> None:
    trial.answers(OLD, 60, 5, ago_s=3600)
    trial.desk.promote(trial.model, NEW, OLD, "ada", is_forced=True)
    trial.turn()
    trial.turn()
    assert trial.versions == [NEW, OLD]
    trial.answers(NEW, 8, 6, wrong=4)
    trial.turn()
    assert (trial.serving.version, trial.serving.previous) == (OLD, None)
    trial.turn()
    assert trial.versions == [OLD, NEW]


def test_where_a_forced_version_fails_others_answer_and_it_is_taken_back(trial: Trial) -> None:
    trial.desk.promote(trial.model, NEW, OLD, "ada", is_forced=True)
    trial.turn()
    trial.turn()
    for _ in range(3):
        assert trial.routes.versions(trial.model, None) == [DEFAULT, OLD]
        trial.routes.asked(trial.model, DEFAULT, GONE)
        trial.turn()
    assert trial.serving.version == OLD


def test_a_rollback_is_back_at_once(trial: Trial) -> None:
    with pytest.raises(NotPossible, match="make promote VERSION="):
        trial.desk.roll_back(trial.model, "ada")
    begin(trial)
    assert trial.desk.roll_back(trial.model, "ada").share == 0
    trial.desk.promote(trial.model, NEW, OLD, "ada")
    trial.turn()
    assert trial.versions == [NEW, OLD]
    trial.desk.roll_back(trial.model, "ada")
    trial.turn()
    assert (trial.versions, trial.serving.reason) == ([OLD, NEW], "ada: rolled back.")


def test_of_several_pages_one_drives(trial: Trial) -> None:
    begin(trial)
    url = trial.torchserve.url
    other = Driver(trial.engine, Replicas(url), Places(trial.store), Routes(), Inference(url), RULE)
    trial.torchserve.workers = {(trial.model, OLD): 2}
    with trial.desk.rows.alone() as is_alone:
        assert is_alone
        other.turn()
        assert trial.versions == [OLD]
    other.turn()
    assert trial.versions == [OLD, NEW]


def test_of_two_who_decide_at_once_one_is_told(trial: Trial) -> None:
    begin(trial)
    seen = trial.serving
    trial.desk.roll_back(trial.model, "ada")
    trial.desk.rows.find = lambda _model: seen  # type: ignore[method-assign]
    with pytest.raises(NotPossible, match="somebody else has changed it in the meantime"):
        trial.desk.roll_back(trial.model, "bob")


def test_the_table_says_of_each_version_what_it_is(trial: Trial) -> None:
    begin(trial)
    trial.answers(OLD, 1, 4, wrong=1)
    said = table(trial.desk, trial.model, Replicas(trial.torchserve.url).of(trial.model)).splitlines()
    lines = {line.split()[0]: line for line in said[:3]}
    assert lines[OLD].split("  ")[-1] == "0.0 % of 1"
    assert "default" in lines[OLD]
    assert "passed   2 of 2 workers ready  5 % of sessions" in lines[NEW]
    assert said[-1] == "a test: it is tried on 5 % of sessions."
    assert table(trial.desk, "none", []) == "no version of none is known, and TorchServe does not answer"


def test_while_the_database_is_away_what_was_known_last_counts(trial: Trial) -> None:
    begin(trial)
    session, away = trial.session(is_tried=True), database.create(NO_DATABASE)
    url = trial.torchserve.url
    driver = Driver(away, Replicas(url), Places(trial.store), trial.routes, Inference(url), RULE)
    with pytest.raises(DatabaseUnavailable):
        driver.turn()
    assert trial.routes.versions(trial.model, session) == [NEW, DEFAULT]
