"""The compiled steps of even_sheet.py: the sheet's colour, distances from it on a coarse grid, the ink.

Compiled functions use constants of their own file only: their cache is renewed when that file changes.
"""

import numpy as np
from numba import njit

# Ink is measured at four times the resolution that the network sees.
SIDE_PX = 80
ONE = np.float32(1)  # a plain 1 would turn the inner loop into one of double precision


@njit(cache=True, nogil=True, error_model="numpy")
def find_sheet(packed):  # type: ignore[no-untyped-def]
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
def distances_on(packed, colour, top, bottom, left, right):  # type: ignore[no-untyped-def]
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
def ink_of(distance, stroke, faintest):  # type: ignore[no-untyped-def]
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
