"""Lines that run across the whole picture: ruled and squared paper, what is left of a form's cell.

They are found on the map of distances from the paper, once from left to right and once from top to bottom, by
Hough's transform of what is thin and stands out to both sides; then each is followed, and taken out where no
stroke meets it.
"""

from typing import NamedTuple

import cv2
import numpy as np

from handler.edges import DRAWING_SHARE
from handler.marks import FAINTEST, SPECK_SHARE, find_marks

# How far from level or upright lines may be, and in which steps they are looked for: radians.
MOST_TURN, STEP = 0.15, np.pi / 480
# What is fainter than this share of the strongest ink makes no mark, be it a line or not.
FAINT_SHARE = 0.12
# A line stands out against what lies so many cells beside it, at one of these distances.
BESIDE_CELLS = (2, 3, 5, 8)
# The share of a side on which a line has to be seen: as Hough's transform has it straight, and as it is
# followed; and at both of its ends.
STRAIGHT_SHARE, SEEN_SHARE, END_SHARE = 0.45, 0.7, 0.4
# On maps of fewer cells a line cannot be told from a stroke; so many candidates are tried, and lines are no
# closer together than this.
FEWEST_CELLS, MOST_TRIED, APART_CELLS = 24, 240, 2
# A line is followed so many cells up and down, each time over so many along it.
UP_CELLS, ALONG_CELLS = 2, 9
# It is as wide, to either side of its middle, as its profile has this share of its height.
WIDTH_SHARE, MOST_HALF = 0.2, 8
# Of the map's shorter side: a wider line is a stroke of a drawing that was cut out closely.
WIDEST_SHARE = 0.05
# So many lines have one width: a stroke along one of them does not make it wider.
FAMILY = 3
# What lies beside a line and is as strong as this share of it is a stroke that meets it.
STROKE_SHARE = 0.5


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

    @property
    def width(self) -> int:
        """How wide it is without its soft edges, in cells."""
        return 2 * self.half - 1


def without_rules(distance: np.ndarray, floor: float) -> np.ndarray | None:
    """Return the distances without lines that run across, float32 (rows, columns); None where none does.

    Args:
        distance: float32 (rows, columns), from the paper, 0..2.
        floor: what noise alone can reach.
    """
    if min(distance.shape) < FEWEST_CELLS:
        return None
    low = max(FAINT_SHARE * float(np.quantile(distance, 0.998)), floor, FAINTEST / 2)
    turned = np.ascontiguousarray(distance.T)
    level, upright = _lines(distance, low), _lines(turned, low)
    if not level and not upright:
        return None
    cleaned = _erased(distance, level, low)
    cleaned = np.ascontiguousarray(_erased(np.ascontiguousarray(cleaned.T), upright, low).T)
    # One line or two can be strokes of a drawing that was cut out closely; then its rest reaches the border.
    if max(len(level), len(upright)) >= FAMILY:
        return cleaned
    is_thin = max(line.width for line in level + upright) <= WIDEST_SHARE * min(distance.shape)
    return cleaned if is_thin and _is_inside(find_marks(cleaned, floor, SPECK_SHARE)) else None


def inside(marks: np.ndarray) -> np.ndarray:
    """Return the marks without those that reach the border, but the largest: what is left of lines.

    Args:
        marks: bool (rows, columns).
    """
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(marks.view(np.uint8))
    left, top, width, height, cells = boxes.T
    is_inside = (left > 1) & (top > 1)
    is_inside &= (left + width < marks.shape[1] - 1) & (top + height < marks.shape[0] - 1)
    is_inside[1 + int(cells[1:].argmax()) if count > 1 else 0] = True
    is_inside[0] = False
    return is_inside[labels]


def _is_inside(marks: np.ndarray) -> bool:
    """Tell whether the largest mark is a drawing's, and does not reach the border."""
    count, _, boxes, _ = cv2.connectedComponentsWithStats(marks.view(np.uint8))
    if count < 2:
        return False
    left, top, width, height, _ = boxes[1 + int(boxes[1:, cv2.CC_STAT_AREA].argmax())]
    rows, columns = marks.shape
    is_inside = min(left, top) > 1 and left + width < columns - 1 and top + height < rows - 1
    return bool(is_inside and max(width, height) >= DRAWING_SHARE * min(rows, columns))


