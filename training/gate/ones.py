"""Ones as most people write them and few of the recorded writers: a bare line, by a thin pen."""

import numpy as np

from handler.bad_image import BadImage
from handler.frame import frame_of_pixels
from training.data import paint
from training.data.frames import Frames
from training.data.strokes import Drawn
from training.outliers.hand import SIDE, Strokes, by_hand, line

SEED = 11
COUNTS = {"train": 5000, "validation": 500, "report": 500}
SLANT = 0.35  # of the height, to either side, at most
BOW = 0.06  # of the height, how far the middle of the line lies beside it, at most
FLAGS = 0.25  # of the ones have a flag
HAND = 0.5  # how far another hand's strokes lie from those that were drawn
PAINTS = {"thin": 0.5, "plain": 0.2, "inverted": 0.1, "coloured": 0.05, "small": 0.1, "strong_jpeg": 0.05}


def ones(part: str) -> Frames:
    """Return a part's frames of ones, the same each time.

    Args:
        part: a key of COUNTS.
    """
    made = []
    for index in range(COUNTS[part]):
        random = np.random.default_rng((SEED, list(COUNTS).index(part), index))
        one = Drawn(1, 0, by_hand(_one(random), random, HAND))
        kind = str(random.choice(tuple(PAINTS), p=tuple(PAINTS.values())))
        try:
            made.append(frame_of_pixels(paint.KINDS[kind](one, random).decoded()))
        except BadImage:
            continue  # as in serving, which refuses it before it comes to a gate
    return Frames(np.stack(made), np.ones(len(made), np.int64))


def _one(random: np.random.Generator) -> Strokes:
    top, bottom = (SIDE / 2 + random.uniform(-0.5, 0.5) * SLANT * SIDE for _ in range(2))
    middle = (top + bottom) / 2 + random.uniform(-1, 1) * BOW * SIDE
    down = [(top, 0.0), (middle, SIDE / 2), (bottom, float(SIDE))]
    if random.random() < FLAGS:
        down.insert(0, (top - random.uniform(8, 30), random.uniform(10, 30)))
    return (line(*down),)
