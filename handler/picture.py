"""An image of a thing -> the 28x28 frame of a network that was trained on pictures, not on ink.

Fashion-MNIST's own protocol (Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747, section 2): edges of the corners'
colour are trimmed, the longer side becomes 28 px, and the picture lies in the middle of 28x28, bright on
black. Clothes and the like have no centre of mass that would mean something, and their inside counts as much
as their outline. A drawing fills the frame in the same way, wherever on the sheet it was made.
"""

from collections.abc import Callable
from functools import partial

import cv2
import numpy as np

from handler.bad_image import BadImage
from handler.decode import decode

FRAME_PX = 28
# The object is found on a copy of at most this many pixels a side.
COARSE_SIDE_PX = 144
# The background's colour is the median of the four corners, each this share of the shorter side.
CORNER_SHARE = 1 / 14
# What differs less from the background belongs to it: 5 % of the possible distance, as in the paper.
SAME_SHARE = 0.05
# A part of the object with less than this share of its largest part's pixels is dust.
SPECK_SHARE = 0.02
# An object with this share of the picture's longer side fills it, and the picture is taken whole. The objects
# of 900 images of Fashion-MNIST's test set have 26 to 28 of 28 px.
FILLING_SHARE = 0.9


def picture_frame_of(payload: bytes) -> np.ndarray:
    """Return the frame of an image file's bytes: uint8 (28, 28), 0 = background, its brightest pixel 255.

    Raises:
        BadImage: the bytes are no readable image, or it has only one colour.
    """
    return picture_frame_of_pixels(decode(payload))


def picture_frame_of_pixels(pixels: np.ndarray) -> np.ndarray:
    """Return the frame of decoded pixels, as `picture_framed` does."""
    return picture_framed(pixels)[0]


def picture_framed(pixels: np.ndarray) -> tuple[np.ndarray, Callable[[], tuple[float, float, float]]]:
    """Return the frame of decoded pixels and what tells its place, as `handler.frame.framed` does.

    The frame is uint8 (28, 28), 0 = background, its brightest pixel 255.

    Bright is what differs from the background as the object does on the whole: lighter on a dark one, darker
    on a light one, redder on a green one. What differs the opposite way is as black as the background. Below
    transparent pixels lies white where the visible ones are dark, and black where they are light.

    Args:
        pixels: uint8 (height, width, 4), straight RGBA.

    Raises:
        BadImage: the picture has only one colour.
    """
    pixels = cv2.cvtColor(pixels, cv2.COLOR_RGBA2mRGBA)
    coarse = _fitted(pixels, min(COARSE_SIDE_PX, max(pixels.shape[:2])))
    sheet = _contrasting_sheet(coarse)
    colours = _laid_on(sheet, coarse)
    background = _background(colours)
    difference = colours - background
    squared_distance = np.einsum("yxc,yxc->yx", difference, difference)
    is_object = _without_specks(squared_distance > 3 * SAME_SHARE**2)
    if not is_object.any():
        raise _one_colour()
    object_pixels = difference[is_object]
    towards = object_pixels.mean(axis=0)
    if np.linalg.norm(towards) < SAME_SHARE:  # as much lighter as darker: the strongest pixel says
        towards = object_pixels[np.linalg.norm(object_pixels, axis=1).argmax()]
    region = _region(is_object, pixels.shape[:2])
    fitted = _laid_on(sheet, _fitted(pixels[region], FRAME_PX))
    bright = (fitted - background) @ (towards / np.linalg.norm(towards))
    if bright.max() < SAME_SHARE / 10:  # so fine a pattern that 28 px make one gray of it
        raise _one_colour()
    height, width = bright.shape
    top, left = (FRAME_PX - height) // 2, (FRAME_PX - width) // 2
    frame = np.zeros((FRAME_PX, FRAME_PX), np.float32)
    frame[top : top + height, left : left + width] = np.maximum(bright, 0)
    return np.rint(frame * (255 / frame.max())).astype(np.uint8), partial(_place, region, top, left)


def _place(region: tuple[slice, slice], top: int, left: int) -> tuple[float, float, float]:
    """Return where a frame lies in the picture, a region of which begins at this row and column of it."""
    rows, columns = region
    side = max(rows.stop - rows.start, columns.stop - columns.start)
    return columns.start - left * side / FRAME_PX, rows.start - top * side / FRAME_PX, side


def _one_colour() -> BadImage:
    return BadImage(
        "The picture has only one colour: nothing stands out from its background. Send one of an object."
    )


def _contrasting_sheet(pixels: np.ndarray) -> float:
    """Return the gray value to lay the picture on: 1 where it is dark on the whole, 0 where it is light.

    Args:
        pixels: uint8 (height, width, 4), premultiplied RGBA.
    """
    red, green, blue, alpha = cv2.mean(pixels)
    return 1.0 if red + green + blue <= 1.5 * alpha else 0.0


def _fitted(pixels: np.ndarray, side_px: int) -> np.ndarray:
    """Return the picture scaled so that its longer side has side_px, in its own shape."""
    height, width = pixels.shape[:2]
    scale = side_px / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if size == (width, height):
        return pixels
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


def _laid_on(sheet: float, pixels: np.ndarray) -> np.ndarray:
    """Return premultiplied RGBA, uint8 (height, width, 4), on opaque gray: float32 (..., 3), 0..1."""
    shares = pixels.astype(np.float32) / 255
    return shares[..., :3] + sheet * (1 - shares[..., 3:])


def _background(colours: np.ndarray) -> np.ndarray:
    """Return the median colour of the four corners: float32 (3,)."""
    side = max(1, round(min(colours.shape[:2]) * CORNER_SHARE))
    ends = (slice(None, side), slice(-side, None))
    corners = [colours[rows, columns].reshape(-1, 3) for rows in ends for columns in ends]
    return np.median(np.concatenate(corners), axis=0)


def _without_specks(differs: np.ndarray) -> np.ndarray:
    """Return the parts that are large enough to belong to an object: bool (height, width)."""
    _, part_of, stats, _ = cv2.connectedComponentsWithStats(differs.astype(np.uint8))
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0  # the background
    return (areas > SPECK_SHARE * areas.max())[part_of]


def _region(is_object: np.ndarray, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Return the rows and columns of a picture of this shape to look at: the object's, or all if it fills it.

    Args:
        is_object: bool, a reduced copy of the picture, with the object somewhere.
        shape: the picture's height and width.
    """
    left, top, width, height = cv2.boundingRect(is_object.astype(np.uint8))
    if max(width, height) >= FILLING_SHARE * max(is_object.shape):
        return slice(0, shape[0]), slice(0, shape[1])
    y_scale, x_scale = shape[0] / is_object.shape[0], shape[1] / is_object.shape[1]
    return (
        slice(round(top * y_scale), round((top + height) * y_scale)),
        slice(round(left * x_scale), round((left + width) * x_scale)),
    )
