"""What lies beside the sheet and reaches into the picture: a desk, a scanner's black edge, a frame.

A stroke that leaves the picture touches its border with its width; what lies beside the sheet touches it
along its length.
"""

import cv2
import numpy as np

from handler.marks import AROUND

# A mark's cells along the border, squared, over all its cells: a stroke as wide as long that leaves the
# picture has 1, half a disc 2.5, a corner 4, a strip its length over its width.
ALONG = 2.0
# Fewer cells than this are a speck's, or a stroke's.
LEAST_CELLS = 3
# On a smaller map a strip cannot be told from a stroke.
FEWEST_CELLS = 24
# A drawing's longer side, at least, as a share of the map's shorter one.
DRAWING_SHARE = 0.12
# A bar of the drawing lies nearer to the rest than this share of the rest's longer side.
NEAR_SHARE = 0.25
# A line goes from one side of the picture to the other, and is thinner than that.
ACROSS_SHARE, THIN_SHARE = 0.96, 0.1
# Or it goes this far along a side, from its end, and so near to the side.
PART_SHARE, SIDE_SHARE = 0.35, 0.15
# A sheet fills its upright or turned rectangle to this share, and is no longer than so many times its width.
FILLED_SHARE = 0.92
LONGEST = 4.0
# From the sheet's edge to its middle, at least, of its longer side: the drawing takes some of it.
MIDDLE_SHARE = 0.08
# Of a sheet's distance from what is around it: how much its drawing differs from it, at least. Its light is
# the median over this share of its longer side.
DRAWN_SHARE, LIGHT_SHARE, DRAWING_CELLS = 0.15, 0.5, 12
# From a stroke's edge to its middle, at most, of the drawing's longer side.
STROKE_SHARE = 0.14


def beside_the_sheet(marks: np.ndarray, known: np.ndarray) -> np.ndarray | None:
    """Return where the sheet does not lie: bool (rows, columns); None where nothing but strokes is marked.

    If no other mark would be left that lies inside, these are the strokes: of a drawing cut out closely.

    Args:
        marks: bool (rows, columns), where something lies on the paper.
        known: bool (rows, columns), what is known to lie beside the sheet.
    """
    if min(marks.shape) < FEWEST_CELLS:
        return None
    frame = [marks[0], marks[-1], marks[:, 0], marks[:, -1]]
    if not known.any() and not any(side.any() for side in frame):
        return None
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(marks.view(np.uint8))
    sides = [
        np.bincount(side, minlength=count)
        for side in (labels[0], labels[-1], labels[1:-1, 0], labels[1:-1, -1])
    ]
    border, touched = np.sum(sides, axis=0), np.sum([side > 0 for side in sides], axis=0)
    if known.any():
        near = cv2.dilate(known.view(np.uint8), AROUND) - known.view(np.uint8)
        beside = np.bincount(labels[near > 0], minlength=count)
        border, touched = border + beside, touched + 2 * (beside > 0)
    cells = boxes[:, cv2.CC_STAT_AREA]
    is_beside = (border >= LEAST_CELLS) & (border.astype(float) ** 2 >= ALONG * cells)
    is_across = _across(boxes, marks.shape, touched)
    is_beside |= is_across
    is_beside[0] = False
    if not is_beside.any():
        return None
    left = np.where(is_beside, 0, cells)
    left[0] = 0
    main = int(left.argmax())
    length = max(boxes[main, cv2.CC_STAT_WIDTH], boxes[main, cv2.CC_STAT_HEIGHT])
    if not left[main] or border[main] or length < DRAWING_SHARE * min(marks.shape):
        return None
    x, y, width, height = boxes[main, :4]
    inside = np.bincount(labels[y : y + height, x : x + width].ravel(), minlength=count)
    is_beside &= (inside < 0.03 * cells) | ~is_across
    is_beside &= (touched >= 2) | (_gaps(boxes, main) > NEAR_SHARE * length)
    return is_beside[labels] if is_beside.any() else None


