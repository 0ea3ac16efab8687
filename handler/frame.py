"""Ink -> the 28x28 frame that the network was trained on.

MNIST's own protocol (LeCun, Cortes, Burges, "The MNIST database", http://yann.lecun.com/exdb/mnist): the
ink's box is scaled to 20 px keeping its shape, and its centre of mass is put into the middle of 28x28.
"""

import cv2
import numpy as np

from handler.decode import decode
from handler.even_sheet import ink_on_even_sheet
from handler.ink import find_ink

FRAME_PX = 28
BOX_PX = 20
# MNIST's frames have their centre of mass on pixel number 14, counted from 0: half a pixel off the middle.
CENTRE_PX = 14.5


def frame_of(payload: bytes) -> np.ndarray:
    """Give the frame of an image file's bytes: uint8 (28, 28), 0 = paper .. 255 = ink.

    Training, evaluation and serving all come through here.

    Raises:
        BadImage: the bytes are no readable image, or nothing is drawn on it.
    """
    return frame_of_pixels(decode(payload))


def frame_of_pixels(pixels: np.ndarray) -> np.ndarray:
    """Give the frame of decoded pixels: uint8 (28, 28), 0 = paper .. 255 = ink.

    Args:
        pixels: uint8 (height, width, 4), straight RGBA.

    Raises:
        BadImage: nothing is drawn.
    """
    ink = ink_on_even_sheet(pixels)
    return to_frame(find_ink(pixels) if ink is None else ink)


def to_frame(ink: np.ndarray) -> np.ndarray:
    """Give the ink scaled and centred: uint8 (28, 28), its strongest pixel 255.

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
    top, left = (_start(box.sum(axis=axis)) for axis in (1, 0))
    frame = np.zeros((FRAME_PX, FRAME_PX), np.float32)
    frame[top : top + box.shape[0], left : left + box.shape[1]] = box
    return np.rint(frame * (255 / frame.max())).astype(np.uint8)


def _start(profile: np.ndarray) -> int:
    """Give where a box's first pixel goes so that its centre of mass comes to CENTRE_PX.

    Args:
        profile: float32 (length,), the ink summed across the other axis.
    """
    mass_centre = float((profile * (np.arange(len(profile)) + 0.5)).sum() / profile.sum())
    return min(max(round(CENTRE_PX - mass_centre), 0), FRAME_PX - len(profile))
