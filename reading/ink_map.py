"""A picture of a number -> where its ink is, by the preprocessing that single digits go through."""

from typing import NamedTuple

import cv2
import numpy as np

from handler.marks import AROUND, SPECK_SHARE, find_marks
from handler.paper import COARSE_SIDE_PX, FLOOR_PER_MEDIAN, SHEET_SIDE_PX, find_paper
from reading.piece import nothing_drawn, too_long

# The longer side of the map: of 16 digits, each still has as many pixels as a digit's ink is measured with.
MAP_SIDE_PX = 1024
# Of a strip longer than this many times its width the map of the paper has two rows: ink has the majority.
STRIP = SHEET_SIDE_PX / 2.5


class InkMap(NamedTuple):
    """The ink of a picture.

    Attributes:
        cover: uint8 (height, width), 0 = paper .. 255 = the strongest ink; 0 away from strokes.
        marks: bool of the same shape, where strokes are.
        scale: pixels of the picture to one of the map, 1 or more.
    """

    cover: np.ndarray
    marks: np.ndarray
    scale: float


def find_ink_map(pixels: np.ndarray) -> InkMap:
    """Return the ink of decoded pixels, uint8 (height, width, 4), straight RGBA.

    Raises:
        NoNumber: nothing is drawn, or nothing that is told from paper.
    """
    pixels = cv2.cvtColor(pixels, cv2.COLOR_RGBA2mRGBA)
    scale = max(1.0, max(pixels.shape[:2]) / MAP_SIDE_PX)
    sheet = find_paper(_reduced(pixels, COARSE_SIDE_PX))
    distance = sheet.distance(_reduced(pixels, MAP_SIDE_PX))
    # On the coarse copy noise is averaged out.
    floor = FLOOR_PER_MEDIAN * max(sheet.noise, float(np.median(distance)))
    marks = find_marks(distance, floor, SPECK_SHARE)
    if not marks.any():
        times = max(pixels.shape[:2]) / min(pixels.shape[:2])
        raise too_long(times) if times > STRIP else nothing_drawn()
    soft = cv2.dilate(marks.view(np.uint8), AROUND)
    ink = np.maximum(distance - floor, 0) * soft
    strongest = max(float(np.quantile(ink[marks], 0.95)), 1e-6)
    return InkMap(np.rint(np.minimum(ink / strongest, 1) * 255).astype(np.uint8), marks, scale)


def _reduced(pixels: np.ndarray, side_px: int) -> np.ndarray:
    """Return float32 pixels of 0..1, averaged down to at most side_px on the longer side."""
    height, width = pixels.shape[:2]
    factor = max(height, width) / side_px
    if factor > 1:
        size = (max(1, round(width / factor)), max(1, round(height / factor)))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return pixels.astype(np.float32) / 255
