"""When a version is taken back: seldom one that is no worse, and surely one that is."""

import numpy as np
import pytest

from db.version_answers import Session
from rollout.rule import Rule, judge, p_worse

RULE = Rule()


def sessions(drawing: np.random.Generator, count: int, wrong: float) -> list[Session]:
    """Return sessions of 1 to 39 answers, each with a share of wrong ones of its own around the given one."""
    found = []
    for _ in range(count):
        answers = int(drawing.integers(1, 40))
        # Some correct all that is wrong, most never do: answers of a session hang together.
        of_session = drawing.beta(0.5 * wrong, 0.5 * (1 - wrong))
        bad = int(drawing.binomial(answers, of_session))
        found.append(Session(answers, 0, bad))
    return found


def test_all_looks_together_may_be_wrong_with_alpha_at_most() -> None:
    assert sum(2 * RULE.level(number) for number in range(1, 10_000)) <= RULE.alpha


def test_a_version_that_is_no_worse_is_seldom_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollout.rule.DRAWN", 999)
    drawing, taken_back, rollouts = np.random.default_rng(1), 0, 200
    for _ in range(rollouts):
        # 5 %, 25 %, and all after each other.
        for number, (tried, others) in enumerate([(12, 190), (30, 90), (40, 120)], 1):
            said = judge(RULE, number, sessions(drawing, tried, 0.03), sessions(drawing, others, 0.03))
            if said.is_worse:
                taken_back += 1
                break
    # Three standard deviations above alpha would be 19.
    assert taken_back <= RULE.alpha * rollouts


@pytest.mark.parametrize(("wrong", "share"), [(0.15, 0.5), (0.3, 0.95)])
def test_a_version_that_is_worse_is_mostly_seen_at_a_quarter(
    monkeypatch: pytest.MonkeyPatch, wrong: float, share: float
) -> None:
    monkeypatch.setattr("rollout.rule.DRAWN", 1_999)
    drawing = np.random.default_rng(2)
    seen = [
        judge(RULE, 2, sessions(drawing, 40, wrong), sessions(drawing, 120, 0.03)).is_worse
        for _ in range(100)
    ]
    assert sum(seen) / len(seen) >= share


def test_slow_answers_are_seen_as_wrong_ones_are() -> None:
    said = judge(RULE, 1, [Session(20, 6, 0)] * 12, [Session(20, 0, 0)] * 100)
    assert said.is_worse
    assert "slow: 72 of 240, else 0 of 2,000 (p = 0.0001, significant)" in said.reason
    assert said.numbers["answers"] == 240


def test_one_session_that_says_everything_is_wrong_takes_nothing_back() -> None:
    tried = [Session(200, 0, 200), *[Session(20, 0, 0)] * 11]
    assert p_worse([(one.wrong, one.answers) for one in tried], [(0, 20)] * 100) > 0.05


def test_without_another_version_nothing_is_worse() -> None:
    said = judge(RULE, 1, [Session(20, 20, 20)] * 12, [])
    assert (said.is_worse, said.is_compared) == (False, False)


def test_a_look_is_the_same_when_it_is_repeated() -> None:
    tried, others = [(2, 10), (0, 10), (1, 4)], [(0, 10)] * 12
    assert p_worse(tried, others) == p_worse(tried, others)
