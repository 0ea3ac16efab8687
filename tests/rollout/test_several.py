"""Several pages and TorchServes: one moment counts once, and one that ails decides nothing for others."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from client.errors import Unreachable
from client.inference import Inference
from rollout.driver import Driver
from rollout.reconcile import Places
from rollout.replicas import Replicas
from rollout.routes import DEFAULT, Routes
from rollout.rule import Rule
from tests.rollout.conftest import NEW, OLD, Trial, age, begin
from tests.ui.managing import Managing, managing

pytestmark = pytest.mark.integration

RULE = Rule(answers=40, sessions=4, held_s=0.0)
Page = tuple[Routes, Driver]


def pages(trial: Trial, count: int) -> list[Page]:
    found = []
    for _ in range(count):
        routes, url = Routes(), trial.torchserve.url
        found.append(
            (
                routes,
                Driver(trial.engine, Replicas(url), Places(trial.store), routes, Inference(url), RULE),
            )
        )
    return found


def turn(some: list[Page], times: int = 1) -> None:
    for _ in range(times):
        for _routes, driver in some:
            driver.turn()


def promoted(trial: Trial, count: int) -> list[Page]:
    """Return pages that have all seen that the new version is the default."""
    trial.passes()
    trial.desk.promote(trial.model, NEW, OLD, "ada")
    found = pages(trial, count)
    turn(found, 3)
    assert trial.versions == [NEW, OLD]
    return found


def fail(trial: Trial, page: Page, times: int) -> None:
    for _ in range(times):
        page[0].asked(trial.model, DEFAULT, Unreachable("a moment"))


@pytest.fixture
def second(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> Iterator[Managing]:
    """A second TorchServe, which has what the first one began with."""
    with managing(trial.store, loaded=[f"{trial.model}-{OLD}.mar"]) as server:
        server.reads = dict.fromkeys((OLD, NEW), bytes.decode)
        monkeypatch.setattr("rollout.replicas.addresses", lambda _url: [trial.torchserve.url, server.url])
        yield server


def test_what_three_pages_see_of_one_moment_is_one_failed_look(trial: Trial) -> None:
    three = promoted(trial, 3)
    for page in three:
        fail(trial, page, 1)
    turn(three)
    assert (trial.serving.version, trial.serving.failed_looks) == (NEW, 1)


def test_what_goes_on_failing_is_taken_back(trial: Trial) -> None:
    (page,) = promoted(trial, 1)
    page[1].rule = Rule(apart_s=0.0)
    for _ in range(3):
        assert trial.serving.version == NEW
        fail(trial, page, 1)
        turn([page])
    assert trial.serving.version == OLD


def test_what_failed_in_one_trial_does_not_count_in_the_next(trial: Trial) -> None:
    first, other = promoted(trial, 2)
    fail(trial, other, 9)
    trial.desk.roll_back(trial.model, "ada")
    turn([first, other], 2)
    trial.desk.promote(trial.model, NEW, OLD, "ada", is_forced=True)
    turn([first, other], 2)
    assert (trial.serving.version, trial.serving.failed_looks) == (NEW, 0)


def test_a_torchserve_on_which_nothing_starts_takes_no_version_back(
    trial: Trial, second: Managing, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("rollout.driver.time", SimpleNamespace(monotonic=lambda: now[0]))
    trial.passes()
    trial.desk.promote(trial.model, NEW, OLD, "ada")
    second.workers.clear()
    second.failing.add(trial.model)
    for _ in range(9):
        now[0] += 20
        trial.turn()
    assert trial.versions == [NEW, OLD]
    assert trial.serving.version == NEW


def test_what_is_taken_away_leaves_a_torchserve_that_was_away_meanwhile(
    trial: Trial, second: Managing
) -> None:
    begin(trial)
    assert (trial.model, NEW) in second.workers
    trial.desk.roll_back(trial.model, "ada")
    age(trial, 120)
    second.is_away = True
    for _ in range(2):
        trial.turn()
    assert trial.versions == [OLD]
    second.is_away = False
    for _ in range(2):
        trial.turn()
    assert (trial.model, NEW) not in second.workers
    assert trial.serving.candidate is None
