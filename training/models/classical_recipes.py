"""How scikit-learn's classifiers are trained: which, with what settings, on how many frames.

All figures in the comments are of the data set "digits", on one core of a small machine. scikit-learn takes
1.4 s to import, and whoever trains a network only looks up here what else has a name: each recipe imports
what it needs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from training.data.augment import augment
from training.data.frames import Frames

Estimator = Any  # one of scikit-learn's: a forest, OneVsRestClassifier, or a Pipeline of PCA and the latter

AUGMENTED_AT_ONCE = 1000
# Fifty trees of 4,000 leaves: a hundred read 0.3 points more of validation and take twice the memory, 390 MB
# in every worker; whole trees, of 14,000 leaves, read 0.9 points more and take more than three times as much.
# Extra trees look at twice the usual square root of 784 pixels for a split, which is worth 0.8 points: most
# pixels are paper in most frames.
TREES, LEAVES, PIXELS_A_SPLIT = 50, 4000, 56
# One machine a label, each against the rest: their decisions are calibrated by a temperature far better than
# those of the usual machine for each pair (ECE 0.008 against 0.024), and read no worse.
PENALTY, GAMMA = 10.0, 0.03  # chosen on validation; the result moves little within a factor of two
COMPONENTS = 50  # of the 784 dimensions; 80 read no better


@dataclass(frozen=True)
class Recipe:
    """How a classifier is trained.

    Attributes:
        estimator: gives it untrained, for a seed.
        frames: the most that it is trained on, the same share of every label; None: all.
        copies: how often each of them is added again as another hand would have drawn it.
        strength: of that augmentation, 0..1.
        least: the fewest frames, copies among them, that it can be trained on.
    """

    estimator: Callable[[int], Estimator]
    frames: int | None = None
    copies: int = 0
    strength: float = 0.0
    least: int = 1


def _extra_trees(seed: int) -> Estimator:
    from sklearn.ensemble import ExtraTreesClassifier

    return ExtraTreesClassifier(
        TREES, max_features=PIXELS_A_SPLIT, max_leaf_nodes=LEAVES, random_state=seed, n_jobs=-1
    )


def _random_forest(seed: int) -> Estimator:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(TREES, max_leaf_nodes=LEAVES, random_state=seed, n_jobs=-1)


def _machines(seed: int) -> Estimator:
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.svm import SVC

    return OneVsRestClassifier(SVC(C=PENALTY, gamma=GAMMA, cache_size=1000, random_state=seed))


def _machines_on_components(seed: int) -> Estimator:
    from sklearn.decomposition import PCA
    from sklearn.pipeline import Pipeline

    return Pipeline([("pca", PCA(COMPONENTS, random_state=seed)), ("svm", _machines(seed))])


# Augmented copies gave forests nothing (their leaves are spent on what nobody draws) and support vector
# machines half a point. Those compare a frame with every support vector, so time, in training and in every
# answer, grows with dimensions times vectors: the machine that sees pixels has to do with fewer frames.
RECIPES = {
    "extra_trees": Recipe(_extra_trees),
    "random_forest": Recipe(_random_forest),
    "svm": Recipe(_machines, frames=8_000, copies=1, strength=0.5),
    "svm_pca": Recipe(_machines_on_components, frames=20_000, copies=1, strength=0.5, least=COMPONENTS),
}


def training_frames(data: Frames, recipe: Recipe, labels: int, seed: int) -> Frames:
    """Return what the recipe trains on: a share of every label's frames, then their augmented copies.

    Raises:
        ValueError: a label has no frame, or there are too few of all.
    """
    counts = np.bincount(data.labels, minlength=labels)
    if not counts.all():
        raise ValueError(f"The label with index {int(counts.argmin())} has no frame to train on: add some.")
    random = np.random.default_rng(seed)
    share = min(1.0, (recipe.frames or len(data)) / len(data))
    chosen = [
        random.permutation(np.flatnonzero(data.labels == label))[: max(1, round(count * share))]
        for label, count in enumerate(counts)
    ]
    taken = data.take(np.sort(np.concatenate(chosen)))
    generator = torch.Generator().manual_seed(seed)
    whole = taken
    for _ in range(recipe.copies):
        parts = torch.from_numpy(taken.frames).unsqueeze(1).split(AUGMENTED_AT_ONCE)
        drawn = [augment(part.float() / 255, generator, strength=recipe.strength) for part in parts]
        copies = (torch.cat(drawn).squeeze(1) * 255).round().byte().numpy()
        whole = whole.joined(Frames(copies, taken.labels))
    if len(whole) < recipe.least:
        raise ValueError(f"{len(whole)} frames to train on, expected at least {recipe.least}: add some.")
    return whole
