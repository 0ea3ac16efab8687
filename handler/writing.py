"""Writing among other things -> how much ink lies where: on ruled paper, in a box, on a desk, beside an edge.

A small network tells what somebody wrote from what it was written on, by its looks and by what is around it:
a U-Net (Ronneberger et al. 2015, arXiv:1505.04597) that gives for every pixel how much of it the pen covers.
`training.writing` trains it. It looks at the whole picture, and at small writing once more from nearby.
"""

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

from handler.marks import AROUND, Box, Ink, box_of, cut, grown, in_picture
from handler.provider import session

FILE = Path(__file__).with_name("writing.onnx")
# The network's frames: the longer side, and what both sides are multiples of, as it halves them four times.
SIDE_PX, STEP_PX = 192, 16
# A pixel is the pen's from this cover on. A mark with less ink than this share of the largest one's is a bit
# of a line: a five's bar has a fifth. At the picture's border, from which lines come, it may have more.
PEN_SHARE, BIT_SHARE, CUT_BIT_SHARE = 0.5, 0.08, 0.3
# Writing whose longer side is less than this share of the picture's is looked at from nearby, with so much
# around it, of its longer side.
SMALL_SHARE, AROUND_SHARE = 0.33, 0.5
# So far, in cells of the nearby look, the first one may have been wrong.
NEAR = np.ones((9, 9), np.uint8)
# Behind what is transparent: black and white pens stand out alike.
GRAY = 128


def writing_on(pixels: np.ndarray) -> Ink | None:
    """Return the ink of what is written on a picture, in its own box; None where the network sees nothing.

    Args:
        pixels: uint8 (height, width, 4), straight RGBA.
    """
    height, width = pixels.shape[:2]
    picture = laid_on_gray(pixels)
    shown = (0, height, 0, width)
    cover = cover_of(picture)
    if (marks := _marks(cover)) is None:
        return None
    box = in_picture(box_of(marks), marks.shape, shown)
    longer = max(box[1] - box[0], box[3] - box[2])
    if longer < SMALL_SHARE * max(height, width):
        nearby = _around(box, 1 + round(AROUND_SHARE * longer), shown)
        closer = cover_of(_part(picture, nearby)) * _seen_from_nearby(marks, shown, nearby)
        if (found := _marks(closer)) is not None:
            cover, marks, shown = closer, found, nearby
    inner = top, bottom, left, right = grown(box_of(marks), marks.shape)
    pen = cover * cv2.dilate(marks.view(np.uint8), AROUND)
    ink = cut(pen[top:bottom, left:right], in_picture(inner, marks.shape, shown))
    return ink if ink.cover.size else None


def laid_on_gray(pixels: np.ndarray) -> np.ndarray:
    """Return straight RGBA, uint8 (height, width, 4), as RGB, uint8 (height, width, 3)."""
    if pixels[..., 3].min() == 255:
        return np.ascontiguousarray(pixels[..., :3])
    alpha = pixels[..., 3:].astype(np.float32) / 255
    return np.rint(GRAY + alpha * (pixels[..., :3] - np.float32(GRAY))).astype(np.uint8)


def sized(picture: np.ndarray) -> np.ndarray:
    """Return a picture, uint8 (height, width, ...), as large as the network reads it."""
    height, width = picture.shape[:2]
    scale = SIDE_PX / max(height, width)
    rows, columns = (max(STEP_PX, STEP_PX * round(side * scale / STEP_PX)) for side in (height, width))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(picture, (columns, rows), interpolation=way)


def cover_of(picture: np.ndarray) -> np.ndarray:
    """Return how much of each pixel the pen covers: float32 (rows, columns), 0..1, of the picture as `sized`.

    Args:
        picture: uint8 (height, width, 3), RGB.
    """
    return np.asarray(network().run(None, {"pictures": sized(picture)[None]})[0][0], np.float32)


@cache
def network() -> onnxruntime.InferenceSession:
    """Return the network, loaded once a process; one that is forked from it has it, too."""
    return session(FILE)


def _marks(cover: np.ndarray) -> np.ndarray | None:
    """Return where the pen was, bool (rows, columns), without bits of lines; None where it was nowhere."""
    pen = (cover >= PEN_SHARE).view(np.uint8)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(pen)
    if count == 1:
        return None
    left, top, width, height, _ = boxes.T
    amounts = np.bincount(labels.ravel(), cover.ravel())
    amounts[0] = 0
    is_inside = (left > 0) & (top > 0) & (left + width < pen.shape[1]) & (top + height < pen.shape[0])
    kept = (amounts >= BIT_SHARE * amounts.max()) & (is_inside | (amounts >= CUT_BIT_SHARE * amounts.max()))
    return kept[labels]


def _around(box: Box, more: int, shown: Box) -> Box:
    """Return the box with so many pixels more on each side, inside the picture."""
    top, bottom, left, right = box
    return max(top - more, 0), min(bottom + more, shown[1]), max(left - more, 0), min(right + more, shown[3])


def _part(picture: np.ndarray, box: Box) -> np.ndarray:
    top, bottom, left, right = box
    return np.ascontiguousarray(picture[top:bottom, left:right])


def _seen_from_nearby(marks: np.ndarray, shown: Box, nearby: Box) -> np.ndarray:
    """Return the marks of the whole picture on the map of a part of it: float32 (rows, columns), 0 or 1."""
    full = cv2.resize(marks.view(np.uint8), (shown[3], shown[1]), interpolation=cv2.INTER_NEAREST)
    return cv2.dilate(sized(_part(full, nearby) * np.uint8(255)), NEAR) > 0
