"""RGBA pixels of photos, scans and the like -> how much ink lies where.

Paper is the smooth surface that most of the picture follows, and ink is how far a pixel lies from it, in
whichever direction most ink lies: so dark on light, light on dark and any colours are one case. The distance
is Euclidean in premultiplied RGBA. Drawings on an even sheet have a shorter way, `even_sheet.py`.
"""

import cv2
import numpy as np

from handler.bad_image import nothing_drawn
from handler.edges import around_the_sheet, beside_the_sheet
from handler.emphasis import without_emphasis
from handler.even_sheet import sheet_on_even_ground
from handler.marks import AROUND, FAINTEST, SPECK_SHARE, Ink, box_of, cut, find_marks, grown, in_picture
from handler.paper import Paper, find_paper
from handler.rules import inside, without_rules

# The paper is fitted, and the drawing found, on a copy of at most this many pixels a side; on ruled paper,
# the drawing on a larger one.
COARSE_SIDE_PX, RULED_SIDE_PX = 144, 288
# Ink is measured on the drawing's box at four times the resolution that the network sees.
FINE_SIDE_PX = 80
# How often what lies beside the sheet is looked for: once it is covered, more of it can stand out.
PASSES = 4
# How wide its soft edge is, in cells around it, and how much of the picture it can be.
EDGE, MOST_OUTSIDE = np.ones((5, 5), np.uint8), 0.9
# The norm of three Gaussian channels has its median at 1.54 sigma and 0.1 % of its mass beyond 4.03 sigma.
FLOOR_PER_MEDIAN = 4.03 / 1.54
# The same of its lower quartile, 1.10 sigma.
FLOOR_PER_QUARTILE = 4.03 / 1.10


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
        ink = _ink_on(pixels[top:bottom, left:right])
        if ink is not None:
            above, below, before, after = ink.shown
            return ink._replace(shown=(above + top, below + top, before + left, after + left))
    ink = _ink_on(pixels)
    if ink is None:
        raise nothing_drawn()
    return ink


def _ink_on(pixels: np.ndarray) -> Ink | None:
    """Return the ink as `find_ink` does, and None where nothing is drawn."""
    pixels = cv2.cvtColor(pixels, cv2.COLOR_RGBA2mRGBA)
    height, width = pixels.shape[:2]
    sheet, marks = _strokes(pixels)
    if not marks.any():
        return None
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
    return ink if ink.cover.size else None


def _strokes(pixels: np.ndarray) -> tuple[Paper, np.ndarray]:
    """Return the paper, and where strokes are on it: bool (rows, columns), a map of the whole picture.

    Args:
        pixels: uint8 (height, width, 4), premultiplied RGBA.
    """
    sheet, distance, outside = _sheet(_reduced(pixels, COARSE_SIDE_PX))
    quiet = FLOOR_PER_QUARTILE * sheet.quiet
    if without_rules(distance, quiet) is not None:
        # Next to a thin line a thin stroke needs more cells.
        finer = sheet.distance(_reduced(pixels, RULED_SIDE_PX))
        finer[cv2.resize(outside.view(np.uint8), finer.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0] = 0
        cleaned = without_rules(finer, quiet)
        if cleaned is not None:
            return sheet, without_emphasis(inside(find_marks(cleaned, quiet, SPECK_SHARE)))
    return sheet, without_emphasis(find_marks(distance, FLOOR_PER_MEDIAN * sheet.noise, SPECK_SHARE))


def _sheet(coarse: np.ndarray) -> tuple[Paper, np.ndarray, np.ndarray]:
    """Return the paper, how far each cell lies from it, and where the sheet does not lie.

    What lies there counts as paper: it is covered with the sheet's colours, and the paper fitted anew.

    Args:
        coarse: float32 (rows, columns, 4), premultiplied RGBA, 0..1.

    Returns:
        The paper; float32 (rows, columns), 0..2; bool (rows, columns).
    """
    outside = np.zeros(coarse.shape[:2], bool)
    for _ in range(PASSES):
        sheet = find_paper(coarse)
        distance = sheet.distance(coarse) * ~outside
        found = _outside(distance, sheet, outside)
        if found is None:
            # What lies beside the sheet may be lighter than it while ink is darker.
            found = _outside(sheet.distance(coarse, is_opposite=True) * ~outside, sheet, outside)
        if found is None or (found | outside).mean() > MOST_OUTSIDE:
            break
        outside |= found
        coarse = _covered(coarse, outside)
    return sheet, distance, outside


def _outside(distance: np.ndarray, sheet: Paper, known: np.ndarray) -> np.ndarray | None:
    """Return what lies outside the sheet, with its soft edge: bool (rows, columns); None for nothing new."""
    marks = find_marks(distance, FLOOR_PER_MEDIAN * sheet.noise, 0.0)
    found = beside_the_sheet(marks, known)
    if found is None and not known.any():
        found = around_the_sheet(distance, marks)
    return None if found is None else cv2.dilate(found.view(np.uint8), EDGE).view(bool)


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
