"""A picture, or the strokes of a pen -> all pieces that may be digits."""

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np

from handler.mending import decode_mended
from handler.request import image_bytes
from reading.cuts import fragments
from reading.ink_map import find_ink_map
from reading.parts import Part, connected, gathered, joined, row_height
from reading.piece import MOST_PIECES, NoNumber, Piece, too_many
from reading.strokes import laid_down, read_strokes

# Of the row's height: no digit is wider, and none has a wider gap in it.
WIDEST_SHARE, GAP_SHARE = 1.3, 0.12
# What does not hang together is no digit where two parts of at least this share of the row's height lie
# beside each other, with less than the other share of the narrower one's width in common: a network that
# knows what forms leave beside digits would take a one for that.
TALL_SHARE, COMMON_SHARE = 0.6, 0.85
# A run of more fragments is no digit.
LONGEST_RUN = 5
# Paper around a piece, of its longer side: so that most of the picture, and its edge, is paper.
MARGIN_SHARE, LEAST_MARGIN_PX = 0.3, 4
# The longer side of a thumbnail.
THUMBNAIL_PX = 56


def pieces_of(payload: bytes) -> list[Piece]:
    """Return the pieces of a body: strokes as JSON, or an image in one of the ways that predictions take.

    Raises:
        BadImage: it is not a readable image.
        NoNumber: nothing is drawn, the strokes are none, or there are too many pieces.
    """
    if not payload:
        raise NoNumber(
            "The body is empty: send an image as the raw body (curl --data-binary @number.png), or strokes "
            "as JSON."
        )
    strokes = read_strokes(payload)
    if strokes is not None:
        parts, scale, corner = laid_down(strokes)
        return pieces(parts, scale, corner)
    pixels, reduction = decode_mended(image_bytes({"body": payload}))
    found = find_ink_map(pixels)
    return pieces(connected(found), found.scale * reduction)


def pieces(parts: Sequence[Part], scale: float, corner: tuple[float, float] = (0.0, 0.0)) -> list[Piece]:
    """Return the pieces of a row: every run of neighbouring fragments that may be a digit.

    Args:
        parts: what hangs together, or was one stroke.
        scale: pixels of the picture to one of the parts' map.
        corner: where the map's upper left corner lies in the picture.

    Raises:
        NoNumber: there are too many.
    """
    whole = gathered(parts)
    height = row_height(whole)
    cut = [(part, fragment) for part in whole for fragment in fragments(part, height)]
    row = [fragment for _, fragment in cut]
    found: list[Piece] = []
    for first in range(len(row)):
        for end in range(first + 1, min(first + LONGEST_RUN, len(row)) + 1):
            if end > first + 1 and not _may_be_one(row[first:end], height):
                break
            if _are_two([part for part, _ in cut[first:end]], height):
                break
            if len(found) == MOST_PIECES:
                raise too_many()
            part = joined(row[first:end])
            rows, columns = part.ink.shape
            left, top = corner[0] + part.left * scale, corner[1] + part.top * scale
            box = (left, top, columns * scale, rows * scale)
            alone = sheet(part)
            margin = _margin(part) * scale
            found.append(
                Piece(
                    first, end, box, (columns / height, rows / height), png(alone),
                    (left - margin, top - margin, scale), thumbnail(alone),
                )
            )  # fmt: skip
    return found


def picture(part: Part) -> bytes:
    """Return a PNG of a part alone, black on white, with paper around it."""
    return png(sheet(part))


def sheet(part: Part) -> np.ndarray:
    """Return a part alone with paper around it, uint8 (height, width), 0 = ink .. 255 = paper."""
    return 255 - np.pad(part.ink, _margin(part))


def thumbnail(alone: np.ndarray) -> bytes:
    """Return a small PNG of such a sheet."""
    height, width = alone.shape
    factor = min(1.0, THUMBNAIL_PX / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return png(cv2.resize(alone, size, interpolation=cv2.INTER_AREA))


def png(pixels: np.ndarray) -> bytes:
    """Return the file of grey pixels, uint8 (height, width)."""
    return cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()


def _margin(part: Part) -> int:
    return max(LEAST_MARGIN_PX, round(MARGIN_SHARE * max(part.ink.shape)))


def _may_be_one(run: Sequence[Part], height: int) -> bool:
    """Tell whether a run is narrow enough for a digit, and has no wide gap."""
    left, right = min(part.left for part in run), max(part.right for part in run)
    if right - left > WIDEST_SHARE * height:
        return False
    reached = run[0].right
    for part in run[1:]:
        if part.left - reached > GAP_SHARE * height:
            return False
        reached = max(reached, part.right)
    return True


def _are_two(parts: Sequence[Part], height: int) -> bool:
    """Tell whether there are two tall parts beside each other, of one or more parts from left to right."""
    tall = [part for part in parts if part.ink.shape[0] >= TALL_SHARE * height]
    return any(
        min(one.right, other.right) - max(one.left, other.left)
        < COMMON_SHARE * min(one.ink.shape[1], other.ink.shape[1])
        for one, other in pairwise(tall)
        if one is not other
    )
