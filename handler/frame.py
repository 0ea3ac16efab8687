"""Ink -> the 28x28 frame that the network was trained on.

MNIST's own protocol (LeCun, Cortes, Burges, "The MNIST database", http://yann.lecun.com/exdb/mnist): the
ink's box is scaled to 20 px keeping its shape, and its centre of mass is put into the middle of 28x28.
"""

from collections.abc import Callable
from functools import partial

import cv2
import numpy as np
from numba import njit

from handler.decode import decode
from handler.even_sheet import ink_on_even_sheet
from handler.ink import find_ink
from handler.marks import Ink

FRAME_PX = 28
BOX_PX = 20
# MNIST's frames have their centre of mass on pixel number 14, counted from 0: half a pixel off the middle.
CENTRE_PX = 14.5


def frame_of(payload: bytes) -> np.ndarray:
    """Return the frame of an image file's bytes: uint8 (28, 28), 0 = paper .. 255 = ink.

    Training, evaluation and serving all come through here.

    Raises:
        BadImage: the bytes are no readable image, or nothing is drawn on it.
    """
    return frame_of_pixels(decode(payload))


def frame_of_pixels(pixels: np.ndarray) -> np.ndarray:
    """Return the frame of decoded pixels, as `framed` does."""
    return framed(pixels)[0]


def framed(pixels: np.ndarray) -> tuple[np.ndarray, Callable[[], tuple[float, float, float]]]:
    """Return the frame of decoded pixels, uint8 (28, 28), 0 = paper .. 255 = ink, and what tells its place.

    The place is left edge, upper edge and side of its square, in pixels; it may reach beyond the picture.

    Args:
        pixels: uint8 (height, width, 4), straight RGBA.

    Raises:
        BadImage: nothing is drawn.
    """
    ink = ink_on_even_sheet(pixels) or find_ink(pixels)
    frame = to_frame(ink.cover)
    return frame, partial(_place, ink, frame)


def _place(ink: Ink, frame: np.ndarray) -> tuple[float, float, float]:
    """Return where a frame of this ink lies in the picture, as `framed` says it."""
    (top, _, left, _), (above, below, before, after) = ink.box, ink.shown
    cell_height, cell_width = (below - above) / ink.shape[0], (after - before) / ink.shape[1]
    height, width = ink.cover.shape
    side = max(width * cell_width, height * cell_height) * FRAME_PX / BOX_PX
    # Scaling and shifting keep the centre of mass on the same ink.
    return (
        before + (left + _centre(ink.cover, 0)) * cell_width - _centre(frame, 0) * side / FRAME_PX,
        above + (top + _centre(ink.cover, 1)) * cell_height - _centre(frame, 1) * side / FRAME_PX,
        side,
    )


def _centre(ink: np.ndarray, axis: int) -> float:
    """Return the centre of mass of ink along x (axis 0) or y (axis 1), in its own pixels."""
    profile = ink.sum(axis=axis, dtype=np.float64)
    return float((profile * (np.arange(len(profile)) + 0.5)).sum() / profile.sum())


def to_frame(ink: np.ndarray) -> np.ndarray:
    """Return the ink scaled and centred: uint8 (28, 28), its strongest pixel 255.

    Args:
        ink: float32 (height, width), 0 = paper .. 1 = ink, cut to the ink's box.
    """
    height, width = ink.shape
    scale = BOX_PX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if (width, height) == size:
        box = ink
    elif scale < 1:
        # Area averaging keeps thin strokes when shrinking; when growing, cubic keeps edges sharp.
        box = cv2.resize(ink, size, interpolation=cv2.INTER_AREA)
    else:
        box = np.clip(cv2.resize(ink, size, interpolation=cv2.INTER_CUBIC), 0, 1)
    # Compiled code is made for one kind of array: contiguous.
    box = np.ascontiguousarray(box)
    return _framed(box, *_start(box))


@njit(cache=True, nogil=True, error_model="numpy")
def _start(box):  # type: ignore[no-untyped-def]
    """Return the row and column where a box's first pixel goes so that its centre of mass comes to CENTRE_PX.

    Args:
        box: float32 (height, width), ink of 0..1; neither side over FRAME_PX.
    """
    height, width = box.shape
    mass = y_moment = x_moment = 0.0
    for y in range(height):
        for x in range(width):
            ink = float(box[y, x])
            mass += ink
            y_moment += ink * (y + 0.5)
            x_moment += ink * (x + 0.5)
    top, left = round(CENTRE_PX - y_moment / mass), round(CENTRE_PX - x_moment / mass)
    return min(max(top, 0), FRAME_PX - height), min(max(left, 0), FRAME_PX - width)


@njit(cache=True, nogil=True, error_model="numpy")
def _framed(box, top, left):  # type: ignore[no-untyped-def]
    """Return the frame, uint8 (FRAME_PX, FRAME_PX), with a box in its place, its strongest pixel 255.

    Args:
        box: float32 (height, width), ink of 0..1.
        top: the row of its first pixel.
        left: that one's column.
    """
    full = np.float32(255) / box.max()
    frame = np.zeros((FRAME_PX, FRAME_PX), np.uint8)
    for y in range(box.shape[0]):
        for x in range(box.shape[1]):
            frame[top + y, left + x] = np.uint8(np.rint(box[y, x] * full))
    return frame
