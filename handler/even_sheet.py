"""Ink on an even sheet, as drawing programs make it: the hot path of preprocessing.

Paper is then one exact colour, and most of the picture is paper: every step looks only at the pixels that
differ from it. Photos, and whatever else lies on no one colour, go through `paper.py` and `ink.py`.
"""

import cv2
import numpy as np

from handler.bad_image import nothing_drawn
from handler.edges import around_the_sheet, beside_the_sheet
from handler.emphasis import without_emphasis
from handler.even_cells import distances_on, find_sheet, ink_of
from handler.marks import (
    AROUND,
    FAINTEST,
    SPECK_SHARE,
    Box,
    Ink,
    box_of,
    count_marks,
    cut,
    find_marks,
    grown,
    in_picture,
)
from handler.rules import without_rules

# If this share of the picture has one colour exactly, and most of its border has it, too, that is an even
# sheet; strokes may fill the rest.
EVEN_SHARE = 0.25
# Unless what differs is too wide for a stroke: then it is a shadow on evenly lit paper. As a share of the
# longer side of what differs, from its edge to its middle; bold MNIST digits reach 0.25.
WIDEST_STROKE = 0.26
# What differs: cells with this share of the largest distance.
DIFFERENT_SHARE = 0.25
# A speck makes the box that is looked at too large, and the drawing in it too coarse: how often the box is
# drawn anew without specks, and below which share of its longer side.
PASSES = 3
SHRUNK_SHARE = 0.9
# What covers more of its box than this may be a sheet itself.
FILLED_SHARE = 0.6
# Where the box does not reach the picture's border, there is so much paper at least.
BEYOND_CELLS = 4
# On fewer cells nothing wide can be told from a stroke.
FEWEST_CELLS = 16


def ink_on_even_sheet(pixels: np.ndarray) -> Ink | None:
    """Return the ink in the drawing's own box, as `distances_on` has it; None on an uneven sheet.

    Args:
        pixels: uint8 (height, width, 4), straight RGBA.

    Raises:
        BadImage: nothing is drawn.
    """
    # Compiled code is made for one kind of array: contiguous and writable.
    packed = np.require(pixels, requirements=["C", "W"]).view(np.uint32)[..., 0]
    found = find_sheet(packed)
    colour, box, equal = found[0], found[1:5], found[5]
    if colour < 0 or equal < EVEN_SHARE * packed.size:
        return None
    if not any(box):
        raise nothing_drawn()
    for attempt in range(1, PASSES + 1):
        distance = distances_on(packed, np.uint32(colour), *box)
        if attempt == 1 and not _are_strokes(distance):
            return None
        marks, count = count_marks(distance, 0.0, SPECK_SHARE)
        if attempt == 1 and (_is_sheet(distance) or _is_beside_something(distance, box, packed.shape)):
            return None
        strokes = without_emphasis(marks) if count > 1 else marks
        is_set_off, marks = strokes is not marks, strokes
        inner = top, bottom, left, right = box_of(marks)
        if not any(inner):
            raise nothing_drawn()
        is_whole = max(bottom - top, right - left) >= SHRUNK_SHARE * max(marks.shape)
        # In a smaller box, what is left of a frame would not be told from strokes.
        if is_whole or is_set_off or attempt == PASSES:
            break
        box = in_picture(grown(inner, marks.shape), marks.shape, box)
    ink = ink_of(distance, cv2.dilate(marks.view(np.uint8), AROUND), FAINTEST / 2)
    return cut(ink, box)


def sheet_on_even_ground(pixels: np.ndarray) -> Box | None:
    """Return the box of a sheet with a drawing that lies on one colour exactly; None where there is none."""
    packed = np.require(pixels, requirements=["C", "W"]).view(np.uint32)[..., 0]
    colour, *box, _ = find_sheet(packed)
    if colour < 0 or not any(box):
        return None
    distance = distances_on(packed, np.uint32(colour), *box)
    return tuple(box) if _is_sheet(distance) else None


def _is_sheet(distance: np.ndarray) -> bool:
    """Tell whether what differs from the paper is a sheet with a drawing of its own."""
    if np.count_nonzero(distance > FAINTEST) < FILLED_SHARE * distance.size:
        return False
    marks = distance > np.median(distance) / 2
    return min(marks.shape) >= FEWEST_CELLS and around_the_sheet(distance, marks) is not None


def _is_beside_something(distance: np.ndarray, box: Box, shape: tuple[int, int]) -> bool:
    """Tell whether something beside the sheet reaches into the picture, or a line runs across it."""
    top, bottom, left, right = box
    if top and bottom < shape[0] and left and right < shape[1]:
        return False
    # Where the box does not reach the border, its marks do not touch it.
    beyond = (
        (BEYOND_CELLS * (top > 0), BEYOND_CELLS * (bottom < shape[0])),
        (BEYOND_CELLS * (left > 0), BEYOND_CELLS * (right < shape[1])),
    )
    distance = np.pad(distance, beyond)
    marks = find_marks(distance, 0.0, 0.0)
    if beside_the_sheet(marks, np.zeros(marks.shape, bool)) is not None:
        return True
    return (0, 0) in beyond and without_rules(distance, 0.0) is not None


def _are_strokes(distance: np.ndarray) -> bool:
    """Tell whether what lies far from the paper, float32 (rows, columns), is narrow enough for strokes."""
    different = (distance > DIFFERENT_SHARE * distance.max()).view(np.uint8)
    _, _, width, height = cv2.boundingRect(different)
    # On a few cells a stroke cannot be told from a blob.
    if max(width, height) < 16:
        return True
    return bool(cv2.distanceTransform(different, cv2.DIST_L2, 3).max() <= WIDEST_STROKE * max(width, height))
