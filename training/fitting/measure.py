"""Numbers about a model: accuracy, loss, calibration."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from handler.fingerprint import preprocessing_fingerprint
from training.data.frames import DataSet, Frames
from training.fitting.conformal import coverage_for, fit_set_threshold, measure_sets
from training.fitting.looks import reference
from training.models.inputs import as_input
from training.models.weights import About

AT_ONCE_PIXELS = 784
# The logarithm of the largest share or temperature that is told from a larger one.
FARTHEST = 10.0
ECE_BINS = 15  # as in Guo et al. 2017, arXiv:1706.04599


def logits_of(model: nn.Module, data: Frames, device: torch.device, batch: int = 1000) -> Tensor:
    """Return the logits of every frame: float32 (count, classes), on the CPU."""
    return in_batches(model, model, data.frames, device, batch)


@torch.no_grad()
def in_batches(
    model: nn.Module, of: Callable[[Tensor], Tensor], frames: np.ndarray, device: torch.device,
    batch: int = 1000,
) -> Tensor:  # fmt: skip
    """Return what is made of every frame, float32 (count, ...), on the CPU.

    Args:
        model: is in evaluation mode meanwhile.
        of: makes it of what `as_input` returns.
        frames: uint8, as `as_input` takes them.
        device: of the model.
        batch: frames of 28x28 at a time.
    """
    training = model.training
    model.eval()
    if frames.ndim > 3:  # photographs have more pixels, and their networks more maps of them
        batch = max(1, batch * AT_ONCE_PIXELS // frames[0].size)
    found = torch.cat(
        [of(as_input(part.to(device))).float().cpu() for part in torch.from_numpy(frames).split(batch)]
    )
    model.train(training)
    return found


def measure(logits: Tensor, labels: np.ndarray) -> dict[str, float]:
    """Return accuracy (0..1), mean cross-entropy (nats) and expected calibration error (0..1)."""
    truth = torch.from_numpy(labels)
    probabilities = torch.softmax(logits, dim=1)
    return {
        "accuracy": float((logits.argmax(dim=1) == truth).double().mean()),
        "loss": float(F.cross_entropy(logits, truth)),
        "ece": expected_calibration_error(probabilities.numpy(), labels),
    }


def measured(read: Callable[[Frames], Tensor], about: About, data: DataSet) -> dict[str, Any]:
    """Return what `measure` and `measure_sets` return, calibrated, of validation and of each test set.

    Args:
        read: returns the logits of frames, float32 (count, labels), on the CPU.
        about: has their temperature and the sets' threshold.
        data: what is measured on.
    """

    def of(part: Frames) -> dict[str, float]:
        logits = read(part) / about.temperature
        probabilities = torch.softmax(logits, dim=1).numpy()
        return {
            **measure(logits, part.labels),
            **measure_sets(probabilities, part.labels, about.set_threshold),
        }

    return {
        "validation": of(data.validation),
        "tests": {name: {"frames": len(part), **of(part)} for name, part in data.tests.items()},
    }


def calibrated(
    read: Callable[[Frames], Tensor], data: DataSet, model: str, version: str
) -> tuple[About, dict[str, Any]]:
    """Fit temperature and set threshold on validation; return what the model's file says, and its metrics.

    Args:
        read: returns the logits of frames, float32 (count, labels), on the CPU.
        data: what the model was trained on.
        model: its architecture.
        version: of the model.
    """
    logits, labels = read(data.validation), data.validation.labels
    temperature = fit_temperature(logits, labels)
    probabilities = torch.softmax(logits / temperature, dim=1).numpy()
    coverage = coverage_for(len(labels))
    set_threshold = fit_set_threshold(probabilities, labels, coverage)
    looks = reference(data, probabilities, set_threshold)
    about = About(
        architecture=model,
        label_names=data.label_names,
        version=version,
        temperature=temperature,
        preprocessing=preprocessing_fingerprint(framing=data.framing),
        data_set=data.name,
        set_threshold=set_threshold,
        coverage=coverage,
        framing=data.framing,
        reference=looks,
    )
    return about, {
        "temperature": temperature,
        "set_threshold": set_threshold,
        "coverage": coverage,
        "preprocessing": about.preprocessing,
        "frames": {"train": len(data.train), "validation": len(labels)},
        "frames_look_like": looks.in_words(),
        **measured(read, about, data),
    }


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return how far confidence is from accuracy on average, 0..1, over equally wide bins of confidence.

    Args:
        probabilities: float (count, classes), rows sum to 1.
        labels: int (count,).
    """
    return calibration_error(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels)


def calibration_error(confidence: np.ndarray, correct: np.ndarray) -> float:
    """Return the same of answers' confidence and whether each is right: (count,)."""
    bins = np.minimum((confidence * ECE_BINS).astype(int), ECE_BINS - 1)
    gap = np.bincount(bins, weights=correct - confidence, minlength=ECE_BINS)
    return float(np.abs(gap).sum() / len(correct))


def fit_shares(log_probabilities: Tensor, labels: np.ndarray) -> Tensor:
    """Return how much each network counts in their weighted mean: float32 (networks,), positive, sums to 1.

    The shares with which the truth is likeliest, once the mean is calibrated by a temperature of its own.
    Only for data that no network was trained on.

    Args:
        log_probabilities: float32 (networks, count, classes).
        labels: int (count,).
    """
    truth = torch.from_numpy(labels)
    log_weights = _fitted(
        torch.zeros(len(log_probabilities)),
        lambda logs: F.cross_entropy(torch.einsum("n,nbc->bc", logs.exp(), log_probabilities), truth),
    )
    return torch.softmax(log_weights, dim=0)


def fit_temperature(logits: Tensor, labels: np.ndarray) -> float:
    """Return the temperature that makes the softmax of logits / temperature likeliest (Guo et al. 2017).

    Only for data that was not trained on: on training data it would learn overconfidence.
    """
    truth = torch.from_numpy(labels)
    log_temperature = _fitted(torch.zeros(1), lambda log: F.cross_entropy(logits / log.exp(), truth))
    # On a tiny validation set without an error the optimum runs away to zero; keep it sane.
    return float(log_temperature.exp().clamp(0.05, 20))


def _fitted(start: Tensor, loss: Callable[[Tensor], Tensor]) -> Tensor:
    """Return the parameters, logarithms of scales, with the least loss that are found from here.

    On a few validation frames without an error, or without one that is right, the optimum runs away until
    numbers overflow: beyond FARTHEST the loss does not change any more.
    """
    parameters = start.requires_grad_()
    optimizer = torch.optim.LBFGS([parameters], lr=0.5, max_iter=100, line_search_fn="strong_wolfe")

    def step() -> Tensor:
        optimizer.zero_grad()
        value = loss(parameters.clamp(-FARTHEST, FARTHEST))
        value.backward()
        return value

    optimizer.step(step)
    return parameters.detach().clamp(-FARTHEST, FARTHEST)
