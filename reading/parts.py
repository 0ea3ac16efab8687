"""Where ink is -> parts of digits: what hangs together, or was one stroke; loose bits go to their digit."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from reading.ink_map import InkMap
from reading.piece import MOST_PIECES, too_many

# Of the row's height: below this a part is no digit by itself, but a flag, a bar or a dot.
SHORT_SHARE = 0.5
# Of the row's height: what is smaller than this both ways, and over or below nothing, is a speck.
SPECK_SHARE = 0.25
# Of the narrower part's width: parts that lie above each other so far belong to one digit.
ABOVE_SHARE = 0.5


class Part(NamedTuple):
    """Some of the ink, cut out of its map.

    Attributes:
        left: its first column in the map.
        top: its first row there.
        ink: uint8 (height, width), 0 = paper .. 255 = ink.
    """

    left: int
    top: int
    ink: np.ndarray

    @property
    def right(self) -> int:
        """The column after its last."""
        return self.left + self.ink.shape[1]

    @property
    def bottom(self) -> int:
        """The row after its last."""
        return self.top + self.ink.shape[0]


def joined(parts: Sequence[Part]) -> Part:
    """Return the ink of all parts as one."""
    left, top = min(part.left for part in parts), min(part.top for part in parts)
    right, bottom = max(part.right for part in parts), max(part.bottom for part in parts)
    ink = np.zeros((bottom - top, right - left), np.uint8)
    for part in parts:
        place = ink[part.top - top : part.bottom - top, part.left - left : part.right - left]
        np.maximum(place, part.ink, out=place)
    return Part(left, top, ink)


def cut_out(ink: np.ndarray, left: int = 0, top: int = 0) -> Part | None:
    """Return the part of a map that holds its ink; None where it has none."""
    x, y, width, height = cv2.boundingRect(ink)
    return Part(left + x, top + y, ink[y : y + height, x : x + width].copy()) if width else None


def connected(found: InkMap) -> list[Part]:
    """Return what hangs together, each with its soft edge.

    Raises:
        NoNumber: these are too many to be a number's.
    """
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(found.marks.view(np.uint8))
    if count - 1 > 4 * MOST_PIECES:
        raise too_many()
    parts = []
    for label in range(1, count):
        x, y, width, height = (int(value) for value in boxes[label][:4])
        # A pixel more on each side has the soft edge.
        rows, columns = slice(max(y - 1, 0), y + height + 1), slice(max(x - 1, 0), x + width + 1)
        near = labels[rows, columns]
        mine = cv2.dilate((near == label).astype(np.uint8), np.ones((3, 3), np.uint8))
        part = cut_out(
            found.cover[rows, columns] * (mine & ((near == label) | (near == 0))), columns.start, rows.start
        )
        if part is not None:
            parts.append(part)
    return parts


def gathered(parts: Iterable[Part]) -> list[Part]:
    """Return the parts from left to right, those of one digit as one where that is plain, without specks.

    Raises:
        NoNumber: these are too many to be a number's.
    """
    left = list(parts)
    height = row_height(left)
    while pair := _pair(left, height):
        first, second = pair
        left = [part for part in left if part is not first and part is not second]
        left.append(joined([first, second]))
    least = SPECK_SHARE * height
    whole = [part for part in left if max(part.ink.shape) >= least]
    if len(whole) > MOST_PIECES:
        raise too_many()
    return sorted(whole, key=lambda part: part.left + part.right)


def row_height(parts: Sequence[Part]) -> int:
    """Return the height of a row of digits: that of its highest part."""
    return max(part.ink.shape[0] for part in parts)


def _pair(parts: list[Part], height: int) -> tuple[Part, Part] | None:
    """Return two parts that are plainly of one digit, the first such pair in their order."""
    lefts, rights = (np.array([getattr(part, side) for part in parts]) for side in ("left", "right"))
    heights, widths = np.array([part.ink.shape for part in parts]).T
    over = np.minimum.outer(rights, rights) - np.maximum.outer(lefts, lefts)
    is_one = over >= ABOVE_SHARE * np.minimum.outer(widths, widths)
    is_one &= np.minimum.outer(heights, heights) < SHORT_SHARE * height
    firsts, seconds = np.nonzero(np.triu(is_one, 1))
    return (parts[firsts[0]], parts[seconds[0]]) if firsts.size else None
