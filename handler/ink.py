"""RGBA pixels of photos, scans and the like -> how much ink lies where.

Paper is the smooth surface that most of the picture follows, and ink is how far a pixel lies from it, in
whichever direction most ink lies: so dark on light, light on dark and any colours are one case. The distance
is Euclidean in premultiplied RGBA. Drawings on an even sheet have a shorter way, `even_sheet.py`.
"""

import cv2
import numpy as np

from handler import paper
from handler.bad_image import BadImage, nothing_drawn
from handler.even_sheet import sheet_on_even_ground
from handler.edges import around_the_sheet, beside_the_sheet
from handler.rules import without_rules, inside_marks
from handler.emphasis import without_emphasis
from handler.marks import AROUND, FAINTEST, SPECK_SHARE, Ink, box_of, cut, find_marks, grown, in_picture

# The paper is fitted, and the drawing found, on a copy of at most this many pixels a side.
COARSE_SIDE_PX = 144
# Ink is measured on the drawing's box at four times the resolution that the network sees.
FINE_SIDE_PX = 80
# The norm of three Gaussian channels has its median at 1.54 sigma and 0.1 % of its mass beyond 4.03 sigma.
FLOOR_PER_MEDIAN = 4.03 / 1.54


def find_ink(pixels: np.ndarray) -> Ink:
    """Return the ink in the drawing's own box, the longer side at most FINE_SIDE_PX.

    Args:
        pixels: uint8 (height, width, 4), straight RGBA.

    Raises:
        BadImage: nothing is drawn.
    """
    box = sheet_on_even_ground(pixels)
    if box is not None:
        top, bottom, left, right = box
        try:
            ink = _find_ink(pixels[top:bottom, left:right])
            a, b, c, d = ink.shown
            return ink._replace(shown=(a + top, b + top, c + left, d + left))
        except BadImage:
            pass
    return _find_ink(pixels)


def _find_ink(pixels: np.ndarray) -> Ink:
    pixels = cv2.cvtColor(pixels, cv2.COLOR_RGBA2mRGBA)
    height, width = pixels.shape[:2]
    coarse = _reduced(pixels, COARSE_SIDE_PX)
    sheet, distance, marks = _distance(pixels, coarse)
    marks = without_emphasis(marks)
    if not marks.any():
        raise nothing_drawn()
    inner = grown(box_of(marks), marks.shape)
    shown = top, bottom, left, right = in_picture(inner, marks.shape, (0, height, 0, width))
    fine = _reduced(pixels[top:bottom, left:right], FINE_SIDE_PX)
    distance = sheet.distance(fine, (left / width, right / width, top / height, bottom / height))
    # The coarse marks say which strokes count.
    top, bottom, left, right = inner
    stroke = cv2.dilate(marks[top:bottom, left:right].astype(np.uint8), AROUND)
    stroke = cv2.resize(stroke, distance.shape[::-1], interpolation=cv2.INTER_NEAREST)
    around = distance[stroke == 0]
    floor = FLOOR_PER_MEDIAN * float(np.median(around)) if around.size else 0.0
    distance = np.maximum(distance * stroke - floor, 0)
    ink = cut(np.minimum(distance / np.maximum(_strength(distance), FAINTEST / 2), 1), shown)
    if not ink.cover.size:
        raise nothing_drawn()
    return ink


def _distance(pixels, coarse: np.ndarray) -> tuple[paper.Paper, np.ndarray]:
    sheet = paper.find_paper(coarse)
    distance = sheet.distance(coarse)
    outside = None
    for _ in range(4):
        new = None
        for sign in (1, -1):
            seen = distance if sign == 1 else sheet.distance(coarse, sign=sign)
            if outside is not None:
                seen[outside] = 0
            marks = find_marks(seen, FLOOR_PER_MEDIAN * sheet.noise, 0.0)
            new = beside_the_sheet(marks, outside)
            if new is None and outside is None:
                new = around_the_sheet(seen, marks)
            if new is not None:
                break
        if new is None:
            break
        new = cv2.dilate(new.view(np.uint8), np.ones((5, 5), np.uint8)).view(bool)
        new = new if outside is None else outside | new
        if new.mean() > 0.9:
            break
        outside = new
        coarse = _covered(coarse, outside)
        sheet = paper.find_paper(coarse)
        distance = sheet.distance(coarse)
        distance[outside] = 0
    if not _is_ruled(distance, sheet.noise):
        return sheet, distance, find_marks(distance, FLOOR_PER_MEDIAN * sheet.noise, SPECK_SHARE)
    larger = _reduced(pixels, 2 * COARSE_SIDE_PX)
    distance = sheet.distance(larger)
    if outside is not None:
        distance[cv2.resize(outside.view(np.uint8), distance.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0] = 0
    noise = max(sheet.noise, 1e-3)
    ruled = without_rules(distance, _low(distance, sheet.noise))
    if ruled is None: ruled = distance
    marks = find_marks(ruled, FLOOR_PER_MEDIAN * sheet.noise, SPECK_SHARE)
    return sheet, ruled, inside_marks(marks)


def _low(distance, noise):
    return max(0.12 * float(np.quantile(distance, 0.998)), FLOOR_PER_MEDIAN * noise, FAINTEST / 2)


def _is_ruled(distance, noise):
    return without_rules(distance, _low(distance, noise)) is not None


def _covered(pixels: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """Return the pixels with the sheet's nearest ones where it does not lie."""
    _, nearest = cv2.distanceTransformWithLabels(
        outside.view(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    sources = np.zeros((int(nearest.max()) + 1, pixels.shape[2]), np.float32)
    sources[nearest[~outside]] = pixels[~outside]
    return sources[nearest]


def _reduced(pixels: np.ndarray, side_px: int) -> np.ndarray:
    """Return float32 pixels of 0..1, averaged down to at most side_px on the longer side."""
    height, width = pixels.shape[:2]
    factor = max(height, width) / side_px
    if factor > 1:
        size = (max(1, round(width / factor)), max(1, round(height / factor)))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return pixels.astype(np.float32) / 255


def _strength(distance: np.ndarray) -> np.ndarray:
    """Return the distance that full ink has around each pixel: float32 (height, width).

    A shadow weakens ink together with its paper, and a felt pen fades: so the strength is local, the mean
    of the ink weighted by its own square, over a third of the drawing.
    """
    sigma = max(distance.shape) / 3
    # Weights this smooth need no full resolution; a line of two pixels has no quarter.
    small = distance
    if sigma > 20 and min(distance.shape) > 2:
        small = cv2.resize(distance, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    ratio = small.shape[1] / distance.shape[1]
    weight = cv2.GaussianBlur(small**2, (0, 0), sigma * ratio)
    value = cv2.GaussianBlur(small**3, (0, 0), sigma * ratio)
    local = value / np.maximum(weight, 1e-12)
    return cv2.resize(local, distance.shape[::-1], interpolation=cv2.INTER_LINEAR)
