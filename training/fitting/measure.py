"""Numbers about a model: accuracy, loss, calibration."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.data.sets import Frames
from training.fitting.conformal import measure_sets

ECE_BINS = 15  # as in Guo et al. 2017, arXiv:1706.04599


@torch.no_grad()
def logits_of(model: nn.Module, data: Frames, device: torch.device, batch: int = 1000) -> Tensor:
    """Give the logits of every frame: float32 (count, classes), on the CPU."""
    training = model.training
    model.eval()
    parts = torch.from_numpy(data.frames).unsqueeze(1).split(batch)
    logits = torch.cat([model(part.to(device).float() / 255).float().cpu() for part in parts])
    model.train(training)
    return logits


def measure(logits: Tensor, labels: np.ndarray) -> dict[str, float]:
    """Give accuracy (0..1), mean cross-entropy (nats) and expected calibration error (0..1)."""
    truth = torch.from_numpy(labels)
    probabilities = torch.softmax(logits, dim=1)
    return {
        "accuracy": float((logits.argmax(dim=1) == truth).double().mean()),
        "loss": float(F.cross_entropy(logits, truth)),
        "ece": expected_calibration_error(probabilities.numpy(), labels),
    }


def measure_answers(logits: Tensor, labels: np.ndarray, set_threshold: float) -> dict[str, float]:
    """Return what `measure` and `measure_sets` return of calibrated logits."""
    probabilities = torch.softmax(logits, dim=1).numpy()
    return {**measure(logits, labels), **measure_sets(probabilities, labels, set_threshold)}


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Give how far confidence is from accuracy on average, 0..1, over equally wide bins of confidence.

    Args:
        probabilities: float (count, classes), rows sum to 1.
        labels: int (count,).
    """
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * ECE_BINS).astype(int), ECE_BINS - 1)
    gap = np.bincount(bins, weights=correct - confidence, minlength=ECE_BINS)
    return float(np.abs(gap).sum() / len(labels))


def fit_shares(log_probabilities: Tensor, labels: np.ndarray) -> Tensor:
    """Give how much each network counts in their weighted mean: float32 (networks,), positive, sums to 1.

    The shares with which the truth is likeliest, once the mean is calibrated by a temperature of its own.
    Only for data that no network was trained on.

    Args:
        log_probabilities: float32 (networks, count, classes).
        labels: int (count,).
    """
    truth = torch.from_numpy(labels)
    log_weights = torch.zeros(len(log_probabilities), requires_grad=True)
    optimizer = torch.optim.LBFGS([log_weights], lr=0.5, max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = F.cross_entropy(torch.einsum("n,nbc->bc", log_weights.exp(), log_probabilities), truth)
        value.backward()
        return value

    optimizer.step(loss)
    return torch.softmax(log_weights.detach(), dim=0)


def fit_temperature(logits: Tensor, labels: np.ndarray) -> float:
    """Give the temperature that makes the softmax of logits / temperature likeliest (Guo et al. 2017).

    Only for data that was not trained on: on training data it would learn overconfidence.
    """
    truth = torch.from_numpy(labels)
    log_temperature = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.LBFGS([log_temperature], lr=0.5, max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = F.cross_entropy(logits / log_temperature.exp(), truth)
        value.backward()
        return value

    optimizer.step(loss)
    # On a tiny validation set without an error the optimum runs away to nought; keep it sane.
    return float(log_temperature.detach().exp().clamp(0.05, 20))
