"""Where a frame lies in the picture that it came from, so that a map over the one can be laid over the other.

Preprocessing gives the frame and forgets where it was; its files are part of a fingerprint and stay as they
are. Here the same steps are gone once more with the places kept, for an explanation only.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from handler import even_sheet, paper, picture
from handler import ink as uneven_sheet
from handler.decode import FORMATS, decode
from handler.frame import BOX_PX, FRAME_PX
from handler.marks import SPECK_SHARE, find_marks


@dataclass(frozen=True)
class Placement:
    """The frame's square, in pixels of the picture as it is seen (EXIF rotation undone).

    Attributes:
        left: of its left edge; may lie outside the picture, as may the others.
        top: of its upper edge.
        side: its width and height.
    """

    left: float
    top: float
    side: float


def placement(payload: bytes, frame: np.ndarray, framing: str) -> Placement:
    """Give where the frame of an image file's bytes lies in the picture.

    Args:
        payload: the image file.
        frame: uint8 (28, 28), what its framing made of it.
        framing: a key of PLACEMENTS.

    Raises:
        BadImage: as the framing itself does.
    """
    pixels = decode(payload)
    # Decoding reduces large pictures by a whole factor; neither header nor rotation changes the longer side.
    with Image.open(io.BytesIO(payload), formats=FORMATS) as image:
        factor = round(max(image.size) / max(pixels.shape[:2]))
    place = PLACEMENTS[framing](pixels, frame)
    return Placement(place.left * factor, place.top * factor, place.side * factor)


def _of_ink(pixels: np.ndarray, frame: np.ndarray) -> Placement:
    """Give where a frame of framing "ink" lies in decoded pixels, uint8 (height, width, 4)."""
    ink = even_sheet.ink_on_even_sheet(pixels)
    if ink is None:
        ink = uneven_sheet.find_ink(pixels)
        distance, window = _looked_at_uneven(pixels)
    else:
        distance, window = _looked_at_even(pixels)
    cell_width, cell_height = window.width / distance.shape[1], window.height / distance.shape[0]
    column, row = _found(ink, distance)
    side = max(ink.shape[1] * cell_width, ink.shape[0] * cell_height) * FRAME_PX / BOX_PX
    # Scaling and shifting keep the centre of mass on the same ink.
    return Placement(
        window.left + (column + _centre(ink, 0)) * cell_width - _centre(frame, 0) * side / FRAME_PX,
        window.top + (row + _centre(ink, 1)) * cell_height - _centre(frame, 1) * side / FRAME_PX,
        side,
    )


@dataclass(frozen=True)
class _Window:
    """A part of the picture, in pixels."""

    left: int
    top: int
    width: int
    height: int


def _looked_at_even(pixels: np.ndarray) -> tuple[np.ndarray, _Window]:
    """Give the distance map that `ink_on_even_sheet` cuts its ink from, and which pixels that shows."""
    packed = np.require(pixels, requirements=["C", "W"]).view(np.uint32)[..., 0]
    colour, *box = even_sheet._find_sheet(packed)
    for attempt in range(1, even_sheet.PASSES + 1):
        distance = even_sheet._distances(packed, np.uint32(colour), *box)
        (rows, columns), inner = distance.shape, even_sheet._box(find_marks(distance, 0.0, SPECK_SHARE))
        top, bottom, left, right = inner
        is_whole = max(bottom - top, right - left) >= even_sheet.SHRUNK_SHARE * max(rows, columns)
        if is_whole or attempt == even_sheet.PASSES:
            break
        y_scale, x_scale = (box[1] - box[0]) / rows, (box[3] - box[2]) / columns
        top, bottom, left, right = uneven_sheet._grown(inner, distance.shape)
        box = [
            box[0] + round(top * y_scale),
            box[0] + round(bottom * y_scale),
            box[2] + round(left * x_scale),
            box[2] + round(right * x_scale),
        ]
    return distance, _Window(box[2], box[0], box[3] - box[2], box[1] - box[0])


def _looked_at_uneven(pixels: np.ndarray) -> tuple[np.ndarray, _Window]:
    """Give the distance map that `find_ink` cuts its ink from, and which pixels that shows."""
    pixels = cv2.cvtColor(pixels, cv2.COLOR_RGBA2mRGBA)
    height, width = pixels.shape[:2]
    coarse = uneven_sheet._reduced(pixels, uneven_sheet.COARSE_SIDE_PX)
    sheet = paper.find_paper(coarse)
    marks = find_marks(sheet.distance(coarse), uneven_sheet.FLOOR_PER_MEDIAN * sheet.noise, SPECK_SHARE)
    top, bottom, left, right = uneven_sheet._grown(uneven_sheet._box(marks), marks.shape)
    y_scale, x_scale = height / marks.shape[0], width / marks.shape[1]
    rows = slice(round(top * y_scale), round(bottom * y_scale))
    columns = slice(round(left * x_scale), round(right * x_scale))
    fine = uneven_sheet._reduced(pixels[rows, columns], uneven_sheet.FINE_SIDE_PX)
    shares = (columns.start / width, columns.stop / width, rows.start / height, rows.stop / height)
    window = _Window(columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)
    return sheet.distance(fine, shares), window


def _found(ink: np.ndarray, distance: np.ndarray) -> tuple[int, int]:
    """Give the column and row of a distance map at which the ink that was cut from it begins.

    Args:
        ink: float32 (height, width), 0..1.
        distance: float32, no smaller.
    """
    full = float((distance**3).sum() / (distance**2).sum())
    difference = cv2.matchTemplate(np.minimum(distance / full, 1), ink, cv2.TM_SQDIFF)
    column, row = cv2.minMaxLoc(difference)[2]
    return column, row


def _centre(ink: np.ndarray, axis: int) -> float:
    """Give the centre of mass of ink, (height, width), along x (axis 0) or y (axis 1), in its own pixels."""
    profile = ink.sum(axis=axis, dtype=np.float64)
    return float((profile * (np.arange(len(profile)) + 0.5)).sum() / profile.sum())


def _of_picture(pixels: np.ndarray, frame: np.ndarray) -> Placement:
    """Give where a frame of framing "picture" lies in decoded pixels, uint8 (height, width, 4)."""
    premultiplied = cv2.cvtColor(pixels, cv2.COLOR_RGBA2mRGBA)
    coarse = picture._fitted(premultiplied, min(picture.COARSE_SIDE_PX, max(pixels.shape[:2])))
    colours = picture._laid_on(picture._contrasting_sheet(coarse), coarse)
    difference = colours - picture._background(colours)
    is_object = picture._without_specks((difference**2).mean(axis=2) > picture.SAME_SHARE**2)
    region = picture._region(is_object, pixels.shape[:2])
    (top, bottom, _), (left, right, _) = (
        part.indices(length) for part, length in zip(region, pixels.shape[:2], strict=True)
    )
    side = max(bottom - top, right - left)
    # In the frame, the shorter side lies in the middle, by whole pixels.
    margins = [
        (FRAME_PX - max(1, round(length * FRAME_PX / side))) // 2 for length in (right - left, bottom - top)
    ]
    return Placement(left - margins[0] * side / FRAME_PX, top - margins[1] * side / FRAME_PX, side)


# Where frames lie, by framing: decoded pixels and frame -> place in those pixels.
PLACEMENTS: dict[str, Callable[[np.ndarray, np.ndarray], Placement]] = {
    "ink": _of_ink,
    "picture": _of_picture,
}
