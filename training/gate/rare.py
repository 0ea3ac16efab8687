"""Digits as many people write them and few recorded writers: bare ones, slashed zeros, thin strokes."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from handler.bad_image import BadImage
from handler.frame import frame_of_pixels
from training.data import hands, paint
from training.data.frames import Frames
from training.data.paint import Picture
from training.data.strokes import Drawn
from training.outliers.hand import SIDE, Strokes, by_hand, line

SEED, SLASHED_SEED, THIN_SEED = 11, 13, 7
COUNTS = {"train": 5000, "validation": 500, "report": 500}
SLANT = 0.35  # of the height, to either side, at most
BOW = 0.06  # of the height, how far the middle of the line lies beside it, at most
FLAGS = 0.25  # of the ones have a flag
HAND = 0.5  # how far another hand's strokes lie from those that were drawn
PAINTS = {"thin": 0.5, "plain": 0.2, "inverted": 0.1, "coloured": 0.05, "small": 0.1, "strong_jpeg": 0.05}


def ones(part: str) -> Frames:
    """Return a part's frames of ones, each a bare line or nearly, the same each time.

    Args:
        part: a key of COUNTS.
    """

    def picture(index: int) -> tuple[Picture, int]:
        random = np.random.default_rng((SEED, list(COUNTS).index(part), index))
        one = Drawn(1, 0, by_hand(_one(random), random, HAND))
        kind = str(random.choice(tuple(PAINTS), p=tuple(PAINTS.values())))
        return paint.KINDS[kind](one, random), 1

    return _framed(COUNTS[part], picture)


def slashed_zeros(part: str, digits: list[Drawn]) -> Frames:
    """Return a part's frames of zeros with a line through them, the same each time.

    Args:
        part: a key of COUNTS.
        digits: what the part's writers wrote.
    """
    # Not those that are wider than high: with a slash they look like a fish.
    zeros = [one for one in digits if one.label == 0 and np.ptp(np.concatenate(one.strokes), axis=0).argmax()]

    def picture(index: int) -> tuple[Picture, int]:
        random = np.random.default_rng((SLASHED_SEED, list(COUNTS).index(part), index))
        return hands.slashed_zeros(zeros[index % len(zeros)], random), 0

    return _framed(COUNTS[part], picture)


def thin_digits(digits: list[Drawn], seed: int) -> Frames:
    """Return every digit drawn once with a thin pen and by another hand.

    Thin strokes arrive broken and faint, and are rare among the digits that the classifier learns from: from
    those alone a gate learns that what is thin is no digit.
    """

    def picture(index: int) -> tuple[Picture, int]:
        random, one = np.random.default_rng((THIN_SEED, seed, index)), digits[index]
        return paint.thin(replace(one, strokes=by_hand(one.strokes, random, HAND)), random), one.label

    return _framed(len(digits), picture)


def _framed(count: int, picture: Callable[[int], tuple[Picture, int]]) -> Frames:
    """Return the frames of so many pictures, but of those that serving refuses before they come to a gate."""
    made, labels = [], []
    for index in range(count):
        drawn, label = picture(index)
        try:
            made.append(frame_of_pixels(drawn.decoded()))
        except BadImage:
            continue
        labels.append(label)
    return Frames(np.stack(made), np.array(labels, np.int64))


def _one(random: np.random.Generator) -> Strokes:
    top, bottom = (SIDE / 2 + random.uniform(-0.5, 0.5) * SLANT * SIDE for _ in range(2))
    middle = (top + bottom) / 2 + random.uniform(-1, 1) * BOW * SIDE
    down = [(top, 0.0), (middle, SIDE / 2), (bottom, float(SIDE))]
    if random.random() < FLAGS:
        down.insert(0, (top - random.uniform(8, 30), random.uniform(10, 30)))
    return (line(*down),)
