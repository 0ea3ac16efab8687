"""Prediction sets: they cover as often as they promise, on data whose probabilities are right and wrong."""

import numpy as np
import pytest

from training.fitting.conformal import coverage_for, fit_set_threshold, in_words, measure_sets, sets


def drawn(count: int, labels: int, seed: int, sharpness: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities, and true labels that were drawn by them."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, sharpness, (count, labels))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = (probabilities.cumsum(axis=1) > random.random((count, 1))).argmax(axis=1)
    return probabilities, truth


def covered(probabilities: np.ndarray, truth: np.ndarray, threshold: float) -> float:
    return measure_sets(probabilities, truth, threshold)["covered"]


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


@pytest.mark.parametrize(
    ("frames", "coverage"),
    [(1, 0.5), (8, 0.5), (9, 0.8), (18, 0.8), (19, 0.9), (38, 0.9), (39, 0.95), (198, 0.95), (199, 0.99)],
)
def test_no_more_is_promised_than_so_many_frames_can_carry(frames: int, coverage: float) -> None:
    assert coverage_for(frames) == coverage
    assert coverage <= frames / (frames + 1), "split conformal prediction holds no higher promise"


@pytest.mark.parametrize("frames", [4, 18, 50, 98])
def test_few_frames_keep_their_promise_and_name_single_labels(frames: int) -> None:
    """The promise is over all draws of the validation frames, so many are drawn."""
    probabilities, truth = drawn(100 * frames + 1000, 10, seed=6, sharpness=20.0)
    asked, answers = probabilities[-1000:], truth[-1000:]
    found = []
    for draw in range(100):
        part = slice(draw * frames, (draw + 1) * frames)
        threshold = fit_set_threshold(probabilities[part], truth[part], coverage_for(frames), seed=draw)
        found.append(measure_sets(asked, answers, threshold))
    assert np.mean([each["covered"] for each in found]) >= coverage_for(frames)
    assert np.median([each["set_size"] for each in found]) < 2


def test_one_odd_frame_does_not_make_sets_of_all_labels() -> None:
    probabilities, truth = drawn(50, 10, seed=7, sharpness=12.0)
    truth[0] = probabilities[0].argmin()  # in a wrong folder
    threshold = fit_set_threshold(probabilities, truth, coverage_for(50))
    assert measure_sets(probabilities, truth, threshold)["set_size"] < 2


def test_a_lower_promise_says_why() -> None:
    assert in_words(0.99, 199) == "the true label is among those of a set in 99% of answers"
    assert in_words(0.9, 20).endswith(
        "90% of answers: 20 validation frames are too few for 99%, which takes 199"
    )
