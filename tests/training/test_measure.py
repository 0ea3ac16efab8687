"""The numbers themselves."""

import numpy as np
import pytest
import torch

from training.augment import augment
from training.measure import expected_calibration_error, fit_temperature, measure


def test_calibration_error_of_a_forecaster_that_keeps_its_word_is_nought() -> None:
    probabilities = np.tile([0.75, 0.25], (400, 1))
    labels = np.repeat([0, 0, 0, 1], 100)
    assert expected_calibration_error(probabilities, labels) == pytest.approx(0, abs=1e-9)


def test_calibration_error_is_the_distance_from_the_truth() -> None:
    probabilities = np.tile([0.9, 0.1], (100, 1))
    labels = np.repeat([0, 1], 50)
    assert expected_calibration_error(probabilities, labels) == pytest.approx(0.4)


def test_temperature_cures_overconfidence() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn((5000, 10), generator=generator)
    labels = torch.multinomial(torch.softmax(logits, 1), 1, generator=generator).squeeze(1).numpy()
    assert fit_temperature(logits * 3, labels) == pytest.approx(3, rel=0.05)
    assert measure(logits * 3, labels)["ece"] > 5 * measure(logits, labels)["ece"]


def test_augmented_frames_stay_frames() -> None:
    frames = torch.zeros((32, 1, 28, 28))
    frames[:, :, 6:22, 13:16] = 1
    first, again = (augment(frames, torch.Generator().manual_seed(7)) for _ in range(2))
    assert torch.equal(first, again)
    assert first.shape == frames.shape
    assert first.min() >= 0
    assert first.max() <= 1
    assert not torch.equal(first, frames)
    assert (first.sum(dim=(1, 2, 3)) > 5).all(), "augmentation must not rub the drawing out"
