"""When a version that is tried goes on to more sessions, and when it is taken back.

Each step ends with one look at what sessions got of the version, against sessions that had another one at the
same time. Sessions were assigned at random, by a hash. So if the version were no worse, any other assignment
of the same sessions would have been as likely: that is tested by drawing others (the randomization test;
Ernst 2004, doi:10.1214/088342304000000396), and needs no assumption of how a session's answers hang together.

Of answers that were judged wrong only those count, of either version, to which the other one, asked the same
picture, gives what was said to be right (rollout.second_answers).

There are several looks, with two questions each. Look k may be wrong with the chance alpha / (k (k + 1)),
shared by its questions: all looks together with alpha at most, however many there will be (a union bound;
Lan and DeMets 1983, doi:10.1093/biomet/70.3.659, have it as spending alpha).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from db.version_answers import Session

# So few at once that a stroke does not wait for them: other threads have their turn in between.
DRAWN, AT_ONCE = 9_999, 50
QUESTIONS = 2
WORSE = "judged wrong where the other version is right"


@dataclass(frozen=True)
class Rule:
    """What a step takes.

    Attributes:
        answers: So many answers of the version a step waits for.
        sessions: And so many sessions that got one; twice that number and more would see a difference sooner.
        held_s: A step lasts so long at least: people correct an answer after they have seen it.
        alpha: The chance that a version no worse than the one before is taken back, over all looks.
        slow: Slow is what takes so many times what 99 % of the other version's answers take at most,
        slow_ms: and longer than this, which people notice.
        tolerated: The share of questions that may fail without a failed look.
        failed_looks: So many failed looks within ten minutes take a version back.
        apart_s: What fails so soon after a failed look is the same moment's, as several pages see it.
        ready_s: Within such a time its workers have to run.
        stays_s: So long the version before stays ready, and the new one is watched.
    """

    answers: int = 200
    sessions: int = 10
    held_s: float = 60.0
    alpha: float = 0.05
    slow: float = 2.0
    slow_ms: float = 100.0
    tolerated: float = 0.01
    failed_looks: int = 3
    apart_s: float = 4.0
    ready_s: float = 150.0
    stays_s: float = 24 * 3600.0

    def level(self, number: int) -> float:
        """Return the level of each question of a look; the first look's number is 1."""
        return self.alpha / (number * (number + 1)) / QUESTIONS


@dataclass(frozen=True)
class Judged:
    """What a look says.

    Attributes:
        is_worse: Whether the version is to be taken back.
        is_compared: Whether there was anything to compare it with.
        numbers: What that rests on.
        reason: In words for people.
    """

    is_worse: bool
    is_compared: bool
    numbers: dict[str, Any]
    reason: str


def judge(rule: Rule, number: int, tried: Sequence[Session], others: Sequence[Session]) -> Judged:
    """Return what the number-th look says of a version's sessions beside those of another version."""
    level = rule.level(number)
    numbers: dict[str, Any] = {
        "answers": sum(one.answers for one in tried),
        "sessions": len(tried),
        "other_answers": sum(one.answers for one in others),
        "other_sessions": len(others),
        "level": round(level, 6),
    }
    said, is_worse = [], False
    for kind, words in (("wrong", WORSE), ("slow", "slow")):
        bad, other = sum(getattr(one, kind) for one in tried), sum(getattr(one, kind) for one in others)
        p = p_worse(
            [(getattr(one, kind), one.answers) for one in tried],
            [(getattr(one, kind), one.answers) for one in others],
        )
        numbers |= {kind: bad, f"other_{kind}": other, f"p_{kind}": round(p, 6)}
        is_worse = is_worse or p <= level
        said.append(f"{words}: {bad} of {numbers['answers']:,}, else {other} of {numbers['other_answers']:,}")
        said[-1] += f" (p = {p:.4f}{', significant' if p <= level else ''})"
    return Judged(is_worse, bool(others), numbers, "; ".join(said))


def p_worse(tried: Sequence[tuple[int, int]], others: Sequence[tuple[int, int]]) -> float:
    """Return how often an assignment by chance alone lets the tried version look as bad as it does.

    Args:
        tried: For each session of it, how many answers were bad, of how many.
        others: The same for sessions of the other version.

    Returns:
        The one-sided p value, at least 1 / (DRAWN + 1); 1 where there is nothing to compare.
    """
    count = len(tried)
    if not count or not others or not sum(bad for bad, _ in tried):
        return 1.0
    bad, answers = np.array([*tried, *others], np.float64).T

    def difference(order: np.ndarray) -> np.ndarray:
        """Return the tried version's share of bad answers less the other's, for each row of an order."""
        first_bad, first = bad[order[:, :count]].sum(1), answers[order[:, :count]].sum(1)
        return first_bad / first - (bad.sum() - first_bad) / (answers.sum() - first)

    places = np.arange(len(bad))
    # Less a hair: sums of the same numbers in another order may differ by one.
    seen = difference(places[None])[0] - 1e-12
    drawing, as_bad = np.random.default_rng(0), 0
    for begun in range(0, DRAWN, AT_ONCE):
        rows = min(AT_ONCE, DRAWN - begun)
        order = drawing.permuted(np.broadcast_to(places, (rows, len(places))), axis=1)
        as_bad += int((difference(order) >= seen).sum())
    return (1 + as_bad) / (1 + DRAWN)
