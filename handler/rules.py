"""Lines that run across the whole picture, as on ruled and squared paper, and what is left of a form's cell."""

from typing import NamedTuple

import cv2
import numpy as np

# How far from level or upright lines may be, in radians; in which steps they are looked for.
MOST_TURN, STEP = 0.15, np.pi / 480
# A line rises above what is so many cells beside it, one of these distances.
BESIDE_CELLS = (2, 3, 5, 8)
MOST_HALF = 8
# The share of the picture's width or height on which a line has to be seen.
SEEN_SHARE = 0.7
# Where a line is followed: so many cells up and down, over so many along it.
FOLLOWED_CELLS, ALONG_CELLS = 2, 9
# Its width: as long as its median profile has this share of its strength.
WIDTH_SHARE = 0.2
# What is as strong as this share of the line, beside it, is a stroke that meets it.
STROKE_SHARE = 0.5
MOST_LINES = 60
# So many lines have one width.
FAMILY = 3


class Line(NamedTuple):
    """A line from the map's left to its right.

    Attributes:
        rows: int (columns,), where its middle is.
        half: cells that belong to it on either side of the middle.
        strength: float32 (columns,), its distance from the paper.
    """

    rows: np.ndarray
    half: int
    strength: np.ndarray


def without_rules(distance: np.ndarray, low: float) -> np.ndarray | None:
    """Return the distances without lines that run across; None where there are none.

    Args:
        distance: float32 (rows, columns), from the paper.
        low: what is no more than this is no ink.
    """
    level, upright = _lines(distance, low), _lines(distance.T, low)
    if not level and not upright:
        return None
    cleaned = distance
    if level:
        cleaned = _erased(cleaned, level, low)
    if upright:
        cleaned = np.ascontiguousarray(_erased(np.ascontiguousarray(cleaned.T), upright, low).T)
    return cleaned


def _lines(distance: np.ndarray, low: float) -> list[Line]:
    """Return the lines that run from left to right."""
    rows, columns = distance.shape
    if rows < 24 or columns < 24:
        return []
    ridge = np.zeros((rows, columns), bool)
    most = BESIDE_CELLS[-1]
    padded = np.pad(distance, ((most, most), (0, 0)))
    for cells in BESIDE_CELLS:
        above, below = padded[most - cells : most - cells + rows], padded[most + cells : most + cells + rows]
        ridge |= (distance - np.maximum(above, below)) > np.maximum(low * 0.5, 0.4 * distance)
    ridge &= distance > low * 0.6
    # Some of each line is at either side.
    if not (ridge[:, :4].any() and ridge[:, -4:].any()):
        return []
    found = cv2.HoughLines(
        ridge.view(np.uint8), 2, STEP, int(0.45 * columns), min_theta=np.pi / 2 - MOST_TURN, max_theta=np.pi / 2 + MOST_TURN
    )
    if found is None:
        return []
    x = np.arange(columns)
    near = cv2.dilate(ridge.view(np.uint8), np.ones((3, 1), np.uint8))
    lines: list[Line] = []
    taken = np.zeros((rows, columns), bool)
    for rho, theta in found[: 8 * MOST_LINES, 0]:
        y = np.rint((rho - x * np.cos(theta)) / np.sin(theta)).astype(int)
        inside = (y >= 0) & (y < rows)
        if inside.sum() < 0.8 * columns:
            continue
        clipped = np.clip(y, 0, rows - 1)
        if taken[clipped, x].mean() > 0.3:
            continue
        seen = near[clipped, x] > 0
        # At each end, and most of the way.
        tenth = max(columns // 8, 4)
        if seen[inside].mean() < SEEN_SHARE or not (seen[:tenth].mean() > 0.4 and seen[-tenth:].mean() > 0.4):
            continue
        line = _followed(distance, clipped)
        for step in range(-line.half - 2, line.half + 3):
            taken[np.clip(line.rows + step, 0, rows - 1), x] = True
        lines.append(line)
        if len(lines) == MOST_LINES:
            break
    if len(lines) >= FAMILY:
        # A stroke along one of them does not make it wider than the others.
        usual = int(np.median([line.half for line in lines]))
        lines = [line._replace(half=min(line.half, usual)) for line in lines]
    return lines


def _followed(distance: np.ndarray, y: np.ndarray) -> Line:
    rows, columns = distance.shape
    x = np.arange(columns)
    steps = np.arange(-FOLLOWED_CELLS - 4, FOLLOWED_CELLS + 5)
    at = y + steps[:, None]
    band = distance[np.clip(at, 0, rows - 1), x] * ((at >= 0) & (at < rows))
    smooth = cv2.blur(np.minimum(band, 2 * np.median(band.max(axis=0))), (ALONG_CELLS, 1))
    best = smooth[4:-4].argmax(axis=0) - FOLLOWED_CELLS
    best = _median(best, 2 * ALONG_CELLS + 1)
    middle = np.clip(y + best, 0, rows - 1)
    mid = MOST_HALF + 1
    at = middle + np.arange(-mid, mid + 1)[:, None]
    band = distance[np.clip(at, 0, rows - 1), x] * ((at >= 0) & (at < rows))
    profile = np.median(band, axis=1)
    half = 1
    least = WIDTH_SHARE * profile[mid - 1 : mid + 2].max()
    while half < MOST_HALF and max(profile[mid - half - 1], profile[mid + half + 1]) > least:
        half += 1
    strength = _median((band[mid - 1 : mid + 2].max(axis=0) * 1000).astype(int), 4 * ALONG_CELLS + 1).astype(np.float32) / 1000
    return Line(middle, half, strength)


def _median(values: np.ndarray, window: int) -> np.ndarray:
    half = window // 2
    padded = np.pad(values, half, mode="reflect") if len(values) > half else np.pad(values, half, mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, window), axis=1).astype(values.dtype)


def _erased(distance: np.ndarray, lines: list[Line], low: float) -> np.ndarray:
    """Return the distances with nothing on the lines but where a stroke meets them."""
    rows, columns = distance.shape
    x = np.arange(columns)
    cleaned = distance.copy()
    for line in lines:
        least = np.maximum(low, STROKE_SHARE * line.strength)
        beside = np.zeros(columns, np.float32)
        for side in (-1, 1):
            for step in (1, 2):
                at = line.rows + side * (line.half + step)
                beside = np.maximum(beside, np.where((at >= 0) & (at < rows), distance[np.clip(at, 0, rows - 1), x], 0))
        is_met = beside > least
        is_met = cv2.dilate(is_met[None].view(np.uint8), np.ones((1, 3), np.uint8))[0] > 0
        for step in range(-line.half, line.half + 1):
            at = np.clip(line.rows + step, 0, rows - 1)
            cleaned[at[~is_met], x[~is_met]] = 0
    return cleaned


def inside_marks(marks: np.ndarray) -> np.ndarray:
    """Return the marks without those that reach the border, unless it is the largest that does."""
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(marks.view(np.uint8))
    if count < 3:
        return marks
    main = 1 + int(boxes[1:, cv2.CC_STAT_AREA].argmax())
    left, top = boxes[:, cv2.CC_STAT_LEFT], boxes[:, cv2.CC_STAT_TOP]
    right, bottom = left + boxes[:, cv2.CC_STAT_WIDTH], top + boxes[:, cv2.CC_STAT_HEIGHT]
    kept = (left > 1) & (top > 1) & (right < marks.shape[1] - 1) & (bottom < marks.shape[0] - 1)
    kept[0], kept[main] = False, True
    return kept[labels]
