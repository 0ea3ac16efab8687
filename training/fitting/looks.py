"""What a model's training and validation looked like, for its file."""

import numpy as np

from training.data.features import features
from training.data.frames import DataSet
from training.fitting.conformal import sets
from training.models.reference import QUANTILES, Reference

DECIMALS = 5  # of what is kept: a few kB in all


def reference(data: DataSet, probabilities: np.ndarray, set_threshold: float) -> Reference:
    """Return what training and validation looked like.

    Args:
        data: what was trained on; frames as they came, before augmentation.
        probabilities: float (count, labels), calibrated, of its validation.
        set_threshold: of the model's sets.
    """
    train = data.train
    counts = np.bincount(train.labels, minlength=len(data.label_names))
    sizes = np.bincount(sets(probabilities, set_threshold).sum(axis=1))
    return Reference(
        frames=len(train),
        labels=_shares(dict(zip(data.label_names, counts.tolist(), strict=True))),
        features={name: _quantiles(one) for name, one in features(train.frames, data.framing).items()},
        answers=len(probabilities),
        confidence=_quantiles(probabilities.max(axis=1)),
        set_sizes=_shares({str(size): count for size, count in enumerate(sizes.tolist()) if count}),
    )


def _shares(counts: dict[str, int]) -> dict[str, float]:
    total = sum(counts.values())
    return {name: round(count / total, DECIMALS) for name, count in counts.items()}


def _quantiles(values: np.ndarray) -> tuple[float, ...]:
    found = np.quantile(values.astype(np.float64), np.linspace(0, 1, QUANTILES))
    return tuple(np.round(found, DECIMALS).tolist())
