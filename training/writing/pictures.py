"""Pictures of writing with other things on them, and how much of each pixel the pen covers."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from tqdm import tqdm

from handler.writing import sized
from training.data.marked import encircled, outlined, underlined
from training.data.paint import Picture
from training.data.papers import cell, ruled, sheet_ends, squared
from training.data.sheet import developed, laid
from training.data.strokes import Drawn
from training.outliers.kinds import SEEN, SKETCHES, Material, drawn
from training.outliers.papers import NOTHING

Kind = Callable[[Drawn, np.random.Generator], Picture]


def alone(writing: Drawn, random: np.random.Generator) -> Picture:
    """On a sheet with nothing else, with pens and sheets of all sizes: all of that stays."""
    thin, small = random.random(2)
    sheet = laid(
        writing, random, looks=(0.4, 0.2, 0.4), box_share=(0.3, 0.9),
        pen_share=(0.006, 0.02) if thin < 0.2 else (0.02, 0.2), least_px=16 if small < 0.3 else 60,
    )  # fmt: skip
    return developed(sheet, sheet.inked(), random)


# How often each is drawn: the more is to be learnt, the more often.
KINDS: dict[Kind, float] = {
    ruled: 0.09, squared: 0.19, cell: 0.12, sheet_ends: 0.28, underlined: 0.04, encircled: 0.16,
    outlined: 0.03, alone: 0.09,
}  # fmt: skip
# Letters, scribbles, several digits ... are writing, too: what is no digit must not become one here.
DIGITS_SHARE, NOTHING_SHARE = 0.67, 0.04
# Parts of pictures are pictures: people cut closely, and serving looks at small writing from nearby. So much
# of the writing's longer side is left on each side; less than nothing cuts into it.
CUT_SHARE, LEAST_LEFT, MOST_LEFT = 0.45, -0.05, 0.6
FEWEST_PX = 8


@dataclass(frozen=True)
class Example:
    """A picture as the network reads it, its longer side from left to right.

    Attributes:
        kind: its name.
        picture: uint8 (rows, columns, 3), RGB.
        cover: uint8 (rows, columns), 255 = the pen's.
    """

    kind: str
    picture: np.ndarray
    cover: np.ndarray


def examples(digits: list[Drawn], count: int, seed: int) -> list[Example]:
    """Return so many examples with these digits, the same ones for the same seed; a few are left out.

    Args:
        digits: pen digits of one part's writers.
        count: how many.
        seed: of what is drawn by lots.
    """
    material = Material(digits, np.empty((0, 28, 28), np.uint8))
    with ProcessPoolExecutor() as pool:
        made = pool.map(partial(_example, material, seed), range(count), chunksize=100)
        return [one for one in tqdm(made, total=count, desc="drawing", unit="picture", disable=None) if one]


def _example(material: Material, seed: int, index: int) -> Example | None:
    """Return an example; None where too little would be left of it."""
    random = np.random.default_rng((seed, index))
    what = random.random()
    if what < DIGITS_SHARE:
        writing = material.digits[random.integers(len(material.digits))]
    elif what < 1 - NOTHING_SHARE:
        sketches = [kind for kind in SEEN if kind in SKETCHES]
        writing = drawn(str(random.choice(sketches)), material, random)
    else:
        writing = NOTHING
    kind = list(KINDS)[random.choice(len(KINDS), p=np.array(list(KINDS.values())))]
    made = kind(writing, random)
    assert made.cover is not None, "sheets say where their pen was"
    picture, cover = made.decoded()[..., :3], np.rint(made.cover * 255).astype(np.uint8)
    part = _cut(cover, random) if random.random() < CUT_SHARE else np.s_[:, :]
    if part is None:
        return None
    picture, cover = (sized(np.ascontiguousarray(some[part])) for some in (picture, cover))
    if picture.shape[0] > picture.shape[1]:
        picture, cover = picture.transpose(1, 0, 2), cover.T
    return Example(kind.__name__, np.ascontiguousarray(picture), np.ascontiguousarray(cover))


def _cut(cover: np.ndarray, random: np.random.Generator) -> tuple[slice, slice] | None:
    """Return the rows and columns of a part with the writing on it; None where these are too few."""
    parts = []
    inked = [np.flatnonzero((cover > 127).any(axis=axis)) for axis in (1, 0)]
    if not inked[0].size:
        return np.s_[:, :]
    longer = max(np.ptp(along) for along in inked) + 1
    for along, side in zip(inked, cover.shape, strict=True):
        before, after = random.uniform(LEAST_LEFT, MOST_LEFT, 2) * longer
        start, end = max(0, round(along[0] - before)), min(side, round(along[-1] + 1 + after))
        if end - start < FEWEST_PX:
            return None
        parts.append(slice(start, end))
    return parts[0], parts[1]
