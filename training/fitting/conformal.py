"""Conformal prediction: how sure a model has to be before it may name a single label."""

import itertools
import math

import numpy as np

from training.models.weights import COVERAGE

# What is promised by fewer frames, the most first; any frame at all can carry the last.
LOWER_COVERAGES = (0.95, 0.9, 0.8, 0.5)


def coverage_for(count: int) -> float:
    """Return the coverage that sets may promise which are fitted on so many frames.

    The promise holds where the threshold's rank, (count + 1) * coverage, is at most count. Here it is less:
    a threshold that is the worst score of all follows one odd frame, and then most answers name several
    labels. Of 18 frames of bundled digits, read by a small forest, the worst score promises 94.7 % and leaves
    56 of 100 answers with one label; 80 %, promised here, 72. Where 3 % of the images were in a wrong folder
    it was 10 of 100 for the worst of 120 (99 %) and 56 for the 95 % that are promised here.

    Args:
        count: of validation frames, 1 or more.
    """
    held = (one for one in (COVERAGE, *LOWER_COVERAGES) if _rank(count, one) < count)
    return next(held, LOWER_COVERAGES[-1])


def fit_set_threshold(probabilities: np.ndarray, labels: np.ndarray, coverage: float, seed: int = 0) -> float:
    """Return the threshold of adaptive prediction sets: 0..1, high = larger sets.

    Romano, Sesia, Candès 2020, "Classification with valid and adaptive coverage", arXiv:2006.02544. A frame's
    score is the probability of all labels that are likelier than the true one, and a random part of the true
    one's own; the threshold is the scores' quantile. The set in use holds every label whose likelier ones
    add up to no more than that, without the random part, so it covers at least as often.

    The coverage is over all drawings. These scores were chosen because they spend it evenly: the threshold of
    a calibrated model is about the coverage, so a drawing that is hard to read gets a larger set. With the
    simplest score, a threshold on a label's own probability, a model that is right more often than the
    coverage asks would never name two labels.

    Args:
        probabilities: float (count, labels) of frames that were not trained on, calibrated.
        labels: int (count,), the true ones.
        coverage: 0..1, as `coverage_for` gives it; 1 comes back where there are too few frames for it.
        seed: of the random parts.
    """
    count = len(labels)
    true = probabilities[np.arange(count), labels][:, None]
    likelier = np.where(probabilities > true, probabilities, 0).sum(axis=1)
    scores = np.sort(likelier + np.random.default_rng(seed).random(count) * true[:, 0])
    rank = _rank(count, coverage)
    return float(min(scores[rank - 1], 1.0)) if rank <= count else 1.0


def sets(probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """Return which labels are in each frame's set, as serving forms it: bool (count, labels).

    Args:
        probabilities: float (count, labels), calibrated.
        threshold: as `fit_set_threshold` gives it.
    """
    order = np.argsort(-probabilities, axis=1, kind="stable")
    ranked = np.take_along_axis(probabilities, order, axis=1)
    before = np.cumsum(ranked, axis=1) - ranked
    members = np.zeros(probabilities.shape, bool)
    np.put_along_axis(members, order, before <= threshold, axis=1)
    return members


def measure_sets(probabilities: np.ndarray, labels: np.ndarray, threshold: float) -> dict[str, float]:
    """Return how often the true label is in the set (0..1), and how many labels are, on average.

    Args:
        probabilities: float (count, labels), calibrated.
        labels: int (count,), the true ones.
        threshold: as `fit_set_threshold` gives it.
    """
    members = sets(probabilities, threshold)
    return {
        "covered": float(members[np.arange(len(labels)), labels].mean()),
        "set_size": float(members.sum(axis=1).mean()),
    }


def in_words(coverage: float, count: int) -> str:
    """Return what sets promise, and why it is no more where it is less than COVERAGE.

    Args:
        coverage: as `coverage_for` gives it.
        count: of validation frames.
    """
    promise = f"the true label is among those of a set in {coverage:.0%} of answers"
    if coverage >= COVERAGE:
        return promise
    enough = next(more for more in itertools.count(count) if coverage_for(more) == COVERAGE)
    return f"{promise}: {count} validation frames are too few for {COVERAGE:.0%}, which takes {enough}"


def _rank(count: int, coverage: float) -> int:
    """Return which of so many scores, from 1, is the threshold; more than there are: none is."""
    # One more than there are: the next frame's own score is a part of the ranking, too.
    return math.ceil((count + 1) * coverage)
