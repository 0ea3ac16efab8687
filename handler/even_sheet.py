"""Ink on an even sheet, as drawing programs make it: the hot path of preprocessing.

Paper is then one exact colour, and most of the picture is paper: every step looks only at the pixels that
differ from it. Photos, and whatever else lies on no one colour, go through `paper.py` and `ink.py`.
"""

import cv2
import numpy as np

from handler.bad_image import nothing_drawn
from handler.emphasis import find_strokes
from handler.even_cells import distances_on, find_sheet, ink_of
from handler.marks import (
    AROUND,
    FAINTEST,
    Ink,
    box_of,
    cut,
    grown,
    in_picture,
)
from handler.one_drawing import LEAST_SIDE_PX, WIDEST_DIGIT, are_strokes, is_one_drawing

# If this share of the picture has one colour exactly, and most of its border has it, too, that is an even
# sheet; strokes may fill the rest.
EVEN_SHARE = 0.25
# A speck makes the box that is looked at too large, and the drawing in it too coarse: how often the box is
# drawn anew without specks, and below which share of its longer side.
PASSES = 3
SHRUNK_SHARE = 0.9


def ink_on_even_sheet(pixels: np.ndarray) -> Ink | None:
    """Return the ink in the drawing's own box, as `distances_on` has it; None on an uneven sheet.

    None, too, where there may be more than a drawing.

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
        marks, count, is_set_off = find_strokes(distance)
        if attempt > 1:
            is_drawing = True
        elif min(packed.shape) < LEAST_SIDE_PX:
            is_drawing = are_strokes(marks.view(np.uint8), WIDEST_DIGIT)
        else:
            is_drawing = is_one_drawing(marks, count, box, packed.shape)
        if not is_drawing:
            return None
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
