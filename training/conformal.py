"""Conformal prediction: how sure a model has to be before it may name a single label."""

import math

import numpy as np

COVERAGE = 0.99  # how often the true label is to be in the set


def fit_set_threshold(
    probabilities: np.ndarray, labels: np.ndarray, coverage: float = COVERAGE, seed: int = 0
) -> float:
    """Give the threshold of adaptive prediction sets: 0..1, high = larger sets.

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
        coverage: 0..1.
        seed: of the random parts.
    """
    count = len(labels)
    true = probabilities[np.arange(count), labels][:, None]
    likelier = np.where(probabilities > true, probabilities, 0).sum(axis=1)
    scores = np.sort(likelier + np.random.default_rng(seed).random(count) * true[:, 0])
    # One more than there are: the next frame's own score is a part of the ranking, too.
    rank = math.ceil((count + 1) * coverage)
    return float(min(scores[rank - 1], 1.0)) if rank <= count else 1.0


def sets(probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """Give which labels are in each frame's set, as serving forms it: bool (count, labels).

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
