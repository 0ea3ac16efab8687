"""Pictures of things that are not digits, to ask a server about."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from training.data.omniglot import Character
from training.data.rendered import TRAINING_SHARES, writers
from training.data.sets import mnist_images
from training.evaluation.ask import Question
from training.evaluation.questions import SEED
from training.evaluation.renderers import RENDERERS, Painted
from training.gate import characters
from training.outliers.kinds import NO_DIGIT, PICTURES, SKETCHES, Material, drawn

PART = "outlier"
SCANNED = 2000  # of MNIST's test images are enough to put side by side


def material(data_dir: Path) -> Material:
    """Return what the report's outliers are made of: digits of writers and of MNIST that training never saw.

    Raises:
        FileNotFoundError: the strokes or MNIST are not there and cannot be downloaded.
    """
    return Material(writers(data_dir)["report"], mnist_images(data_dir, train=False)[0][:SCANNED])


def questions(made_of: Material, count: int, real: Sequence[Character] = ()) -> Iterator[Question]:
    """Return every kind of outlier: sketches drawn by both renderers in turn, pictures as they are.

    A question's truth is NO_DIGIT everywhere; its pictures are those of every other evaluation's, too.

    Args:
        made_of: what outliers are made of.
        count: pictures of each kind.
        real: drawings of characters, in any order, which are a kind of their own unless there are none.
    """
    truth = np.full(count, NO_DIGIT)
    for kind in SKETCHES:
        for renderer in RENDERERS:
            picture = partial(_sketched, kind, made_of, renderer.kinds)
            yield Question(PART, kind, renderer.name, truth, picture)
    for kind in PICTURES:
        yield Question(PART, kind, "", truth, partial(_pictured, kind, made_of))
    if real:
        order = np.random.default_rng(SEED).permutation(len(real))
        yield Question(PART, characters.KIND, "", truth[: len(real)], partial(_written, real, order))


def _sketched(kind: str, made_of: Material, paints: dict[str, Painted], index: int) -> bytes:
    random = np.random.default_rng((SEED, index))
    paint = str(random.choice(tuple(TRAINING_SHARES), p=tuple(TRAINING_SHARES.values())))
    return paints[paint](drawn(kind, made_of, random), random)


def _written(real: Sequence[Character], order: np.ndarray, index: int) -> bytes:
    return characters.picture(real[order[index]]).encoded()


def _pictured(kind: str, made_of: Material, index: int) -> bytes:
    return PICTURES[kind](made_of, np.random.default_rng((SEED, index))).encoded()
