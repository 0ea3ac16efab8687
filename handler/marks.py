"""Distances from the paper -> where strokes are, dust and noise left out."""

import numpy as np
from numba import njit

# Nothing fainter is a drawing: 8 of 255 grey levels in each of three colours.
FAINTEST = 8 * 3**0.5 / 255
# As shares of the strongest ink: what belongs to a stroke, and what a stroke must reach somewhere.
EDGE_SHARE = 0.15
PEAK_SHARE = 0.35
# A mark with less than this share of the largest mark's ink is a speck (dust, JPEG noise, a stray dot).
SPECK_SHARE = 0.03


@njit(cache=True, nogil=True, error_model="numpy")
def find_marks(distance, floor, speck_share):  # type: ignore[no-untyped-def]
    """Give where strokes are: bool (rows, columns), all False when nothing is drawn.

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
    largest = 0.0
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
    return marks


@njit(cache=True, nogil=True, error_model="numpy")
def _full(distance):  # type: ignore[no-untyped-def]
    """Give how strong full ink is: the mean of the four strongest cells, since one alone does not say."""
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
    """Give the first run of the mark that a run belongs to."""
    while mark_of[run] != run:
        run = mark_of[run]
    return run