def _across(boxes: np.ndarray, shape: tuple[int, ...], touched: np.ndarray) -> np.ndarray:
    """Tell which boxes hold thin lines from side to side, or along a side from its end: bool (boxes,)."""
    left, top, width, height, cells = boxes.T
    rows, columns = shape
    is_low_or_high = (top + height < SIDE_SHARE * rows) | (top > (1 - SIDE_SHARE) * rows)
    is_left_or_right = (left + width < SIDE_SHARE * columns) | (left > (1 - SIDE_SHARE) * columns)
    level = (width >= ACROSS_SHARE * columns) | ((width >= PART_SHARE * columns) & is_low_or_high)
    upright = (height >= ACROSS_SHARE * rows) | ((height >= PART_SHARE * rows) & is_left_or_right)
    length = level * width + upright * height
    return (length > 0) & (touched > 0) & (cells < THIN_SHARE * length * max(shape))


def around_the_sheet(distance: np.ndarray, marks: np.ndarray) -> np.ndarray | None:
    """Return what lies around the largest mark, bool (rows, columns), if that is a sheet; None if not.

    Args:
        distance: float32 (rows, columns), from what would be the paper.
        marks: bool (rows, columns), where that is large.
    """
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(marks.view(np.uint8))
    if count < 2:
        return None
    main = 1 + int(boxes[1:, cv2.CC_STAT_AREA].argmax())
    if boxes[main, cv2.CC_STAT_AREA] < 0.1 * marks.size:
        return None
    mark = (labels == main).view(np.uint8)
    outlines, _ = cv2.findContours(mark, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    (_, (width, height), _) = cv2.minAreaRect(outlines[0])
    width, height = width + 1, height + 1
    if max(width, height) > LONGEST * min(width, height):
        return None
    filled = cv2.drawContours(np.zeros(marks.shape, np.uint8), outlines, 0, 1, cv2.FILLED)
    if filled.sum() < FILLED_SHARE * width * height:
        return None
    padded = cv2.copyMakeBorder(mark, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    if cv2.distanceTransform(padded, cv2.DIST_L2, 3).max() < MIDDLE_SHARE * max(width, height):
        return None
    # An area in one colour is a mark itself, and so is a bold zero: what that encloses is no stroke.
    inside = cv2.erode(filled, AROUND, iterations=3) > 0
    levels = np.rint(distance * 127).astype(np.uint8)
    around = (
        cv2.medianBlur(levels, 2 * int(LIGHT_SHARE / 2 * max(width, height)) + 1).astype(np.float32) / 127
    )
    drawn = inside & (np.abs(distance - around) > DRAWN_SHARE * around)
    if np.count_nonzero(drawn) < DRAWING_CELLS or not _is_of_strokes(drawn):
        return None
    return filled == 0


def _is_of_strokes(drawn: np.ndarray) -> bool:
    """Tell whether the largest mark is narrow for its length."""
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(drawn.view(np.uint8))
    main = 1 + int(boxes[1:, cv2.CC_STAT_AREA].argmax())
    length = max(boxes[main, cv2.CC_STAT_WIDTH], boxes[main, cv2.CC_STAT_HEIGHT])
    middle = cv2.distanceTransform((labels == main).view(np.uint8), cv2.DIST_L2, 3).max()
    return bool(count > 1 and length >= DRAWING_SHARE * max(drawn.shape) and middle <= STROKE_SHARE * length)


def _gaps(boxes: np.ndarray, main: int) -> np.ndarray:
    """Return how far each box is from the main one: int (boxes,), 0 where they overlap both ways."""
    left, top = boxes[:, cv2.CC_STAT_LEFT], boxes[:, cv2.CC_STAT_TOP]
    right, bottom = left + boxes[:, cv2.CC_STAT_WIDTH], top + boxes[:, cv2.CC_STAT_HEIGHT]
    beside = np.maximum(left - right[main], left[main] - right)
    above = np.maximum(top - bottom[main], top[main] - bottom)
    return np.maximum(np.maximum(beside, above), 0)
