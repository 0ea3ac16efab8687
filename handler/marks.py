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
    high one.

    Args:
        distance: float32 (rows, columns), distance from the paper, 0..2.
        floor: what noise alone can reach.
        speck_share: SPECK_SHARE, or 0 to keep specks.
    """
    rows, columns = distance.shape
    # A single cell does not say how strong ink is: the mean of the four strongest.
    strongest = np.zeros(4)
    for row in range(rows):
        for column in range(columns):
            if distance[row, column] > strongest[0]:
                strongest[0] = distance[row, column]
                strongest.sort()
    full = strongest.mean()
    low = max(EDGE_SHARE * full, floor, FAINTEST / 2)
    peak = max(PEAK_SHARE * full, 1.5 * floor, FAINTEST)
    label = np.zeros((rows, columns), np.int32)
    amounts = np.zeros(rows * columns + 1)
    waiting = np.empty((rows * columns, 2), np.int32)
    count, largest = 0, 0.0
    for start_row in range(rows):
        for start_column in range(columns):
            if label[start_row, start_column] or distance[start_row, start_column] <= low:
                continue
            count += 1
            amount, reaches, left = 0.0, False, 1
            waiting[0, 0], waiting[0, 1] = start_row, start_column
            label[start_row, start_column] = count
            while left:
                left -= 1
                row, column = waiting[left, 0], waiting[left, 1]
                amount += distance[row, column] - low
                reaches |= distance[row, column] >= peak
                for y in range(max(row - 1, 0), min(row + 2, rows)):
                    for x in range(max(column - 1, 0), min(column + 2, columns)):
                        if distance[y, x] > low and not label[y, x]:
                            label[y, x] = count
                            waiting[left, 0], waiting[left, 1] = y, x
                            left += 1
            if reaches:
                amounts[count] = amount
                largest = max(largest, amount)
    marks = np.zeros((rows, columns), np.bool_)
    for row in range(rows):
        for column in range(columns):
            amount = amounts[label[row, column]]
            marks[row, column] = amount > 0 and amount >= speck_share * largest
    return marks
