"""Drawings with something beside them: desks, rules, underlines, frames."""

import cv2
import numpy as np
from PIL import Image

from handler.frame import frame_of_pixels
from training.data.drawing import drawing

SIDE_PX = 280
# The drawing's place: away from the border, and from what is drawn beside it.
BOX = (0.3, 0.25, 0.4)


def pixels_of(digit: str, **options: object) -> np.ndarray:
    """Return a digit on white paper: uint8 (280, 280, 3), writable."""
    chosen = {"pen_px": 12, "box": BOX, **options}
    return np.array(drawing(digit, **chosen).convert("RGB"))  # type: ignore[arg-type]


def frame(pixels: np.ndarray) -> np.ndarray:
    """Return the frame of an RGB picture."""
    return frame_of_pixels(np.asarray(Image.fromarray(pixels).convert("RGBA")))


def photographed(pixels: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return a picture in light that falls off to one side, with a sensor's noise."""
    light = np.linspace(0.7, 1, pixels.shape[1])[None, :, None]
    noise = np.random.default_rng(seed).normal(0, 2, pixels.shape)
    lit = cv2.GaussianBlur(pixels, (0, 0), 0.7) * light + noise
    return np.clip(lit, 0, 255).astype(np.uint8)


def likeness(first: np.ndarray, second: np.ndarray) -> float:
    """Return the correlation of two frames seen slightly out of focus, 1 when they are equal.

    Framing rounds to whole pixels, and the same may lie a pixel aside: the best of nine places counts.
    """
    a, b = (cv2.GaussianBlur(one.astype(float), (0, 0), 1.0) for one in (first, second))
    moved = (np.roll(a, (y, x), axis=(0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1))
    return max(float(np.corrcoef(one.ravel(), b.ravel())[0, 1]) for one in moved)
