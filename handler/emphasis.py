"""What sets a digit off: a line below it, by which 6 and 9 are told apart, a box or a circle around it."""

import cv2
import numpy as np

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
