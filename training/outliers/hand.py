"""The parts that outliers are drawn from: arcs, lines, hatching, and the unsteadiness of a hand.

Shapes are drawn on a grid of about 100 by 100, y downwards; their size and place are chosen when they are
painted, so only proportions count.
"""

import cv2
import numpy as np

from training.data.strokes import resampled

# Float32 (points, 2) each, x to the right and y down.
Strokes = tuple[np.ndarray, ...]

SIDE = 100
STEP = 3.0  # the least distance of two points of a stroke before a hand bends it
WAVES = 3  # how many waves bend a drawing
# Rows that an area is filled with: finer than the 20 pixels of a frame's box, so that it looks solid there.
HATCHES = 40


def line(*points: tuple[float, float]) -> np.ndarray:
    """Return a stroke through these points."""
    return np.array(points, np.float32)


def closed(*points: tuple[float, float]) -> np.ndarray:
    """Return a stroke through these points and back to the first."""
    return line(*points, points[0])


def arc(
    x: float, y: float, x_radius: float, y_radius: float, start_deg: float = 0, sweep_deg: float = 360
) -> np.ndarray:
    """Return a part of an ellipse around (x, y); 0 degrees are to the right, 90 below."""
    angle = np.deg2rad(start_deg + np.linspace(0, sweep_deg, max(8, int(abs(sweep_deg) / 12))))
    return np.stack([x + x_radius * np.cos(angle), y + y_radius * np.sin(angle)], axis=1).astype(np.float32)


def star_of(points: int, inner: float, turn_deg: float = -90) -> np.ndarray:
    """Return the outline of a star with so many points; `inner` is the hollows' radius, 1 makes a polygon."""
    angle = np.deg2rad(turn_deg + np.arange(2 * points + 1) * 180 / points)
    radius = np.where(np.arange(2 * points + 1) % 2, 50 * inner, 50)
    return (50 + np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius[:, None]).astype(np.float32)


def through(points: np.ndarray, steps: int = 8) -> np.ndarray:
    """Return a smooth curve through points, float (count, 2): a Catmull-Rom spline."""
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = (np.arange(steps) / steps)[None, :, None]
    before, start, end, after = (padded[i : len(padded) - 3 + i, None] for i in range(4))
    curve = 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * start - before - 3 * end + after) * t**3
    )
    return np.concatenate([curve.reshape(-1, 2), points[-1:]]).astype(np.float32)


def hatched(areas: Strokes, hatches: int = HATCHES, slanted: bool = False) -> Strokes:
    """Return strokes that fill closed outlines, the overlap of two left empty, row by row.

    Args:
        areas: closed outlines.
        hatches: how many rows the larger side has: few look hatched, many look solid.
        slanted: whether the rows run at 45 degrees.
    """
    turn = np.array([[1, -1], [1, 1]], np.float32) / np.sqrt(2) if slanted else np.eye(2, dtype=np.float32)
    turned = [area @ turn for area in areas]
    points = np.concatenate(turned)
    low, step = points.min(axis=0), float(np.ptp(points, axis=0).max()) / hatches
    cells = [np.rint((area - low) / step * 4).astype(np.int32) for area in turned]
    mask = np.zeros((hatches * 4 + 1, hatches * 4 + 1), np.uint8)
    cv2.fillPoly(mask, cells, 1)
    rows = []
    for row in range(2, len(mask), 4):
        edges = np.flatnonzero(np.diff(np.pad(mask[row], 1)))
        for start, end in edges.reshape(-1, 2):
            ends = np.array([[start, row], [end - 1, row]], np.float32) * (step / 4) + low
            rows.append((ends @ turn.T).astype(np.float32))
    return (*areas, *rows)


def by_hand(strokes: Strokes, random: np.random.Generator, strength: float = 1.0) -> Strokes:
    """Return the strokes as a hand would draw them: turned, slanted, bent, with a tremor.

    Args:
        strokes: on a grid of any size.
        random: chooses how.
        strength: of all that; 1 leaves a letter readable.
    """
    points = np.concatenate(strokes)
    low, span = points.min(axis=0), max(float(np.ptp(points, axis=0).max()), 1e-6)
    turn, slant = random.normal(0, 0.12, 2) * strength
    wide, high = np.exp(random.normal(0, 0.13, 2) * strength)
    matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    matrix = matrix @ np.array([[wide, 0], [slant, high]])
    ways = random.normal(0, 1, (WAVES, 2)) * 2 * np.pi / (1.2 * SIDE)
    phases = random.uniform(0, 2 * np.pi, WAVES)
    heights = random.normal(0, 1.6, (WAVES, 2)) * strength
    tremor = random.uniform(0, 0.7) * strength

    def drawn(stroke: np.ndarray) -> np.ndarray:
        on_grid = resampled((stroke - low) * (SIDE / span), STEP)
        bend = np.sin(on_grid @ ways.T + phases) @ heights
        return ((on_grid + bend + random.normal(0, tremor, on_grid.shape)) @ matrix).astype(np.float32)

    return tuple(drawn(stroke) for stroke in strokes)
