"""Digits that somebody marked: underlined, boxed, circled; and those drawn as an outline, empty or filled."""

import numpy as np

from training.data.paint import Picture
from training.data.sheet import Sheet, developed, laid
from training.data.strokes import Drawn, rasterise, smooth

CORNERS = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]], np.float32)


def underlined(drawn: Drawn, random: np.random.Generator) -> Picture:
    """With a line below it, rarely two, as a 6 is told from a 9."""
    sheet = laid(drawn, random, looks=(0.6, 0.1, 0.3), box_share=(0.28, 0.62), pen_share=(0.03, 0.12),
                 margin=0.16)  # fmt: skip
    line_px = _line_px(sheet, random)
    wide = max(float(np.ptp([sheet.low[0], sheet.high[0]])), 0.3 * sheet.box_px)
    y = sheet.high[1] + sheet.pen_px / 2 + line_px * random.uniform(0.5, 0.9)
    y += random.uniform(0.0, 0.26) * sheet.box_px
    lines = []
    for _ in range(2 if random.random() < 0.12 else 1):
        lines.append(_underline(sheet, random, wide, min(y, sheet.size[1] - line_px / 2)))
        y += line_px * random.uniform(1.6, 3)
    return _marked(sheet, lines, line_px, random)


def encircled(drawn: Drawn, random: np.random.Generator) -> Picture:
    """In a box or a circle, drawn by hand or printed; the picture's border may cut it."""
    sheet = laid(drawn, random, looks=(0.55, 0.15, 0.3), box_share=(0.25, 0.6), pen_share=(0.03, 0.12),
                 margin=0.12)  # fmt: skip
    line_px = _line_px(sheet, random)
    least = sheet.pen_px / 2 + line_px
    low = sheet.low - least - random.uniform(0.04, 0.45, 2) * sheet.box_px
    high = sheet.high + least + random.uniform(0.04, 0.45, 2) * sheet.box_px
    way = random.random() if drawn.strokes else 1.0  # a circle around nothing is a 0
    if way < 0.35:
        round_it = _circle(low, high, random)
    else:
        round_it = low + CORNERS * (high - low)
        if way < 0.7:
            round_it = _by_hand(round_it, random, 0.03 * sheet.box_px)
    return _marked(sheet, [round_it], line_px, random)


def outlined(drawn: Drawn, random: np.random.Generator) -> Picture:
    """As an outline: empty, hatched, or filled by a marker of the same colour or another."""
    thin, fill = random.uniform(0.1, 0.32), random.random()
    inner: list[np.ndarray] = []

    def contour(strokes: list[np.ndarray], size: tuple[int, int], pen_px: float) -> np.ndarray:
        line_px = max(1.0, thin * pen_px)
        outer = rasterise(strokes, size, pen_px)
        inner.append(rasterise(strokes, size, max(1.0, pen_px - 2 * line_px)))
        return np.clip(outer - inner[0], 0, 1)

    sheet = laid(drawn, random, looks=(0.65, 0.1, 0.25), box_share=(0.4, 0.8), pen_share=(0.13, 0.22),
                 pen_of=contour, least_px=90)  # fmt: skip
    if fill < 0.45:
        return developed(sheet, sheet.inked(), random)
    colour = sheet.ink_like(random, 0.15)
    filled = inner[0]
    if fill < 0.55:
        y, x = np.mgrid[: filled.shape[0], : filled.shape[1]].astype(np.float32)
        filled = filled * (np.sin((x + y) * 2 * np.pi / (sheet.pen_px * random.uniform(0.3, 0.7))) > 0.2)
    return developed(sheet, sheet.inked((filled, colour)), random)


def _line_px(sheet: Sheet, random: np.random.Generator) -> float:
    return float(max(0.9, sheet.pen_px * np.exp(random.uniform(*np.log((0.35, 1.5))))))


def _underline(sheet: Sheet, random: np.random.Generator, wide: float, y: float) -> np.ndarray:
    """Return a stroke below the drawing, about as wide as it."""
    half = wide * random.uniform(0.8, 1.8) / 2
    middle = (sheet.low[0] + sheet.high[0]) / 2 + random.uniform(-0.2, 0.2) * wide
    x = middle + half * np.linspace(-1, 1, 5)
    # It goes down towards one end, never up into the drawing.
    lean = np.abs(random.normal(0, 0.04)) * (x - x[0] if random.random() < 0.5 else x[-1] - x)
    points = np.stack([x, np.full(5, y) + lean], axis=1).astype(np.float32)
    return smooth(_by_hand(points, random, random.uniform(0, 0.008) * sheet.box_px), 2)


def _circle(low: np.ndarray, high: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return an oval around a box, its ends beside or over one another."""
    angle = random.uniform(0, 2 * np.pi) + np.linspace(0, 2 * np.pi * random.uniform(0.93, 1.12), 60)
    # A box's corners lie on an oval that is larger by the root of two; digits leave the corners free.
    radius = (high - low) / 2 * random.uniform(1.1, 1.35)
    grows = 1 + random.uniform(-0.08, 0.08) * np.linspace(0, 1, 60)[:, None]
    points = np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius * grows + (low + high) / 2
    return points.astype(np.float32)


def _by_hand(points: np.ndarray, random: np.random.Generator, strength_px: float) -> np.ndarray:
    return (points + random.normal(0, 1, points.shape) * strength_px).astype(np.float32)


def _marked(sheet: Sheet, lines: list[np.ndarray], line_px: float, random: np.random.Generator) -> Picture:
    """Return the picture with these lines on it, in the pen's colour or another."""
    cover = rasterise(lines, sheet.size, line_px)
    colour = sheet.pen if random.random() < 0.65 else sheet.ink_like(random, 0.4)
    return developed(sheet, sheet.inked((cover, colour)), random)