def _lines(distance: np.ndarray, low: float) -> list[Line]:
    """Return the lines that run from left to right."""
    rows, columns = distance.shape
    ridge = _ridge(distance, low)
    if not (ridge[:, :4].any() and ridge[:, -4:].any()):
        return []
    level = np.pi / 2
    votes = int(STRAIGHT_SHARE * columns)
    found = cv2.HoughLines(ridge, 2, STEP, votes, min_theta=level - MOST_TURN, max_theta=level + MOST_TURN)
    if found is None:
        return []
    x, end = np.arange(columns), max(columns // 8, 4)
    near = cv2.dilate(ridge, np.ones((3, 1), np.uint8)).view(bool)
    taken = np.zeros((rows, columns), bool)
    lines: list[Line] = []
    # Those with most votes come first; the others close to them are the same line once more.
    rho, theta = found[:, 0].T
    slopes = -1 / np.tan(theta)
    middles = rho / np.sin(theta) + slopes * columns / 2
    is_new = np.ones(len(found), bool)
    for _ in range(MOST_TRIED):
        index = int(is_new.argmax())
        if not is_new[index]:
            break
        is_new[index] = False
        y = np.rint(middles[index] + slopes[index] * (x - columns / 2)).astype(int)
        is_inside = (y >= 0) & (y < rows)
        y = np.clip(y, 0, rows - 1)
        if is_inside.mean() < SEEN_SHARE or taken[y, x].mean() > 0.3:
            continue
        seen = near[y, x]
        if seen[is_inside].mean() < SEEN_SHARE or min(seen[:end].mean(), seen[-end:].mean()) < END_SHARE:
            continue
        is_new &= np.abs(middles - middles[index]) > APART_CELLS
        line = _followed(distance, y)
        if line.width > max(WIDEST_SHARE * min(rows, columns), 3):
            continue
        for step in range(-line.half - 2, line.half + 3):
            taken[np.clip(line.rows + step, 0, rows - 1), x] = True
        lines.append(line)
    if len(lines) >= FAMILY:
        usual = int(np.median([line.half for line in lines]))
        lines = [line._replace(half=min(line.half, usual)) for line in lines]
    return lines


def _ridge(distance: np.ndarray, low: float) -> np.ndarray:
    """Return where something thin and level is: uint8 (rows, columns), 0 or 1."""
    rows = len(distance)
    ridge = np.zeros(distance.shape, bool)
    far = BESIDE_CELLS[-1]
    padded = cv2.copyMakeBorder(distance, far, far, 0, 0, cv2.BORDER_CONSTANT)
    least = np.maximum(low / 2, 0.4 * distance)
    for cells in BESIDE_CELLS:
        above, below = padded[far - cells :][:rows], padded[far + cells :][:rows]
        ridge |= distance - np.maximum(above, below) > least
    return (ridge & (distance > 0.6 * low)).view(np.uint8)


def _followed(distance: np.ndarray, y: np.ndarray) -> Line:
    """Return the line that runs about where a straight one does.

    Args:
        distance: float32 (rows, columns).
        y: int (columns,), the straight one's rows.
    """
    band = _band(distance, y, UP_CELLS + 4)
    # Strokes are no stronger than the line for this.
    smooth = cv2.blur(np.minimum(band, 2 * np.median(band.max(axis=0))), (ALONG_CELLS, 1))
    up = smooth[4:-4].argmax(axis=0) - UP_CELLS
    middle = np.clip(y + _median(up, 2 * ALONG_CELLS + 1), 0, len(distance) - 1)
    most = MOST_HALF + 1
    band = _band(distance, middle, most)
    profile = np.median(band, axis=1)
    half, least = 1, WIDTH_SHARE * profile[most - 1 : most + 2].max()
    while half < MOST_HALF and max(profile[most - half - 1], profile[most + half + 1]) > least:
        half += 1
    return Line(middle, half, _median(band[most - 1 : most + 2].max(axis=0), 4 * ALONG_CELLS + 1))


def _band(distance: np.ndarray, middle: np.ndarray, half: int) -> np.ndarray:
    """Return the rows around a line, float32 (2 * half + 1, columns), 0 beyond the map."""
    padded = cv2.copyMakeBorder(distance, half, half, 0, 0, cv2.BORDER_CONSTANT)
    return padded[middle + np.arange(2 * half + 1)[:, None], np.arange(distance.shape[1])]


def _median(values: np.ndarray, window: int) -> np.ndarray:
    """Return each value's median with its neighbours, mirrored at the ends, of the same shape and type."""
    half = min(window // 2, len(values) - 1)
    padded = np.pad(values, half, mode="reflect")
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)
    return np.median(around, axis=1).astype(values.dtype)


def _erased(distance: np.ndarray, lines: list[Line], low: float) -> np.ndarray:
    """Return the distances with nothing on the lines but where a stroke meets them."""
    rows, columns = distance.shape
    x = np.arange(columns)
    cleaned = distance.copy()
    for line in lines:
        band = _band(distance, line.rows, line.half + 2)
        beside = np.maximum(band[:2].max(axis=0), band[-2:].max(axis=0))
        is_met = (beside > np.maximum(low, STROKE_SHARE * line.strength)).view(np.uint8)
        is_line = cv2.dilate(is_met[None], np.ones((1, 3), np.uint8))[0] == 0
        for step in range(-line.half, line.half + 1):
            at = np.clip(line.rows + step, 0, rows - 1)
            cleaned[at[is_line], x[is_line]] = 0
    return cleaned
