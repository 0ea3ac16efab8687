"""Ink on an even sheet, as drawing programs make it: the hot path of preprocessing, compiled.

Paper is then one exact colour, and most of the picture is paper: every step looks only at the pixels that
differ from it. Photos, and whatever else lies on no one colour, go through `paper.py` and `ink.py`.

Compiled functions use constants of their own file only: their cache is renewed when that file changes.
"""

import cv2
import numpy as np
from numba import njit

from handler.bad_image import nothing_drawn
from handler.edges import around_the_sheet, beside_the_sheet
from handler.emphasis import without_emphasis
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
# Ink is measured at four times the resolution that the network sees.
SIDE_PX = 80
# A speck makes the box that is looked at too large, and the drawing in it too coarse: how often the box is
# drawn anew without specks, and below which share of its longer side.
PASSES = 3
SHRUNK_SHARE = 0.9
# What covers more of its box than this may be a sheet itself.
FILLED_SHARE = 0.5
# On fewer cells nothing wide can be told from a stroke.
FEWEST_CELLS = 16
ONE = np.float32(1)  # a plain 1 would turn the inner loop into one of double precision


def ink_on_even_sheet(pixels: np.ndarray) -> Ink | None:
    """Return the ink in the drawing's own box, the longer side at most SIDE_PX; None on an uneven sheet.

    Args:
        pixels: uint8 (height, width, 4), straight RGBA.

    Raises:
        BadImage: nothing is drawn.
    """
    # Compiled code is made for one kind of array: contiguous and writable.
    packed = np.require(pixels, requirements=["C", "W"]).view(np.uint32)[..., 0]
    found = _find_sheet(packed)
    colour, box, equal = found[0], found[1:5], found[5]
    if colour < 0 or equal < EVEN_SHARE * packed.size:
        return None
    if not any(box):
        raise nothing_drawn()
    for attempt in range(1, PASSES + 1):
        distance = _distances(packed, np.uint32(colour), *box)
        if attempt == 1 and not _are_strokes(distance):
            return None
        marks, count = count_marks(distance, 0.0, SPECK_SHARE)
        if attempt == 1 and (_is_sheet(distance, marks) or _is_beside_something(distance, box, packed.shape)):
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
    ink = _ink(distance, cv2.dilate(marks.view(np.uint8), AROUND), FAINTEST / 2)
    return cut(ink, box)


def sheet_on_even_ground(pixels: np.ndarray) -> Box | None:
    """Return the box of a sheet with a drawing that lies on one colour exactly; None where there is none."""
    packed = np.require(pixels, requirements=["C", "W"]).view(np.uint32)[..., 0]
    colour, *box, _ = _find_sheet(packed)
    if colour < 0 or not any(box):
        return None
    distance = _distances(packed, np.uint32(colour), *box)
    return tuple(box) if _is_sheet(distance, find_marks(distance, 0.0, SPECK_SHARE)) else None


def _is_sheet(distance: np.ndarray, marks: np.ndarray) -> bool:
    """Tell whether the marks are a sheet with a drawing of its own."""
    if min(marks.shape) < FEWEST_CELLS or np.count_nonzero(marks) < FILLED_SHARE * marks.size:
        return False
    return around_the_sheet(distance, marks) is not None


def _is_beside_something(distance: np.ndarray, box: Box, shape: tuple[int, int]) -> bool:
    """Tell whether something beside the sheet reaches into the picture, or a line runs across it."""
    top, bottom, left, right = box
    if top and bottom < shape[0] and left and right < shape[1]:
        return False
    # Where the box does not reach the border, its marks do not touch it.
    inside = ((int(top > 0), int(bottom < shape[0])), (int(left > 0), int(right < shape[1])))
    marks = np.pad(find_marks(distance, 0.0, 0.0), inside)
    if beside_the_sheet(marks, np.zeros(marks.shape, bool)) is not None:
        return True
    return (0, 0) in inside and without_rules(distance, 0.0) is not None


def _are_strokes(distance: np.ndarray) -> bool:
    """Tell whether what lies far from the paper, float32 (rows, columns), is narrow enough for strokes."""
    different = (distance > DIFFERENT_SHARE * distance.max()).view(np.uint8)
    _, _, width, height = cv2.boundingRect(different)
    # On a few cells a stroke cannot be told from a blob.
    if max(width, height) < 16:
        return True
    return bool(cv2.distanceTransform(different, cv2.DIST_L2, 3).max() <= WIDEST_STROKE * max(width, height))


@njit(cache=True, nogil=True, error_model="numpy")
def _find_sheet(packed):  # type: ignore[no-untyped-def]
    """Return the sheet's colour, -1 when it is not even, and the box of what differs, all 0 if nothing does.

    Args:
        packed: uint32 (height, width), RGBA, red lowest.
    """
    height, width = packed.shape
    # The majority of the border, if there is one, survives this vote (Boyer and Moore 1991, MJRTY).
    colour, votes, agreeing = packed[0, 0], 0, 0
    for counting in (False, True):
        for y in range(height):
            for x in range(0, width, 1 if y == 0 or y == height - 1 else max(width - 1, 1)):
                if counting:
                    agreeing += packed[y, x] == colour
                elif packed[y, x] == colour:
                    votes += 1
                elif votes == 0:
                    colour, votes = packed[y, x], 1
                else:
                    votes -= 1
    equal, top, bottom, left, right = 0, height, 0, 0, width
    # No branch in the inner loop, and nothing wider than a pixel: so sixteen are looked at at a time.
    differs = np.zeros(width, np.uint32)
    if agreeing > height + width - 2:
        for y in range(height):
            same = np.uint32(0)
            for x in range(width):
                difference = packed[y, x] ^ colour
                differs[x] |= difference
                same += np.uint32(difference == 0)
            equal += int(same)
            if same < width:
                top, bottom = min(top, y), y + 1
    if equal == 0:
        return np.int64(-1), 0, 0, 0, 0, 0
    if bottom == 0:
        return np.int64(colour), 0, 0, 0, 0, equal
    while not differs[left]:
        left += 1
    while not differs[right - 1]:
        right -= 1
    return np.int64(colour), top, bottom, left, right, equal


