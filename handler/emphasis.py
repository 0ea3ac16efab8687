"""What sets a digit off: a line below it, by which 6 and 9 are told apart, a box or a circle around it."""

import cv2
import numpy as np
from numba import njit

from handler.marks import AROUND, SPECK_SHARE, box_of, count_marks

# What joins strokes that all but touch is fainter than this share of the strongest cell: it has some of both.
# Only strokes of three cells and more have one that they all reach: fine ones lie in two cells by turns.
JOIN_SHARE = 0.35
# It is looked for where the lowest eighth of the marks is as wide as they are, nearly: few digits have that.
LOWEST, WIDE_SHARE = 8, 0.97
# A picture of more marks is something else.
MOST_MARKS = 40
# An underline: how long for its thickness; how far from level, as rise over length.
LONG, MOST_RISE = 4.5, 0.3
# Of the longer side of the rest: the least length of an underline, and the farthest that it lies below.
LEAST_SHARE, FARTHEST_SHARE = 0.3, 0.6
# Of a box's or circle's shorter side: the least length of what is in it. A dot in a zero is smaller.
CONTENT_SHARE = 0.3
# How much of a frame may lie in its content's box.
WITHIN_SHARE = 0.12
# Of a frame's cells, how many lie close to its convex hull; how close, of its shorter side, and how wide its
# line is at most: a sheet on a desk goes around what is written on it, too.
CLOSE_CELLS, CLOSE_SHARE, WIDEST_LINE = 0.92, 0.1, 0.25
# In how many of so many directions a frame is seen from its content.
AROUND_SHARE, DIRECTIONS = 0.6, 24
# A straight stroke inside a frame may be a zero's slash: so long for its thickness, and full of ink. A one is
# more upright than this, in radians.
STRAIGHT, STRAIGHT_SHARE, UPRIGHT = 2.0, 0.7, 0.4


def find_strokes(distance: np.ndarray) -> tuple[np.ndarray, int, bool]:
    """Return where strokes are on an even sheet, how many marks there were, and if something set them off.

    A line or a frame that all but touches the drawing is a mark with it, and told where the join is left out.

    Args:
        distance: float32 (rows, columns), distance from the paper, 0..2.

    Returns:
        bool (rows, columns), what sets the drawing off left out; the marks with it; True if it was.
    """
    marks, count = count_marks(distance, 0.0, SPECK_SHARE)
    strokes = without_emphasis(marks) if count > 1 else marks
    if strokes is not marks:
        return strokes, count, True
    if _is_wide_below(marks, *box_of(marks)):
        apart, parts = count_marks(distance, JOIN_SHARE * distance.max(), SPECK_SHARE)
        if parts > 1 and _are_broad(apart):
            strokes = without_emphasis(apart)
            if strokes is not apart:
                return strokes, parts, True
    return marks, count, False


