"""Is a picture like those that a model was trained on? What tells, from which score on, and how well."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from training.data.frames import DataSet, Frames
from training.data.sets import CACHE
from training.fitting.measure import in_batches
from training.models.known import logits_and_features, nearness
from training.models.weights import About
from training.names import GATED
from training.outliers import others

KNOWN = 0.99  # of validation's frames so many are known
# Training frames that others are compared with: so many, and so many of each of hundreds of labels.
LEAST_KEPT, LEAST_OF_A_LABEL = 2000, 10


@dataclass(frozen=True)
class Fitted:
    """What tells whether a frame is known.

    Attributes:
        bank: float16 (count, width), features of training frames.
        threshold: of `nearness`, -1..1; frames below it are not known.
    """

    bank: Tensor
    threshold: float


def with_known(
    about: About, found: dict[str, Any], network: nn.Module, data: DataSet, device: torch.device
) -> tuple[About, dict[str, Any], Tensor | None]:
    """Return the same with what is known and how well that is told; and the features that tell it.

    Models that get the gate have neither.

    Args:
        about: what the model's file says.
        found: its metrics.
        network: gives logits.
        data: what it was trained on.
        device: of the network.
    """
    if data.name in GATED:
        return about, found, None
    fitted = fit(network, data.train, data.validation, device)
    score = partial(scores, network, bank=fitted.bank, device=device)
    metrics = measured(fitted.threshold, score, data, others.frames(data.framing, CACHE))
    return replace(about, known_threshold=fitted.threshold), {**found, "known": metrics}, fitted.bank


def fit(network: nn.Module, kept: Frames, held_out: Frames, device: torch.device) -> Fitted:
    """Return features of some frames, and the threshold from which on others are known.

    Args:
        network: gives logits.
        kept: what the network knows.
        held_out: other frames of the same kind, of which KNOWN are to be known.
        device: of the network.
    """
    some = kept.take(spread(kept.labels))
    bank = features(network, some.frames, device).half()
    return Fitted(bank, threshold_of(scores(network, held_out.frames, bank, device)))


def spread(labels: np.ndarray) -> np.ndarray:
    """Return which frames are kept: int (count,), of all labels alike as far as there are so many."""
    order = np.random.default_rng(0).permutation(len(labels))
    turn = np.empty(len(labels), int)  # of each frame, which of its label's it is
    for label in np.unique(labels):
        members = order[labels[order] == label]
        turn[members] = np.arange(len(members))
    most = max(LEAST_KEPT, LEAST_OF_A_LABEL * len(np.unique(labels)))
    return np.sort(order[np.argsort(turn[order], kind="stable")][:most])


def threshold_of(found: np.ndarray) -> float:
    """Return the score that KNOWN of the frames reach, where there are too few for that, all of them."""
    below = int((len(found) + 1) * (1 - KNOWN))
    return float(np.sort(found)[max(below - 1, 0)])


def features(network: nn.Module, frames: np.ndarray, device: torch.device) -> Tensor:
    """Return what the last layer reads of frames: float32 (count, width), each of length 1, on the CPU."""
    return in_batches(network, lambda given: logits_and_features(network, given)[1], frames, device)


def scores(network: nn.Module, frames: np.ndarray, bank: Tensor, device: torch.device) -> np.ndarray:
    """Return how near frames are to those of the bank: float32 (count,), -1..1."""
    parts = features(network, frames, device).split(1000)
    return torch.cat([nearness(part, bank.float()) for part in parts]).numpy()


def measured(
    threshold: float, score: Callable[[np.ndarray], np.ndarray], data: DataSet, other: dict[str, np.ndarray]
) -> dict[str, Any]:
    """Return which share of the data is known, and how well pictures of other sets are told from its tests.

    Args:
        threshold: as `fit` gives it.
        score: gives the scores of frames.
        data: what the model is for.
        other: frames of other sets by name.
    """
    from sklearn.metrics import roc_auc_score  # takes 1.4 s, which training has at its end

    tests = {name: score(part.frames) for name, part in data.tests.items()}
    own = np.concatenate(list(tests.values()))

    def told(found: np.ndarray) -> dict[str, float]:
        is_own = np.repeat([1, 0], [len(own), len(found)])
        return {
            "pictures": len(found),
            "auroc": float(roc_auc_score(is_own, np.concatenate([own, found]))),
            "called_known": float(np.mean(found >= threshold)),
        }

    return {
        "threshold": threshold,
        "validation": float(np.mean(score(data.validation.frames) >= threshold)),
        "tests": {name: float(np.mean(found >= threshold)) for name, found in tests.items()},
        "others": {name: told(score(frames)) for name, frames in other.items()},
    }