@njit(cache=True, nogil=True, error_model="numpy")
def _distances(packed, colour, top, bottom, left, right):  # type: ignore[no-untyped-def]
    """Return how far each cell of the box is from the paper on average: float32 (rows, columns), 0..2.

    The longer side is at most SIDE_PX. Distance is Euclidean in premultiplied RGBA, so ink on transparent
    paper differs by its alpha alone.

    Args:
        packed: uint32 (height, width), RGBA, red lowest.
        colour: the paper's.
        top: the box's first row; `bottom` and `right` are exclusive.
        bottom: see there.
        left: see there.
        right: see there.
    """
    height, width = bottom - top, right - left
    factor = max(1.0, max(height, width) / SIDE_PX)
    rows, columns = max(1, round(height / factor)), max(1, round(width / factor))
    paper = _premultiplied(colour)
    # A row and a column more than needed take the nothing that the last pixels spill over. Rows are
    # taken out before they are looped over: the compiler then sees that they are apart, and that it may do
    # several numbers at a time.
    sums = np.zeros((rows + 1, 4 * (columns + 1)), np.float32)
    line = np.zeros(4 * (columns + 1), np.float32)  # one row of pixels, averaged sideways
    cell_of, spilled = np.empty(width, np.int64), np.empty(width, np.float32)
    for x in range(width):
        column, spilled[x] = _cell(x, columns / width)
        cell_of[x] = 4 * column
    value, away = colour, (np.float32(0), np.float32(0), np.float32(0), np.float32(0))
    for y in range(height):
        row, below = _cell(y, rows / height)
        pixels = packed[top + y, left:right]
        start, end = line.size, 0
        for x in range(width):
            if pixels[x] == colour:
                continue
            # Inside a stroke one colour follows itself.
            if pixels[x] != value:
                value, ink = pixels[x], _premultiplied(pixels[x])
                away = (ink[0] - paper[0], ink[1] - paper[1], ink[2] - paper[2], ink[3] - paper[3])
            cell, after = cell_of[x], spilled[x]
            start, end = min(start, cell), cell + 8
            for c in range(4):
                line[cell + c] += away[c] * (ONE - after)
            if after:
                for c in range(4):
                    line[cell + 4 + c] += away[c] * after
        if not end:
            continue
        inked, here, next_row = line[start:end], sums[row, start:end], sums[row + 1, start:end]
        for at in range(inked.size):
            here[at] += inked[at] * (ONE - below)
        if below:
            for at in range(inked.size):
                next_row[at] += inked[at] * below
        inked[:] = 0
    distance = np.empty((rows, columns), np.float32)
    share = rows * columns / (height * width)
    for row in range(rows):
        here, lengths = sums[row], distance[row]
        for column in range(columns):
            square = np.float32(0)
            for c in range(4):
                square += here[4 * column + c] * here[4 * column + c]
            lengths[column] = np.sqrt(square) * share
    return distance


@njit(cache=True, nogil=True, error_model="numpy")
def _cell(pixel, step):  # type: ignore[no-untyped-def]
    """Return the cell that a pixel begins in, and the share of the pixel that lies in the next one.

    Args:
        pixel: which one.
        step: cells a pixel, at most 1.
    """
    cell = int(pixel * step)
    over = (pixel + 1) * step - (cell + 1)
    # What rounding makes of a pixel that ends with its cell.
    return cell, np.float32(over / step if over > 1e-6 else 0)


@njit(cache=True, nogil=True, error_model="numpy")
def _premultiplied(value):  # type: ignore[no-untyped-def]
    """Return a packed pixel's three colours times its alpha, and the alpha: float32, 0..1 each."""
    alpha = np.float32(value >> np.uint32(24)) / np.float32(255)
    share = alpha / np.float32(255)
    return (
        np.float32(value & np.uint32(255)) * share,
        np.float32(value >> np.uint32(8) & np.uint32(255)) * share,
        np.float32(value >> np.uint32(16) & np.uint32(255)) * share,
        alpha,
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _ink(distance, stroke, faintest):  # type: ignore[no-untyped-def]
    """Return the share of full ink: float32 (rows, columns), 0..1, 0 beside the strokes.

    Full ink is the mean distance of all ink, weighted by its own square.

    Args:
        distance: float32 (rows, columns), from the paper.
        stroke: uint8 (rows, columns), 1 where strokes are, 0 elsewhere.
        faintest: the least that full ink can be.
    """
    rows, columns = distance.shape
    squares, cubes = 0.0, 0.0
    for row in range(rows):
        for column in range(columns):
            value = float(distance[row, column]) * stroke[row, column]
            squares += value * value
            cubes += value * value * value
    full = max(cubes / max(squares, 1e-12), faintest)
    ink = np.zeros((rows, columns), np.float32)
    for row in range(rows):
        for column in range(columns):
            if stroke[row, column]:
                ink[row, column] = min(distance[row, column] / full, 1.0)
    return ink
