"""Distances from the paper -> where strokes are, dust and noise left out; the ink, cut out of its map."""

from typing import NamedTuple

import numpy as np
from numba import njit

# Nothing fainter is a drawing: 8 of 255 grey levels in each of three colours.
FAINTEST = 8 * 3**0.5 / 255
# As shares of the strongest ink: what belongs to a stroke, and what a stroke must reach somewhere.
EDGE_SHARE = 0.15
PEAK_SHARE = 0.35
# A mark with less than this share of the largest mark's ink is a speck (dust, JPEG noise, a stray dot).
SPECK_SHARE = 0.03
# A cell and those around it: one more around the marks keeps their soft edges.
AROUND = np.ones((3, 3), np.uint8)
# Top, bottom, left, right; bottom and right are exclusive.
Box = tuple[int, int, int, int]


class Ink(NamedTuple):
    """The ink of a drawing, and where it lies.

    Attributes:
        cover: float32 (rows, columns), 0 = paper .. 1 = full ink; the outermost rows and columns hold ink.
        box: which rows and columns these are of the map that they were cut from.
        shape: that map's rows and columns.
        shown: the part of the picture that the map shows, in pixels.
    """

    cover: np.ndarray
    box: Box
    shape: tuple[int, ...]
    shown: Box


def cut(ink: np.ndarray, shown: Box) -> Ink:
    """Return a map's ink without its empty edges, empty where it has none.

    Args:
        ink: float32 (rows, columns), 0..1.
        shown: the part of the picture that it shows, in pixels.
    """
    box = top, bottom, left, right = box_of(ink >= EDGE_SHARE)
    return Ink(ink[top:bottom, left:right], box, ink.shape, shown)


def grown(box: Box, shape: tuple[int, ...]) -> Box:
    """Return the box with two cells more on each side, inside a map of this shape."""
    top, bottom, left, right = box
    return max(top - 2, 0), min(bottom + 2, shape[0]), max(left - 2, 0), min(right + 2, shape[1])


def in_picture(box: Box, shape: tuple[int, ...], shown: Box) -> Box:
    """Return a map's box in pixels of the picture.

    Args:
        box: in cells of the map.
        shape: the map's rows and columns.
        shown: the part of the picture that the map shows, in pixels.
    """
    (top, bottom, left, right), (above, below, before, after) = box, shown
    y_scale, x_scale = (below - above) / shape[0], (after - before) / shape[1]
    return (
        above + round(top * y_scale),
        above + round(bottom * y_scale),
        before + round(left * x_scale),
        before + round(right * x_scale),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def find_marks(distance, floor, speck_share):  # type: ignore[no-untyped-def]
    """Return where strokes are, as `count_marks` does, without their number."""
    return count_marks(distance, floor, speck_share)[0]


@njit(cache=True, nogil=True, error_model="numpy")
def count_marks(distance, floor, speck_share):  # type: ignore[no-untyped-def]
    """Return where strokes are, bool (rows, columns), all False when nothing is drawn, and how many marks.

    Hysteresis as in Canny's edge detector: connected cells above a low threshold that somewhere reach a
    high one. Connected are runs of cells in neighbouring rows that touch, be it by a corner.

    Args:
        distance: float32 (rows, columns), distance from the paper, 0..2.
        floor: what noise alone can reach.
        speck_share: SPECK_SHARE, or 0 to keep specks.
    """
    rows, columns = distance.shape
    full = _full(distance)
    low = max(EDGE_SHARE * full, floor, FAINTEST / 2)
    peak = max(PEAK_SHARE * full, 1.5 * floor, FAINTEST)
    most = rows * (columns // 2 + 1)
    place = np.empty((most, 3), np.int32)  # each run's row, its first column, and the one after its last
    amounts, reaches = np.empty(most), np.empty(most, np.bool_)
    mark_of = np.empty(most, np.int32)  # an earlier run of the same mark; the mark's first has itself
    count = first_above = 0
    for row in range(rows):
        cells, first, above, column = distance[row], count, first_above, 0
        while column < columns:
            if cells[column] <= low:
                column += 1
                continue
            start, amount, reached = column, 0.0, False
            while column < columns and cells[column] > low:
                amount += cells[column] - low
                reached |= cells[column] >= peak
                column += 1
            place[count, 0], place[count, 1], place[count, 2] = row, start, column
            amounts[count], reaches[count], mark_of[count] = amount, reached, count
            while above < first and place[above, 2] < start:
                above += 1
            touching = above
            while touching < first and place[touching, 1] <= column:
                one, other = _mark(mark_of, touching), _mark(mark_of, count)
                mark_of[max(one, other)] = min(one, other)
                touching += 1
            count += 1
        first_above = first
    largest, marked = 0.0, 0
    for run in range(count):
        mark = _mark(mark_of, run)
        if mark != run:
            amounts[mark] += amounts[run]
            reaches[mark] |= reaches[run]
    for run in range(count):
        if mark_of[run] == run and reaches[run]:
            largest = max(largest, amounts[run])
    marks = np.zeros((rows, columns), np.bool_)
    for run in range(count):
        mark = _mark(mark_of, run)
        if reaches[mark] and amounts[mark] >= speck_share * largest:
            marks[place[run, 0], place[run, 1] : place[run, 2]] = True
            marked += mark == run
    return marks, marked


@njit(cache=True, nogil=True, error_model="numpy")
def _full(distance):  # type: ignore[no-untyped-def]
    """Return how strong full ink is: the mean of the four strongest cells, since one alone does not say."""
    strongest, least = np.zeros(4), 0.0
    for row in range(distance.shape[0]):
        cells = distance[row]
        for column in range(cells.size):
            if cells[column] > least:
                strongest[0] = cells[column]
                strongest.sort()
                least = strongest[0]
    return strongest.mean()


@njit(cache=True, nogil=True, error_model="numpy")
def _mark(mark_of, run):  # type: ignore[no-untyped-def]
    """Return the first run of the mark that a run belongs to."""
    while mark_of[run] != run:
        run = mark_of[run]
    return run


@njit(cache=True, nogil=True, error_model="numpy")
def box_of(mask):  # type: ignore[no-untyped-def]
    """Return the box of a mask's true cells, a Box; all 0 if none is."""
    rows, columns = mask.shape
    top, bottom, left, right = rows, 0, 0, columns
    is_inked = np.zeros(columns, np.bool_)
    for row in range(rows):
        cells, any_cell = mask[row], False
        for column in range(columns):
            is_inked[column] |= cells[column]
            any_cell |= cells[column]
        if any_cell:
            top, bottom = min(top, row), row + 1
    if bottom == 0:
        return 0, 0, 0, 0
    while not is_inked[left]:
        left += 1
    while not is_inked[right - 1]:
        right -= 1
    return top, bottom, left, right
