"""A photograph -> the square frame in colour of a network that was trained on photographs.

What the archive says is done, and nothing is looked for: the middle square of the picture, or all of it on
gray, scaled to the archive's side. Mean and deviation of the colours are the network's own business.
"""

import io
import re
from collections.abc import Callable
from functools import lru_cache, partial

import cv2
import numpy as np
from PIL import Image, ImageCms

from handler.bad_image import BadImage
from handler.decode import FORMATS

# "photo-64": the middle square, 64 px a side; "photo-64-whole": all of the picture, letterboxed.
NAME = re.compile(r"photo-([1-9][0-9]{1,2})(-whole)?")
LEAST_SIDE_PX, MOST_SIDE_PX = 32, 384
# What lies beside a letterboxed picture: the mean colour of ImageNet's, which networks take for nothing.
BESIDE = (124, 116, 104)
# An ICC profile says at this place what its colours are (ICC.1:2022, 7.2.6).
COLOUR_SPACE, RGB = slice(16, 20), b"RGB "
PROFILES = 8  # kept ready: a camera has one


def photo_options(framing: str) -> tuple[int, bool]:
    """Return the side in pixels that a framing's name says, and whether all of the picture is to be seen.

    Raises:
        KeyError: it is no such framing.
    """
    found = NAME.fullmatch(framing)
    if found is None or not LEAST_SIDE_PX <= int(found[1]) <= MOST_SIDE_PX:
        raise KeyError(framing)
    return int(found[1]), found[2] is not None


def photo_framed(
    pixels: np.ndarray, payload: bytes, side_px: int, whole: bool
) -> tuple[np.ndarray, Callable[[], tuple[float, float, float]]]:
    """Return the frame of decoded pixels and what tells its place, as `handler.frame.framed` does.

    The frame is uint8 (side_px, side_px, 3), sRGB. What is transparent lies on white.

    Args:
        pixels: uint8 (height, width, 4), straight RGBA, upright.
        payload: the file that they come from, which may have a profile of its colours.
        side_px: of the frame.
        whole: whether all of the picture is to be seen; else its middle square is.

    Raises:
        BadImage: the picture has only one colour.
    """
    height, width = pixels.shape[:2]
    side = max(height, width) if whole else min(height, width)
    top, left = (height - side) // 2, (width - side) // 2  # below nought where there is less than the square
    seen = pixels[max(top, 0) : max(top, 0) + side, max(left, 0) : max(left, 0) + side]
    colours = in_srgb(np.ascontiguousarray(_on_white(_scaled(seen, side_px / side))), payload)
    if (colours == colours[0, 0]).all():
        raise BadImage("The picture has only one colour: nothing can be seen on it. Send a photograph.")
    frame = np.empty((side_px, side_px, 3), np.uint8)
    frame[:] = BESIDE
    high, wide = colours.shape[:2]
    above, before = (side_px - high) // 2, (side_px - wide) // 2
    frame[above : above + high, before : before + wide] = colours
    return frame, partial(_place, float(left), float(top), float(side))


def _place(left: float, top: float, side: float) -> tuple[float, float, float]:
    return left, top, side


def _scaled(pixels: np.ndarray, scale: float) -> np.ndarray:
    """Return RGBA scaled, premultiplied where anything is transparent: averages of areas when shrinking."""
    if (pixels[..., 3] < 255).any():
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGBA2mRGBA)
    height, width = pixels.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if size == (width, height):
        return pixels
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


def _on_white(pixels: np.ndarray) -> np.ndarray:
    """Return premultiplied RGBA, uint8 (height, width, 4), on white: uint8 (height, width, 3)."""
    clear = 255 - pixels[..., 3:]
    return pixels[..., :3] + np.minimum(clear, 255 - pixels[..., :3])  # cubic scaling may overshoot


def in_srgb(colours: np.ndarray, payload: bytes) -> np.ndarray:
    """Return the colours as sRGB has them where the file has a profile that says what they are.

    A profile that cannot be used, or of other colours than RGB, changes nothing: so do browsers.

    Args:
        colours: uint8 (height, width, 3).
        payload: the file that they come from.
    """
    try:
        with Image.open(io.BytesIO(payload), formats=FORMATS) as image:
            profile = image.info.get("icc_profile") or b""
        if profile[COLOUR_SPACE] != RGB:
            return colours
        return np.array(ImageCms.applyTransform(Image.fromarray(colours), _to_srgb(profile)))
    except Exception:
        # The file was read before this: what a broken remark in it makes Pillow raise is not documented.
        return colours


@lru_cache(PROFILES)
def _to_srgb(profile: bytes) -> ImageCms.ImageCmsTransform:
    """Return what brings colours of a profile to sRGB.

    Raises:
        PyCMSError: it is broken.
    """
    given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    return ImageCms.buildTransform(given, ImageCms.createProfile("sRGB"), "RGB", "RGB", intent)
