"""Paper with nothing written on it, and lines that mark nothing: what must not become a digit."""

import numpy as np

from training.data.marked import encircled, underlined
from training.data.paint import Picture
from training.data.papers import cell, ruled, sheet_ends, squared
from training.data.strokes import Drawn

NOTHING = Drawn(-1, 0, ())


def empty(random: np.random.Generator) -> Picture:
    """Return a ruled or squared sheet, one cut out of a form, or one that ends inside the picture."""
    kinds = (ruled, squared, cell, sheet_ends)
    return kinds[random.integers(len(kinds))](NOTHING, random)


def mark(random: np.random.Generator) -> Picture:
    """Return an underline or a printed box on a blank sheet."""
    return (underlined if random.random() < 0.5 else encircled)(NOTHING, random)
