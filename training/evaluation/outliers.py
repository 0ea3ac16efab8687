"""How well what is no digit is told from digits: pictures of outliers to ask about, and their figures."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from training.data.rendered import TRAINING_SHARES, writers
from training.data.sets import mnist_images
from training.evaluation.ask import Question
from training.evaluation.questions import SEED
from training.evaluation.renderers import RENDERERS, Painted
from training.gate.outliers.kinds import HELD_OUT, NO_DIGIT, PICTURES, SKETCHES, Material, drawn

PART = "outlier"
KEPT = 0.95  # the share of digits that is let through where false positives are counted
SCANNED = 2000  # of MNIST's test images are enough to put side by side


@dataclass(frozen=True)
class Rejection:
    """How one kind of outlier is told from digits.

    Attributes:
        kind: what was sent; empty for all kinds together, each counting alike.
        seen: whether training saw others of this kind.
        pictures: how many.
        auroc: the share of pairs of a digit and an outlier in which the digit has the higher score, 0..1.
        false_positives: the share of outliers that score at least as high as 95 % of the digits do.
        accepted: the share of outliers that the served threshold calls digits.
    """

    kind: str
    seen: bool
    pictures: int
    auroc: float
    false_positives: float
    accepted: float


def material(data_dir: Path) -> Material:
    """Give what the report's outliers are made of: digits of writers and of MNIST that training never saw.

    Raises:
        FileNotFoundError: the strokes or MNIST are not there and cannot be downloaded.
    """
    return Material(writers(data_dir)["report"], mnist_images(data_dir, train=False)[0][:SCANNED])


def questions(made_of: Material, count: int) -> Iterator[Question]:
    """Give every kind of outlier: sketches drawn by both renderers in turn, pictures as they are.

    A question's truth is NO_DIGIT everywhere; its pictures are those of every other evaluation's, too.
    """
    truth = np.full(count, NO_DIGIT)
    for kind in SKETCHES:
        for renderer in RENDERERS:
            picture = partial(_sketched, kind, made_of, renderer.kinds)
            yield Question(PART, kind, renderer.name, truth, picture)
    for kind in PICTURES:
        yield Question(PART, kind, "", truth, partial(_pictured, kind, made_of))


def rejection(kind: str, digits: np.ndarray, outliers: np.ndarray, accepted: np.ndarray) -> Rejection:
    """Give the figures of one kind.

    Args:
        kind: a name, for `seen` one of training.gate.outliers.kinds.
        digits: the scores of digits, float (count,).
        outliers: the scores of outliers, float (count,).
        accepted: which outliers were called digits, bool (count,).

    Raises:
        ValueError: there are no digits or no outliers.
    """
    if not len(digits) or not len(outliers):
        raise ValueError(f"{kind}: {len(digits)} digits and {len(outliers)} outliers, both are needed.")
    is_digit = np.concatenate([np.ones(len(digits)), np.zeros(len(outliers))])
    return Rejection(
        kind,
        kind not in HELD_OUT,
        len(outliers),
        float(roc_auc_score(is_digit, np.concatenate([digits, outliers]))),
        float(np.mean(outliers >= np.quantile(digits, 1 - KEPT, method="lower"))),
        float(np.mean(accepted)),
    )


def together(rows: list[Rejection], seen: bool) -> Rejection:
    """Give the mean over the kinds that training saw, or over those that it never saw."""
    chosen = [row for row in rows if row.seen == seen]
    figures = np.mean([[row.auroc, row.false_positives, row.accepted] for row in chosen], axis=0)
    return Rejection("", seen, sum(row.pictures for row in chosen), *(float(figure) for figure in figures))


def with_means(rows: list[Rejection]) -> list[Rejection]:
    """Give the figures, and after them the means of the kinds that training saw and of the others."""
    return rows + [together(rows, seen) for seen in (True, False) if any(row.seen == seen for row in rows)]


def _sketched(kind: str, made_of: Material, paints: dict[str, Painted], index: int) -> bytes:
    random = np.random.default_rng((SEED, index))
    paint = str(random.choice(tuple(TRAINING_SHARES), p=tuple(TRAINING_SHARES.values())))
    return paints[paint](drawn(kind, made_of, random), random)


def _pictured(kind: str, made_of: Material, index: int) -> bytes:
    return PICTURES[kind](made_of, np.random.default_rng((SEED, index))).encoded()
