"""RGBA pixels of photos, scans and the like -> how much ink lies where.

Paper is the smooth surface that most of the picture follows, and ink is how far a pixel lies from it, in
whichever direction most ink lies: so dark on light, light on dark and any colours are one case. The distance
is Euclidean in premultiplied RGBA. Drawings on an even sheet have a shorter way, `even_sheet.py`. Where there
may be more than a drawing, `writing.py` tells what is one.
"""

import cv2
import numpy as np

from handler.bad_image import nothing_drawn
from handler.emphasis import without_emphasis
from handler.marks import (
    AROUND,
    FAINTEST,
    SPECK_SHARE,
    Ink,
    box_of,
    cut,
    find_marks,
    grown,
    in_picture,
)
from handler.one_drawing import LEAST_SIDE_PX, is_one_drawing
from handler.paper import COARSE_SIDE_PX, FLOOR_PER_MEDIAN, Paper, border_paper, find_paper
from handler.writing import writing_on

# Ink is measured on the drawing's box at four times the resolution that the network sees.
FINE_SIDE_PX = 80
# A pen so wide that it has the majority around it is taken for paper. Of the strokes on smooth light, more
# than LOST_SHARE are then less than FADED times as far from the paper as they are from that light.
LOST_SHARE, FADED = 0.05, 0.5
# Beside marks, the colours of paper are farther apart than so many times the marks are from it where a sheet
# ends: near its edge strokes are lost, and what is marked may be a shadow that ends there, too.
MOST_STEP = 1.3


def find_ink(pixels: np.ndarray) -> Ink:
    """Return the ink in the drawing's own box, the longer side at most FINE_SIDE_PX or that of `writing.py`.

    Args:
        pixels: uint8 (height, width, 4), straight RGBA.

    Raises:
        BadImage: nothing is drawn.
    """
    premultiplied = cv2.cvtColor(pixels, cv2.COLOR_RGBA2mRGBA)
    coarse = _reduced(premultiplied, COARSE_SIDE_PX)
    sheet, smooth = find_paper(coarse), border_paper(coarse)
    if smooth is not None and _loses_ink(sheet, smooth, coarse):
        sheet = smooth
    marks = _marks(sheet, coarse)
    is_drawing = min(pixels.shape[:2]) < LEAST_SIDE_PX or (
        _is_drawing(marks, coarse) and not _is_at_an_edge(marks, sheet, coarse)
    )
    ink = None if is_drawing else writing_on(pixels)
    if ink is None and marks.any():
        ink = _measured(premultiplied, sheet, marks)
    if ink is None or not ink.cover.size:
        raise nothing_drawn()
    return ink


def _marks(sheet: Paper, coarse: np.ndarray) -> np.ndarray:
    """Return where strokes are on the paper, what sets them off left out: bool (rows, columns)."""
    marks = find_marks(sheet.distance(coarse), FLOOR_PER_MEDIAN * sheet.noise, SPECK_SHARE)
    return without_emphasis(marks)


def _loses_ink(sheet: Paper, smooth: Paper, coarse: np.ndarray) -> bool:
    """Tell whether a sheet has the colour of a wide pen in it, where smooth light has a drawing on it.

    Args:
        sheet: the paper as the median has it.
        smooth: the paper as the border has it.
        coarse: float32 (rows, columns, 4), the picture.
    """
    if not sheet.is_elsewhere(smooth):
        return False
    marks = _marks(smooth, coarse)
    faded = sheet.distance(coarse)[marks] < FADED * smooth.distance(coarse)[marks]
    return bool(faded.sum() > LOST_SHARE * faded.size) and _is_drawing(marks, coarse)


def _is_drawing(marks: np.ndarray, coarse: np.ndarray) -> bool:
    """Tell whether marks are one drawing and nothing else.

    Args:
        marks: bool (rows, columns), a map of the whole picture.
        coarse: float32 (rows, columns, 4), the picture.
    """
    whole = (0, marks.shape[0], 0, marks.shape[1])
    is_one = cv2.connectedComponents(marks.view(np.uint8))[0] == 2
    return is_one and is_one_drawing(marks, 1, whole, marks.shape, coarse)


def _is_at_an_edge(marks: np.ndarray, sheet: Paper, coarse: np.ndarray) -> bool:
    """Tell whether a sheet ends beside marks.

    Args:
        marks: bool (rows, columns), a map of the whole picture.
        sheet: the paper below them.
        coarse: float32 (rows, columns, 4), the picture.
    """
    return sheet.step(marks) > MOST_STEP * float(np.median(sheet.distance(coarse)[marks]))


def _measured(pixels: np.ndarray, sheet: Paper, marks: np.ndarray) -> Ink:
    """Return the ink of the strokes that are marked.

    Args:
        pixels: uint8 (height, width, 4), premultiplied RGBA.
        sheet: the paper below them.
        marks: bool (rows, columns), a map of the whole picture.
    """
    height, width = pixels.shape[:2]
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
    return cut(np.minimum(distance / np.maximum(_strength(distance), FAINTEST / 2), 1), shown)


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
