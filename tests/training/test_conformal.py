"""Prediction sets: they cover as often as they promise, on data whose probabilities are right and wrong."""

import numpy as np
import pytest

from training.conformal import fit_set_threshold, sets


def drawn(count: int, labels: int, seed: int, sharpness: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Give probabilities, and true labels that were drawn by them."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, sharpness, (count, labels))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = (probabilities.cumsum(axis=1) > random.random((count, 1))).argmax(axis=1)
    return probabilities, truth


def covered(probabilities: np.ndarray, truth: np.ndarray, threshold: float) -> float:
    return sets(probabilities, threshold)[np.arange(len(truth)), truth].mean()


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.99])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0], ids=["too sure", "calibrated", "too shy"])
def test_sets_cover_at_least_as_often_as_asked(coverage: float, temperature: float) -> None:
    probabilities, truth = drawn(8000, 10, seed=1)
    claimed = probabilities ** (1 / temperature)
    claimed /= claimed.sum(axis=1, keepdims=True)
    threshold = fit_set_threshold(claimed[:4000], truth[:4000], coverage)
    assert covered(claimed[4000:], truth[4000:], threshold) >= coverage - 0.01


def test_the_threshold_of_a_calibrated_model_is_about_the_coverage() -> None:
    probabilities, truth = drawn(20000, 10, seed=2)
    assert fit_set_threshold(probabilities, truth, 0.9) == pytest.approx(0.9, abs=0.015)


def test_who_is_too_sure_gets_a_higher_threshold() -> None:
    probabilities, truth = drawn(8000, 10, seed=3)
    sure = probabilities**3 / (probabilities**3).sum(axis=1, keepdims=True)
    assert fit_set_threshold(sure, truth, 0.9) > fit_set_threshold(probabilities, truth, 0.9)


def test_a_hard_drawing_gets_a_larger_set_than_a_clear_one() -> None:
    probabilities = np.array([[0.97, 0.02, 0.01], [0.5, 0.45, 0.05], [0.35, 0.33, 0.32]])
    assert sets(probabilities, 0.9).tolist() == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]


def test_the_likeliest_label_is_always_a_member() -> None:
    probabilities, _ = drawn(100, 5, seed=4)
    members = sets(probabilities, 0.0)
    assert (members.sum(axis=1) == 1).all()
    assert (members.argmax(axis=1) == probabilities.argmax(axis=1)).all()


def test_too_few_frames_to_promise_the_coverage_give_every_label() -> None:
    probabilities, truth = drawn(50, 10, seed=5)
    threshold = fit_set_threshold(probabilities, truth, 0.99)
    assert threshold == 1.0
    assert sets(probabilities, threshold).all()
