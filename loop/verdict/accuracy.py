"""Is the candidate right as often as the champion, everywhere, and more often where people corrected it?"""

import numpy as np

from loop.verdict.asked import Both
from loop.verdict.check import NOT_ENOUGH, PASSED, REFUSED, Check
from loop.verdict.statistics import (
    SIGNIFICANT,
    Pairs,
    least_differing,
    limit_of,
    lower_bound,
    p_better,
    p_worse,
    pairs_of,
)
from training.data.idx_sets import DIGITS


def not_inferior(name: str, found: list[Both], margin: float) -> Check:
    """Check that the candidate is right as often as the champion, but for a margin.

    To demand that it be better would be to demand evidence that cannot come: where both are right in 99.7 %,
    10,000 pictures have some 30 that only one reads, and 20 of these would have to be the candidate's.

    Args:
        name: of the pictures.
        found: the answers.
        margin: how much rarer it may be right, as a share: the difference's lower bound has to be above that.
    """
    pairs = _together(found)
    low = lower_bound(pairs)
    numbers = {
        **_counts(pairs),
        "difference": pairs.difference,
        "low": low,
        "margin": margin,
        "p": p_worse(pairs),
    }
    said = (
        f"{_points(pairs.difference)} points, at least {_points(low)} (95 %), of {pairs.count:,} pictures, "
        f"{pairs.candidate} : {pairs.champion} where only one is right"
    )
    if low > -margin:
        return Check(name, PASSED, said, numbers)
    if pairs.difference <= -margin or p_worse(pairs) < SIGNIFICANT:
        return Check(name, REFUSED, f"it is right less often: {said}", numbers)
    wanted = f"{_points(-margin)} points must be excluded"
    return Check(name, NOT_ENOUGH, f"{said}: {wanted}, which needs more pictures", numbers)


def superior(name: str, found: Both | None, asked_before: int = 0) -> Check:
    """Check that the candidate is better on drawings that people corrected and that never train.

    Args:
        name: of the drawings.
        found: the answers; None where there are no drawings.
        asked_before: of so many candidates the same was asked, of drawings that are largely the same: the
            more, the smaller a p value has to be.
    """
    if found is None:
        none = "there are no labelled drawings that were held out from training"
        return Check(name, NOT_ENOUGH, none, {"pictures": 0})
    pairs, limit = found.pairs, limit_of(asked_before)
    numbers = {
        **_counts(pairs),
        "difference": pairs.difference,
        "p": p_better(pairs),
        "asked_before": asked_before,
        "limit": limit,
    }
    ratio = f"{pairs.candidate} : {pairs.champion} of {pairs.differ} drawings that only one reads"
    if p_better(pairs) < limit:
        return Check(name, PASSED, f"{ratio}, {_p_words(p_better(pairs))}", numbers)
    if p_worse(pairs) < SIGNIFICANT:
        return Check(name, REFUSED, f"it is worse: {ratio}, {_p_words(p_worse(pairs))}", numbers)
    if pairs.differ < (least := least_differing(limit)):
        return Check(name, NOT_ENOUGH, f"{ratio}; evidence takes at least {least}", numbers)
    words = f"{ratio}, which may be chance (p = {p_better(pairs):.2g}, below {limit:.2g} is evidence)"
    return Check(name, NOT_ENOUGH, words, numbers)


def no_label_lost(name: str, found: list[Both]) -> Check:
    """Check that no digit is read worse than before, by an exact test for each (Bonferroni's correction)."""
    truth = np.concatenate([both.champion.question.truth for both in found])
    candidate = np.concatenate([both.candidate.correct for both in found])
    champion = np.concatenate([both.champion.correct for both in found])
    limit = SIGNIFICANT / len(DIGITS)
    numbers, worse = {}, []
    for index, label in enumerate(DIGITS):
        members = truth == index
        pairs = pairs_of(candidate[members], champion[members])
        numbers[label] = {**_counts(pairs), "p": p_worse(pairs)}
        if p_worse(pairs) < limit:
            worse.append(f"{label} ({pairs.candidate} : {pairs.champion} where only one is right)")
    if worse:
        return Check(name, REFUSED, f"it reads worse: {', '.join(worse)}", numbers)
    return Check(name, PASSED, "no digit is read worse than before", numbers)


def _together(found: list[Both]) -> Pairs:
    return pairs_of(
        np.concatenate([both.candidate.correct for both in found]),
        np.concatenate([both.champion.correct for both in found]),
    )


def _counts(pairs: Pairs) -> dict[str, int]:
    return {
        "pictures": pairs.count,
        "both": pairs.both,
        "candidate_alone": pairs.candidate,
        "champion_alone": pairs.champion,
        "neither": pairs.neither,
    }


def _points(share: float) -> str:
    return f"{100 * share:+.2f}"


def _p_words(p: float) -> str:
    """Return a p value in words: what is very small is never 0."""
    return f"p = {p:.4f}" if p >= 0.0001 else "p < 0.0001"