def _are_broad(marks: np.ndarray) -> bool:
    """Tell whether each of the marks, bool (rows, columns), is three cells wide somewhere."""
    cells = marks.view(np.uint8)
    count, labels = cv2.connectedComponents(cells)
    inner = cv2.erode(cells, AROUND, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return len(np.unique(labels[inner > 0])) == count - 1


@njit(cache=True, nogil=True, error_model="numpy")
def _is_wide_below(marks, top, bottom, left, right):  # type: ignore[no-untyped-def]
    """Tell whether the lowest part of marks, bool (rows, columns), is as wide as their box, nearly."""
    wide = 0
    for column in range(left, right):
        for row in range(bottom - (bottom - top) // LOWEST, bottom):
            if marks[row, column]:
                wide += 1
                break
    return wide > WIDE_SHARE * (right - left)


def without_emphasis(marks: np.ndarray) -> np.ndarray:
    """Return the marks without lines below the drawing and frames around it.

    Args:
        marks: bool (rows, columns), where strokes are.
    """
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(marks.view(np.uint8))
    if not 2 < count <= MOST_MARKS:
        return marks
    kept = set(range(1, count))
    while len(kept) > 1:
        found = next(
            (
                label
                for label in sorted(kept, key=lambda one: -_longer(boxes[one]))
                if _sets_off(label, kept, labels, boxes)
            ),
            None,
        )
        if found is None:
            break
        kept.remove(found)
    if len(kept) == count - 1:
        return marks
    return np.isin(labels, list(kept))


def _longer(box: np.ndarray) -> int:
    return int(max(box[cv2.CC_STAT_WIDTH], box[cv2.CC_STAT_HEIGHT]))


def _sets_off(label: int, kept: set[int], labels: np.ndarray, boxes: np.ndarray) -> bool:
    others = [other for other in kept if other != label]
    x, y, width, height = (int(value) for value in boxes[label, :4])
    left, top = boxes[others, 0].min(), boxes[others, 1].min()
    right, bottom = (boxes[others, 0] + boxes[others, 2]).max(), (boxes[others, 1] + boxes[others, 3]).max()
    rest = max(right - left, bottom - top)
    mark = (labels[y : y + height, x : x + width] == label).view(np.uint8)
    if x <= left and y <= top and x + width >= right and y + height >= bottom:
        return _is_frame(mark, (left - x, top - y, right - x, bottom - y), labels, others)
    if width < LONG * height and height > 0.5 * width:
        return False
    length, thickness, turn = _shape(mark)
    if length < LONG * thickness or abs(turn) > MOST_RISE or length < LEAST_SHARE * rest:
        return False
    if min(x + width, right) - max(x, left) < 0.5 * min(width, right - left):
        return False
    if bottom - top < max(2 * thickness, 0.4 * length) or y - bottom > FARTHEST_SHARE * rest:
        return False
    # Column by column below the rest.
    columns = slice(max(x, left), min(x + width, right))
    own = labels[:, columns] == label
    above = np.isin(labels[:, columns], others)
    first = np.where(own.any(axis=0), own.argmax(axis=0), labels.shape[0])
    last = np.where(above.any(axis=0), labels.shape[0] - 1 - above[::-1].argmax(axis=0), -1)
    return bool((last < first).all() and y + height / 2 > bottom - thickness)


def _shape(mark: np.ndarray) -> tuple[float, float, float]:
    """Return a mark's length, its thickness, and how far it is turned from level, in radians."""
    moments = cv2.moments(mark, binaryImage=True)
    cells = moments["m00"]
    across, along, both = moments["mu20"] / cells, moments["mu02"] / cells, moments["mu11"] / cells
    spread = np.hypot((across - along) / 2, both)
    length = float(np.sqrt(12 * ((across + along) / 2 + spread) + 1))
    return (
        length,
        float(np.sqrt(12 * max((across + along) / 2 - spread, 0) + 1)),
        float(0.5 * np.arctan2(2 * both, across - along)),
    )


def _is_frame(
    mark: np.ndarray, content: tuple[int, int, int, int], labels: np.ndarray, others: list[int]
) -> bool:
    left, top, right, bottom = content
    height, width = mark.shape
    if max(right - left, bottom - top) < CONTENT_SHARE * min(width, height):
        return False
    cells = int(mark.sum())
    if mark[top:bottom, left:right].sum() > WITHIN_SHARE * cells:
        return False
    # Boxes, circles and what the border leaves of them are convex: all of a frame is close to its hull.
    hull = cv2.convexHull(cv2.findNonZero(mark))
    filled = cv2.fillConvexPoly(np.zeros((height + 2, width + 2), np.uint8), hull + 1, 1)
    depth = cv2.distanceTransform(filled, cv2.DIST_L2, 3)[1:-1, 1:-1][mark > 0]
    line = 2 * cells / cv2.arcLength(hull, True)
    if line > WIDEST_LINE * min(width, height):
        return False
    if (depth < max(CLOSE_SHARE * min(width, height), line + 1)).mean() < CLOSE_CELLS:
        return False
    # It goes round its content, or as far as the picture's border lets it.
    y, x = np.nonzero(mark)
    directions = np.arctan2(y - (top + bottom - 1) / 2, x - (left + right - 1) / 2) / (2 * np.pi) % 1
    if len(np.unique((directions * DIRECTIONS).astype(int))) < AROUND_SHARE * DIRECTIONS:
        return False
    inner = np.isin(labels, others).view(np.uint8)
    length, thickness, turn = _shape(inner)
    is_straight = length > STRAIGHT * thickness and inner.sum() > STRAIGHT_SHARE * length * thickness
    return not is_straight or abs(turn) > np.pi / 2 - UPRIGHT
