"""Numbers put together from the digits of one hand each, spaced, close or touching."""

from dataclasses import dataclass

import numpy as np

from training.data.strokes import Drawn
from training.evaluation.brush import Stroke, cover_of, written

# Clear paper between two digits, as shares of the row's height: sideways where they are spaced, else the
# least distance of their ink. Less than none is ink upon ink.
GAPS = {"spaced": (0.12, 0.5), "close": (0.03, 0.1), "touching": (-0.05, 0.0)}
ROW_PX, PEN_SHARE = (70, 150), (0.05, 0.11)
# How far a digit moves at a time on its way to the one before.
STEP = 0.01


@dataclass(frozen=True)
class Written:
    """A number as a hand wrote it.

    Attributes:
        text: its digits.
        digits: the strokes of each, in pixels of the sheet.
        size: the sheet's width and height in pixels.
        pen_px: the pen's width.
    """

    text: str
    digits: list[list[Stroke]]
    size: tuple[int, int]
    pen_px: float

    def cover(self) -> np.ndarray:
        """Return the ink: float32 (height, width), 0..1."""
        return cover_of(self.strokes(), self.size, self.pen_px)

    def strokes(self) -> list[Stroke]:
        """Return all strokes in the order in which they were written."""
        return [stroke for digit in self.digits for stroke in digit]


def number(digits: list[Drawn], gaps: str, random: np.random.Generator) -> Written:
    """Return a number of these digits.

    Args:
        digits: from left to right.
        gaps: a key of GAPS.
        random: chooses sizes, places, the pen, and how the hand moves.
    """
    pen = random.uniform(*PEN_SHARE)
    placed: list[list[Stroke]] = []
    for drawn in digits:
        strokes = written(drawn.strokes, random)
        height, width = (
            float(np.ptp(np.concatenate([s.points for s in strokes])[:, axis])) for axis in (1, 0)
        )
        scale = random.uniform(0.85, 1.1) * min(1 / max(height, 1e-6), 1.1 / max(width, 1e-6))
        rise = np.array([0, random.uniform(-0.06, 0.06) + (1 - height * scale) / 2])
        strokes = [_moved(s, scale, rise) for s in strokes]
        gap = random.uniform(*GAPS[gaps])
        shift = _beside(placed, strokes, gap, pen, sideways=gaps == "spaced") if placed else 0.0
        placed.append([_moved(s, 1.0, np.array([shift, 0])) for s in strokes])
    row = random.uniform(*ROW_PX)
    points = np.concatenate([stroke.points for digit in placed for stroke in digit])
    low, high = points.min(axis=0), points.max(axis=0)
    margin = pen + random.uniform(0.15, 0.6, 4)  # left, top, right, bottom
    width, height = (high - low + margin[:2] + margin[2:]) * row
    on_sheet = [[_moved(s, row, (margin[:2] - low) * row) for s in digit] for digit in placed]
    return Written("".join(str(d.label) for d in digits), on_sheet, (round(width), round(height)), pen * row)


def _moved(stroke: Stroke, scale: float, by: np.ndarray) -> Stroke:
    """Return the stroke scaled, then moved by x and y."""
    return Stroke((stroke.points * scale + by).astype(np.float32), stroke.pressure)


def _beside(
    before: list[list[Stroke]], strokes: list[Stroke], gap: float, pen: float, *, sideways: bool
) -> float:
    """Return how far to the right a digit goes that comes after others.

    Args:
        before: the strokes of each of those.
        strokes: its own; all in heights of the row.
        gap: how much paper is between them, or less than 0: how deep the ink overlaps.
        pen: the pen's width.
        sideways: whether the gap is between their boxes, or between the nearest ink.
    """
    ahead, mine = _dense([stroke for digit in before for stroke in digit]), _dense(strokes)
    shift = float(ahead[:, 0].max() - mine[:, 0].min()) + gap + pen
    if sideways:
        return shift
    ahead = ahead[ahead[:, 0] > ahead[:, 0].max() - 1.5]
    while shift > -1:
        away = np.hypot(*(ahead[:, None] - mine[None] - [shift, 0]).transpose(2, 0, 1)).min()
        if away <= pen + gap:
            break
        shift -= max(STEP, (away - pen - gap) / 2)
    return shift


def _dense(strokes: list[Stroke]) -> np.ndarray:
    """Return points on the strokes, no further apart than some hundredths of a height."""
    found = []
    for stroke in strokes:
        points = stroke.points
        if len(points) > 1:
            length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
            at = np.linspace(0, length[-1], max(2, round(length[-1] / 0.03)))
            points = np.stack([np.interp(at, length, points[:, axis]) for axis in (0, 1)], axis=1)
        found.append(points)
    return np.concatenate(found)
