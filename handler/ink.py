"""Premultiplied RGBA pixels -> how much ink lies where.

One rule serves dark on light, light on dark, any colours, transparency and uneven light: paper is the
smooth surface that most of the picture follows, and ink is how far a pixel lies from it. The distance
is Euclidean in premultiplied RGBA, so ink on transparent paper differs by its alpha alone, and on which
side of the paper the ink lies does not matter.
"""

import cv2
import numpy as np

from handler import paper
from handler.bad_image import nothing_drawn

# The paper is fitted, and the drawing found, on a copy of at most this many pixels a side.
COARSE_SIDE_PX = 144
# Ink is measured on the drawing's box at four times the resolution that the network sees.
FINE_SIDE_PX = 80
# Nothing fainter is a drawing: 8 of 255 grey levels in each of three colours.
FAINTEST = 8 * 3**0.5 / 255
# As shares of the ink's strength: what belongs to a stroke, and what a stroke must reach somewhere.
EDGE_SHARE = 0.15
PEAK_SHARE = 0.35
# A mark with less than this share of the largest mark's ink is a speck (dust, JPEG noise, a stray dot).
SPECK_SHARE = 0.03
# The norm of three Gaussian channels has its median at 1.54 sigma and 0.1 % of its mass beyond 4.03 sigma.
FLOOR_PER_MEDIAN = 4.03 / 1.54


def find_ink(pixels: np.ndarray) -> np.ndarray:
    """Give the ink in the drawing's own box: float32 (height, width), 0 = paper .. 1 = full ink.

    The longer side is at most FINE_SIDE_PX; the outermost rows and columns hold ink.

    Args:
        pixels: uint8 (height, width, 4), premultiplied RGBA.

    Raises:
        BadImage: nothing is drawn.
    """
    height, width = pixels.shape[:2]
    coarse = _reduced(pixels, COARSE_SIDE_PX)
    sheet = paper.find_paper(coarse)
    marks = _marks(sheet.distance(coarse), FLOOR_PER_MEDIAN * sheet.noise)
    if not marks.any():
        raise nothing_drawn()
    top, bottom, left, right = _grown(_box(marks), marks.shape)
    y_scale, x_scale = height / marks.shape[0], width / marks.shape[1]
    rows = slice(round(top * y_scale), round(bottom * y_scale))
    columns = slice(round(left * x_scale), round(right * x_scale))
    fine = _reduced(pixels[rows, columns], FINE_SIDE_PX)
    distance = sheet.distance(
        fine, (columns.start / width, columns.stop / width, rows.start / height, rows.stop / height)
    )
    # The coarse marks, one pixel fatter so that their soft edges stay, say which strokes count.
    stroke = cv2.dilate(marks[top:bottom, left:right].astype(np.uint8), np.ones((3, 3), np.uint8))
    stroke = cv2.resize(stroke, distance.shape[::-1], interpolation=cv2.INTER_NEAREST)
    around = distance[stroke == 0]
    floor = FLOOR_PER_MEDIAN * float(np.median(around)) if around.size else 0.0
    distance = np.maximum(distance * stroke - floor, 0)
    ink = np.minimum(distance / np.maximum(_strength(distance), FAINTEST / 2), 1)
    if not (ink >= EDGE_SHARE).any():
        raise nothing_drawn()
    top, bottom, left, right = _box(ink >= EDGE_SHARE)
    return ink[top:bottom, left:right]


def _reduced(pixels: np.ndarray, side_px: int) -> np.ndarray:
    """Give float32 pixels of 0..1, averaged down to at most side_px on the longer side."""
    height, width = pixels.shape[:2]
    factor = max(height, width) / side_px
    if factor > 1:
        size = (max(1, round(width / factor)), max(1, round(height / factor)))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return pixels.astype(np.float32) / 255


def _marks(distance: np.ndarray, floor: float) -> np.ndarray:
    """Give where strokes are: bool (height, width), specks left out.

    Hysteresis as in Canny's edge detector: connected pixels above a low threshold that somewhere reach a
    high one.

    Args:
        distance: float32 (height, width), distance from the paper.
        floor: what noise alone can reach.
    """
    strongest = np.partition(distance, -4, axis=None)[-4:].mean() if distance.size >= 4 else 0.0
    peak = max(PEAK_SHARE * strongest, 1.5 * floor, FAINTEST)
    low = np.maximum(distance - max(EDGE_SHARE * strongest, floor, FAINTEST / 2), 0)
    count, label = cv2.connectedComponents((low > 0).astype(np.uint8), connectivity=8)
    amount = np.bincount(label.ravel(), weights=low.ravel(), minlength=count)
    reaches = np.bincount(label.ravel(), weights=(distance >= peak).ravel(), minlength=count) > 0
    amount[~reaches] = 0
    amount[0] = 0
    kept = (amount > 0) & (amount >= SPECK_SHARE * amount.max())
    return kept[label]


def _strength(distance: np.ndarray) -> np.ndarray:
    """Give the distance that full ink has around each pixel: float32 (height, width).

    A shadow weakens ink together with its paper, and a felt pen fades: so the strength is local, the mean
    of the ink weighted by its own square, over a third of the drawing.
    """
    sigma = max(distance.shape) / 3
    # Weights this smooth need no full resolution.
    small = (
        cv2.resize(distance, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA) if sigma > 20 else distance
    )
    ratio = small.shape[1] / distance.shape[1]
    weight = cv2.GaussianBlur(small**2, (0, 0), sigma * ratio)
    value = cv2.GaussianBlur(small**3, (0, 0), sigma * ratio)
    local = value / np.maximum(weight, 1e-12)
    return cv2.resize(local, distance.shape[::-1], interpolation=cv2.INTER_LINEAR)


def _box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Give the box of a mask's true pixels: top, bottom, left, right; the ends are exclusive."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _grown(box: tuple[int, int, int, int], shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Give the box with two pixels more on each side, inside the picture."""
    top, bottom, left, right = box
    return max(top - 2, 0), min(bottom + 2, shape[0]), max(left - 2, 0), min(right + 2, shape[1])
