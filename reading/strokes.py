"""The strokes of a pen, as JSON -> the ink that each lays down."""

import json
from typing import Any, NamedTuple

import cv2
import numpy as np

from reading.parts import Part, cut_out
from reading.piece import NoNumber, nothing_drawn
from system import json_bodies

ACCEPTED = 'send {"strokes": [[[x, y], ...], ...], "width": <pen width>}, finite numbers in one unit'
MOST_STROKES, MOST_POINTS = 256, 20_000
# The map's size: the whole at most so wide or high, and one row of digits about so high.
MAP_SIDE_PX, ROW_PX = 1000, 200
# The pen's width where none is named, of the height of the drawing; and its bounds.
PEN_SHARE, THINNEST_PX, WIDEST_SHARE = 0.06, 1.0, 0.4
SHIFT_BITS = 4  # OpenCV's fixed-point fraction of coordinates


class Strokes(NamedTuple):
    """What a pen wrote.

    Attributes:
        strokes: float32 (points, 2) each, x to the right and y down.
        width: the pen's, in the same unit; None where it is not known.
    """

    strokes: list[np.ndarray]
    width: float | None


def read_strokes(payload: bytes) -> Strokes | None:
    """Return the strokes in a JSON body, or None where it is something else.

    Raises:
        NoNumber: it names strokes that are none, or no stroke.
    """
    # Text in UTF-16, as PowerShell writes it, has noughts between these letters.
    if not json_bodies.BEGINNING.match(payload) or b'"strokes"' not in payload.replace(b"\0", b""):
        return None
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError):
        raise NoNumber(f"The body starts like JSON but is not valid JSON: {ACCEPTED}.") from None
    if "strokes" not in body:
        return None
    return Strokes(_strokes(body.get("strokes")), _width(body.get("width")))


def _strokes(value: Any) -> list[np.ndarray]:
    if not isinstance(value, list):
        raise NoNumber(f"'strokes' is not an array: {ACCEPTED}.")
    try:
        strokes = [np.array(stroke, np.float64) for stroke in value if stroke != []]
    except (ValueError, TypeError, OverflowError):
        raise NoNumber(f"A stroke is not an array of points: {ACCEPTED}.") from None
    count = sum(len(stroke) if stroke.ndim else 1 for stroke in strokes)
    if len(strokes) > MOST_STROKES or count > MOST_POINTS:
        raise NoNumber(
            f"The body has {len(strokes):,} strokes of {count:,} points; at most {MOST_STROKES} and "
            f"{MOST_POINTS:,} are accepted."
        )
    for stroke in strokes:
        if (
            stroke.ndim != 2
            or stroke.shape[1] != 2
            or not np.isfinite(stroke).all()
            or np.abs(stroke).max() > 1e6
        ):
            raise NoNumber(
                f"A stroke is not an array of points, or a number is beyond a million: {ACCEPTED}."
            )
    if not strokes:
        raise nothing_drawn()
    return [stroke.astype(np.float32) for stroke in strokes]


def _width(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        raise NoNumber(f"'width' is {str(value)[:20]!r}, but must be a number above 0: {ACCEPTED}.")
    return float(value)


def laid_down(written: Strokes) -> tuple[list[Part], float, tuple[float, float]]:
    """Return each stroke's ink, the units to a pixel of their map, and its upper left corner's place."""
    points = np.concatenate(written.strokes)
    low, span = points.min(axis=0), np.ptp(points, axis=0)
    pen = written.width or PEN_SHARE * float(span[1])
    size = span + max(pen, float(span.max()) / MAP_SIDE_PX, 1e-6)
    to_px = min(MAP_SIDE_PX / float(size.max()), ROW_PX / float(size[1]))
    pen_px = float(np.clip(pen * to_px, THINNEST_PX, WIDEST_SHARE * ROW_PX))
    margin = pen_px / 2 + 2
    width, height = (int(value) for value in np.ceil(size * to_px + 2 * margin))
    parts = []
    for stroke in written.strokes:
        at = np.rint(((stroke - low) * to_px + margin) * 2**SHIFT_BITS).astype(np.int32).reshape(-1, 1, 2)
        ink = np.zeros((height, width), np.uint8)
        cv2.polylines(
            ink, [np.repeat(at, 2, axis=0) if len(at) == 1 else at], isClosed=False, color=255,
            thickness=max(1, round(pen_px)), lineType=cv2.LINE_AA, shift=SHIFT_BITS,
        )  # fmt: skip
        part = cut_out(ink)
        if part is not None:
            parts.append(part)
    left, top = (float(value) for value in low - margin / to_px)
    return parts, 1 / to_px, (left, top)
