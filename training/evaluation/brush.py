"""A second pen, for evaluation alone: it shares no code with the one that training draws with.

Training's pen is OpenCV's polyline of one width. This one is a chain of discs whose size follows the hand:
slow is thick, fast is thin, ends taper. Coverage is computed from the distance to the chain's outline, so
edges are soft to a fraction of a pixel without drawing larger first.
"""

from dataclasses import dataclass

import numpy as np

# Of the pen's width: how far the hand's speed changes it, and the least at the end of a stroke.
SPEED_SHARE = 0.3
TAPERED = 0.7
# Points on each curve between two of the tablet's.
CURVE_POINTS = 2


@dataclass(frozen=True)
class Stroke:
    """One stroke of the pen.

    Attributes:
        points: float32 (count, 2), x to the right and y down.
        pressure: float32 (count,), the pen's width there as a share of its own, about 1.
    """

    points: np.ndarray
    pressure: np.ndarray


def written(strokes: tuple[np.ndarray, ...], random: np.random.Generator) -> list[Stroke]:
    """Return a digit as a hand would write it again, in a box whose longer side is 1, from (0, 0).

    Slanted and turned a little, with a tremor, curves in place of corners, and a pressure that follows speed.
    """
    turn, slant = random.uniform(-0.09, 0.09), random.uniform(-0.12, 0.12)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = matrix @ np.array([[1.0, slant], [0.0, 1.0]])
    size = float(np.ptp(np.concatenate(strokes), axis=0).max()) or 1.0
    hand = random.uniform(0, 0.007)
    found = []
    for stroke in strokes:
        tremor = _running_mean(random.standard_normal(stroke.shape)) * hand * size
        points = _curved(stroke @ matrix.T + tremor)
        found.append(Stroke(points, _pressure(points)))
    everything = np.concatenate([stroke.points for stroke in found])
    low, span = everything.min(axis=0), float(np.ptp(everything, axis=0).max()) or 1.0
    return [Stroke(((stroke.points - low) / span).astype(np.float32), stroke.pressure) for stroke in found]


def cover_of(strokes: list[Stroke], size: tuple[int, int], pen_px: float) -> np.ndarray:
    """Return how much of each pixel the pen covers: float32 (height, width), 0..1.

    Args:
        strokes: points in pixels.
        size: width and height in pixels.
        pen_px: the pen's width at a pressure of 1; fractions count.
    """
    width, height = size
    cover = np.zeros((height, width), np.float32)
    for stroke in strokes:
        radius = stroke.pressure * (pen_px / 2)
        pairs = range(max(1, len(stroke.points) - 1))
        for start in pairs:
            end = min(start + 1, len(stroke.points) - 1)
            _lay(cover, stroke.points[start], stroke.points[end], float(radius[start]), float(radius[end]))
    return cover


def cover(strokes: list[np.ndarray], size: tuple[int, int], pen_px: float) -> np.ndarray:
    """Return the cover of strokes, float32 (points, 2) each, in pixels, with an even pressure."""
    return cover_of([Stroke(points, np.ones(len(points), np.float32)) for points in strokes], size, pen_px)


def _lay(cover: np.ndarray, start: np.ndarray, end: np.ndarray, from_px: float, to_px: float) -> None:
    """Lay ink between two discs of these radii onto the cover, in place."""
    height, width = cover.shape
    reach = max(from_px, to_px) + 1
    left, top = np.floor(np.minimum(start, end) - reach).astype(int).clip(0)
    right, bottom = np.ceil(np.maximum(start, end) + reach).astype(int) + 1
    right, bottom = min(right, width), min(bottom, height)
    if right <= left or bottom <= top:
        return
    # A pixel's value is taken at its centre.
    x = np.arange(left, right, dtype=np.float32) + 0.5 - start[0]
    y = np.arange(top, bottom, dtype=np.float32)[:, None] + 0.5 - start[1]
    step_x, step_y = (float(value) for value in end - start)
    along = np.clip((x * step_x + y * step_y) / max(step_x**2 + step_y**2, 1e-9), 0, 1)
    distance = np.hypot(x - along * step_x, y - along * step_y)
    radius = from_px + along * (to_px - from_px)
    # A line thinner than a pixel covers no more of it than its width.
    ink = np.clip(radius + 0.5 - distance, 0, min(1.0, 2 * max(from_px, to_px)))
    part = cover[top:bottom, left:right]
    np.maximum(part, ink, out=part)


def _curved(points: np.ndarray) -> np.ndarray:
    """Return quadratic curves from middle to middle of the segments, as web drawing pads draw; ends kept."""
    if len(points) < 3:
        return points
    middles = (points[:-1] + points[1:]) / 2
    t = (np.arange(CURVE_POINTS) / CURVE_POINTS)[None, :, None]
    start, control, end = middles[:-1, None], points[1:-1, None], middles[1:, None]
    curves = (1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * end
    return np.concatenate([points[:1], curves.reshape(-1, 2), points[-1:]])


def _pressure(points: np.ndarray) -> np.ndarray:
    """Return the pressure at each point, float32 (count,): less where the hand was fast, and at the end."""
    if len(points) < 3:
        return np.ones(len(points), np.float32)
    speed = _running_mean(np.linalg.norm(np.gradient(points, axis=0), axis=1))
    pressure = 1 + SPEED_SHARE * np.tanh(1 - speed / max(float(speed.mean()), 1e-9))
    ends = min(len(points), 6)
    pressure[-ends:] *= np.linspace(1, TAPERED, ends)
    return pressure.astype(np.float32)


def _running_mean(values: np.ndarray) -> np.ndarray:
    """Return the mean of each value and two neighbours a side, float64 of the same shape."""
    padded = np.pad(values, [(2, 2)] + [(0, 0)] * (values.ndim - 1), mode="edge")
    return np.mean([padded[i : i + len(values)] for i in range(5)], axis=0)
