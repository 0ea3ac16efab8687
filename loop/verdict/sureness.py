"""Does the candidate know how sure it is: calibration, sets of labels, and what is no digit at all."""

import numpy as np
from scipy.stats import binomtest

from loop.verdict.asked import Both
from loop.verdict.check import LEFT_OUT, PASSED, REFUSED, Check
from loop.verdict.statistics import SIGNIFICANT, p_worse, pairs_of
from training.evaluation.ask import Answers
from training.fitting.measure import calibration_error
from training.gate.rejection import rejection

# By how much the calibration error may grow, beyond chance: the default model's is 0.001.
WORSE_ECE = 0.002
RESAMPLES = 200
LARGER_SETS = 1.1  # times the champion's mean size
# By how much less often a digit may score higher than what is none.
WORSE_AUROC = 0.002


def calibrated(name: str, found: list[Both]) -> Check:
    """Check that the candidate's confidence is as near to how often it is right as the champion's.

    The difference of the expected calibration errors has to be above WORSE_ECE in 95 % of the resamples (the
    bootstrap: Efron 1979, doi:10.1214/aos/1176344552), or a candidate is not refused: the error of few
    pictures is mostly chance.
    """
    champion, candidate = (_sure(answers) for answers in _sides(found))
    count = len(champion[0])
    before, after = calibration_error(*champion), calibration_error(*candidate)
    random = np.random.default_rng(0)
    more = []
    for _ in range(RESAMPLES):
        chosen = random.integers(count, size=count)
        more.append(
            calibration_error(*(each[chosen] for each in candidate))
            - calibration_error(*(each[chosen] for each in champion))
        )
    low = float(np.quantile(more, SIGNIFICANT))
    numbers = {"champion": before, "candidate": after, "low": low, "limit": WORSE_ECE, "pictures": count}
    said = f"the calibration error is {after:.4f}, the champion's {before:.4f}"
    if low > WORSE_ECE:
        return Check(name, REFUSED, f"{said}, at least {low:.4f} more (95 %)", numbers)
    return Check(name, PASSED, said, numbers)


def covering(name: str, found: list[Both], coverage: float) -> Check:
    """Check that sets hold the true label as often as promised, or as before, and are not larger for it.

    Args:
        name: of the check.
        found: the answers.
        coverage: how often they are to hold it, 0..1.
    """
    (before, then), (size, held) = (_sets(answers) for answers in _sides(found))
    count, both = len(held), pairs_of(held, then)
    p = float(binomtest(int(held.sum()), count, coverage, "less").pvalue)
    numbers = {
        "promised": coverage, "pictures": count, "covered": float(held.mean()),
        "champion_covered": float(then.mean()), "set_size": size, "champion_set_size": before, "p": p,
    }  # fmt: skip
    said = f"{held.mean():.2%} of sets hold the digit, {coverage:.0%} are promised; {size:.3f} labels each"
    # Of other hands than validation's, sets may hold it less often, whichever network reads them.
    if p < SIGNIFICANT and p_worse(both) < SIGNIFICANT:
        return Check(name, REFUSED, f"too few, the champion's {then.mean():.2%}: {said}", numbers)
    if size > LARGER_SETS * before:
        return Check(name, REFUSED, f"sets are larger, the champion's {before:.3f}: {said}", numbers)
    return Check(name, PASSED, said, numbers)


def rejecting(name: str, digits: list[Both], outliers: list[Both]) -> Check:
    """Check that what is no digit is told from digits as well as before, where both versions tell."""
    if any(answers.digit_scores is None for side in _sides(digits) for answers in side) or not outliers:
        return Check(name, LEFT_OUT, "only archives that say whether something is a digit can be compared")
    before, after = (
        rejection(
            "", _scores(some), _scores(others), np.concatenate([one.called_digits for one in others])
        ).auroc
        for some, others in zip(_sides(digits), _sides(outliers), strict=True)
    )
    numbers = {"champion": before, "candidate": after, "limit": WORSE_AUROC}
    said = f"AUROC {after:.4f}, the champion's {before:.4f}"
    return Check(name, PASSED if after >= before - WORSE_AUROC else REFUSED, said, numbers)


def _sides(found: list[Both]) -> tuple[list[Answers], list[Answers]]:
    return [both.champion for both in found], [both.candidate for both in found]


def _scores(answers: list[Answers]) -> np.ndarray:
    return np.concatenate([one.digit_scores for one in answers if one.digit_scores is not None])


def _sure(answers: list[Answers]) -> tuple[np.ndarray, np.ndarray]:
    """Return each answer's confidence, and whether it is right; a refusal is sure of nothing, and wrong."""
    return (
        np.concatenate([one.confidence for one in answers]),
        np.concatenate([one.correct for one in answers]),
    )


def _sets(answers: list[Answers]) -> tuple[float, np.ndarray]:
    """Return the mean size of the sets, and which hold the truth: bool (pictures,); a refusal's does not."""
    members = np.concatenate([one.members for one in answers])
    truth = np.concatenate([one.question.truth for one in answers])
    is_read = np.concatenate([one.predicted >= 0 for one in answers])
    return float(members[is_read].sum(axis=1).mean()), members[np.arange(len(truth)), truth]
