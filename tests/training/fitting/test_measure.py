"""The numbers themselves."""

import numpy as np
import pytest
import torch

from training.data.augment import augment
from training.fitting.measure import expected_calibration_error, fit_shares, fit_temperature, measure


def test_calibration_error_of_a_forecaster_that_keeps_its_word_is_zero() -> None:
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


def test_shares_prefer_who_knows_more_and_use_both_where_each_knows_something() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, 3000)
    signal = torch.nn.functional.one_hot(torch.from_numpy(truth), 3) * 2.0
    noise = [torch.from_numpy(random.normal(0, sigma, (3000, 3))).float() for sigma in (1.0, 1.0, 3.0)]
    good, as_good, poor = (torch.log_softmax(signal + one, dim=1) for one in noise)
    assert fit_shares(torch.stack([good, as_good]), truth).tolist() == pytest.approx([0.5, 0.5], abs=0.06)
    shares = fit_shares(torch.stack([good, poor]), truth)
    assert 0.7 < shares[0] < 1
    assert float(shares.sum()) == pytest.approx(1)


@pytest.mark.parametrize("seed", [135, 171, 191])
def test_networks_that_know_nothing_have_shares_on_a_handful_of_frames(seed: int) -> None:
    """The best shares lie at infinity there."""
    generator = torch.Generator().manual_seed(seed)
    guesses = torch.log_softmax(torch.randn(2, 4, 2, generator=generator) * 0.1, -1)
    shares = fit_shares(guesses, torch.randint(0, 2, (4,), generator=generator).numpy())
    assert shares.sum().item() == pytest.approx(1, abs=1e-5)
    assert (shares >= 0).all()
