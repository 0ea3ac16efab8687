"""What tests make outliers and frames of: the ten digits of training.data.drawing, no data set."""

from functools import cache

import numpy as np

from handler.frame import frame_of_pixels
from training.data import drawing
from training.data.strokes import Drawn
from training.outliers.kinds import Material


@cache
def material() -> Material:
    """Return the ten digits as strokes and as frames, in order."""
    digits = [
        Drawn(int(digit), 1, tuple(np.array(stroke, np.float32) for stroke in strokes))
        for digit, strokes in drawing.STROKES.items()
    ]
    pictures = [np.asarray(drawing.drawing(digit).convert("RGBA")) for digit in drawing.STROKES]
    return Material(digits, np.stack([frame_of_pixels(pixels) for pixels in pictures]))
