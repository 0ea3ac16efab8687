"""Pen strokes: the UCI pen-based digits, and how a pen lays them down on pixels.

Source: Alpaydin and Alimoglu, "Pen-Based Recognition of Handwritten Digits", UCI Machine Learning
Repository, https://doi.org/10.24432/C5MG6K, CC BY 4.0. What MNIST lacks is here: crossed sevens, ones
with a flag and a foot, by 30 writers.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

FILE = Path("pendigits") / "pendigits-orig.tra"
SUBPIXELS = 3  # pixels a side that a drawn pixel is averaged from
SHIFT_BITS = 4  # OpenCV's fixed-point fraction of coordinates


@dataclass(frozen=True)
class Drawn:
    """One digit as it was written.

    Attributes:
        label: 0..9.
        writer: 1..30.
        strokes: float32 (points, 2) each, x to the right and y down, in tablet units.
    """

    label: int
    writer: int
    strokes: tuple[np.ndarray, ...]


def read_unipen(path: Path) -> list[Drawn]:
    """Return the digits of a UNIPEN file (Guyon et al. 1994, doi:10.1109/ICPR.1994.576870).

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a line is not what the format expects; it is named.
    """
    digits: list[Drawn] = []
    label, writer = -1, 0
    strokes: list[np.ndarray] = []
    stroke: list[tuple[float, float]] | None = None
    for number, line in enumerate(path.read_text(encoding="ascii", errors="replace").splitlines(), 1):
        words = line.split()
        if not words:
            continue
        try:
            if words[0] == ".SEGMENT":
                if strokes:
                    digits.append(Drawn(label, writer, tuple(strokes)))
                label, strokes = int(words[-1].strip('"')), []
            elif words[0] == ".COMMENT" and len(words) >= 4 and words[1].isdigit():
                writer = int(words[2])
            elif words[0] == ".PEN_DOWN":
                stroke = []
            elif words[0] == ".PEN_UP" and stroke:
                strokes.append(np.array(stroke, np.float32))
                stroke = None
            elif stroke is not None and not words[0].startswith("."):
                # The tablet's y goes up, a picture's goes down.
                stroke.append((float(words[0]), -float(words[1])))
        except (ValueError, IndexError):
            raise ValueError(f"{path}, line {number}: {line!r} expected UNIPEN.") from None
    if strokes:
        digits.append(Drawn(label, writer, tuple(strokes)))
    return digits


def placed(strokes: tuple[np.ndarray, ...], box_px: float, left: float, top: float) -> list[np.ndarray]:
    """Return the strokes scaled so that their longer side is box_px, their box's corner at (left, top)."""
    points = np.concatenate(strokes)
    low = points.min(axis=0)
    scale = box_px / max(float(np.ptp(points, axis=0).max()), 1e-6)
    return [(stroke - low) * scale + np.array([left, top], np.float32) for stroke in strokes]


def smooth(stroke: np.ndarray, passes: int) -> np.ndarray:
    """Return the stroke with its corners cut, twice the points a pass (Chaikin 1974), ends kept."""
    for _ in range(passes):
        if len(stroke) < 3:
            break
        inner = np.stack(
            [0.75 * stroke[:-1] + 0.25 * stroke[1:], 0.25 * stroke[:-1] + 0.75 * stroke[1:]], axis=1
        )
        stroke = np.concatenate([stroke[:1], inner.reshape(-1, 2), stroke[-1:]])
    return stroke


def resampled(stroke: np.ndarray, step: float) -> np.ndarray:
    """Return the stroke with points about `step` apart, float32 (points, 2); that rounds its corners."""
    lengths = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(stroke, axis=0), axis=1))])
    if lengths[-1] <= step:
        return stroke
    at = np.linspace(0, lengths[-1], int(np.ceil(lengths[-1] / step)) + 1)
    columns = [np.interp(at, lengths, stroke[:, axis]) for axis in (0, 1)]
    return np.stack(columns, axis=1).astype(np.float32)


def rasterise(
    strokes: list[np.ndarray], size: tuple[int, int], pen_px: float, *, soft: bool = True
) -> np.ndarray:
    """Return how much of each pixel a round pen covers: float32 (height, width), 0..1.

    Args:
        strokes: float32 (points, 2) each, in pixels.
        size: width and height in pixels.
        pen_px: the pen's width in pixels; fractions count.
        soft: antialiased, as a canvas draws; otherwise every pixel is 0 or 1.
    """
    factor = SUBPIXELS if soft else 1
    width, height = size
    canvas: np.ndarray = np.zeros((height * factor, width * factor), np.uint8)
    pen = max(1, round(pen_px * factor))
    for stroke in strokes:
        points = np.rint(stroke * factor * 2**SHIFT_BITS).astype(np.int32).reshape(-1, 1, 2)
        if len(points) == 1:
            points = np.repeat(points, 2, axis=0)
        line = cv2.LINE_AA if soft else cv2.LINE_8
        cv2.polylines(
            canvas, [points], isClosed=False, color=255, thickness=pen, lineType=line, shift=SHIFT_BITS
        )
    if factor > 1:
        canvas = cv2.resize(canvas, size, interpolation=cv2.INTER_AREA)
    return canvas.astype(np.float32) / 255
