"""How an image becomes a frame, by the name that an archive has for it."""

from collections.abc import Callable
from functools import partial

import numpy as np

from handler.frame import FRAME_PX, framed
from handler.mending import decode_mended
from handler.photo import photo_framed, photo_options
from handler.picture import picture_framed

# Left edge, upper edge and side of a frame's square in the picture that it was made of, in pixels.
Place = tuple[float, float, float]
Made = tuple[np.ndarray, Callable[[], Place]]
# How decoded pixels, straight RGBA, become a frame, uint8 (28, 28), 255 = ink, and what tells its place.
FRAMINGS: dict[str, Callable[[np.ndarray], Made]] = {
    "ink": framed,  # a drawing: the ink alone, centred by its mass
    "picture": picture_framed,  # a thing: the whole picture
}
# And "photo-64" and the like: a photograph, in colour (handler/photo.py).
PHOTO = "photo"


def framing_of(name: str) -> Callable[[np.ndarray, bytes], Made]:
    """Return what makes a frame of decoded pixels and the file that they come from, and tells its place.

    Raises:
        KeyError: there is no such framing.
    """
    if name in FRAMINGS:
        of_pixels = FRAMINGS[name]
        return lambda pixels, _: of_pixels(pixels)
    side_px, whole = photo_options(name)
    return partial(photo_framed, side_px=side_px, whole=whole)


def frame_of_file(payload: bytes, framing: str) -> np.ndarray:
    """Return the frame of an image file's bytes, uint8 of `frame_shape`.

    Raises:
        BadImage: the bytes are no readable image, or nothing is on it.
        KeyError: there is no such framing.
    """
    return framing_of(framing)(decode_mended(payload)[0], payload)[0]


def frame_shape(framing: str) -> tuple[int, ...]:
    """Return the shape of a framing's frames: (28, 28), or of a photograph (side, side, 3), sRGB.

    Raises:
        KeyError: there is no such framing.
    """
    if framing in FRAMINGS:
        return FRAME_PX, FRAME_PX
    side_px, _ = photo_options(framing)
    return side_px, side_px, 3


def is_framing(name: str) -> bool:
    """Tell whether there is a framing of this name."""
    try:
        return bool(frame_shape(name))
    except KeyError:
        return False


def is_photo(framing: str) -> bool:
    """Tell whether a framing makes frames in colour."""
    return framing.split("-")[0] == PHOTO
