"""The sketches that load is made of: digits drawn by many hands, encoded as people and browsers send them."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from training.data.drawing import SIDE_PX, STROKES, encoded
from training.data.strokes import placed, rasterise, smooth

# Of ten pictures so many come from the project's own page, which always sends RGBA of one size.
PAGE_SHARE = 0.6
SIDES_PX = (160, 640)
MODES = ("RGBA", "transparent", "RGB", "L")
GRID = 100  # STROKES lie on a grid of 0..100


@dataclass(frozen=True)
class Sheet:
    """What a digit is drawn on and with.

    Attributes:
        size: width and height in pixels.
        mode: "RGBA", "transparent" (RGBA without paper), "RGB" or "L".
        light_on_dark: the pen is light.
    """

    size: tuple[int, int]
    mode: str
    light_on_dark: bool


def pictures(count: int = 64, seed: int = 0) -> list[bytes]:
    """Return so many PNG files, the ten digits in turn; the same seed gives the same bytes."""
    random = np.random.default_rng(seed)
    digits = sorted(STROKES)
    return [_picture(digits[index % len(digits)], random) for index in range(count)]


def _picture(digit: str, random: np.random.Generator) -> bytes:
    sheet = _sheet(random)
    shorter = min(sheet.size)
    box_px = shorter * random.uniform(0.4, 0.8)
    pen_px = max(1.5, box_px * random.uniform(0.03, 0.12))
    room = np.array(sheet.size) - box_px - pen_px
    left, top = pen_px / 2 + room * random.uniform(0.2, 0.8, 2)
    passes = int(random.integers(1, 4))
    strokes = [smooth(stroke, passes) for stroke in placed(_by_hand(digit, random), box_px, left, top)]
    cover = rasterise(strokes, sheet.size, pen_px)
    return encoded(_coloured(cover, sheet, random))


def _sheet(random: np.random.Generator) -> Sheet:
    if random.random() < PAGE_SHARE:
        return Sheet((SIDE_PX, SIDE_PX), "RGBA", light_on_dark=False)
    width, height = (int(side) for side in random.integers(SIDES_PX[0], SIDES_PX[1] + 1, 2))
    return Sheet((width, height), str(random.choice(MODES)), light_on_dark=random.random() < 0.4)


def _by_hand(digit: str, random: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Return a digit's strokes as one hand would draw them: turned, slanted, off the grid."""
    turn, slant = random.normal(0, 0.08), random.normal(0, 0.12)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = matrix @ np.array([[random.uniform(0.8, 1.15), slant], [0, 1]])
    drawn = (np.array(stroke, np.float32) for stroke in STROKES[digit])
    return tuple(
        ((stroke + random.normal(0, 0.015 * GRID, stroke.shape)) @ matrix.T).astype(np.float32)
        for stroke in drawn
    )


def _coloured(cover: np.ndarray, sheet: Sheet, random: np.random.Generator) -> Image.Image:
    """Return the picture of a pen's cover, float32 (height, width), 0..1, on a sheet."""
    dark, light = random.integers(0, 90, 3), 255 - random.integers(0, 30, 3) * random.integers(0, 2)
    pen, paper = (light, dark) if sheet.light_on_dark else (dark, light)
    if sheet.mode == "transparent":
        alpha = np.rint(cover * 255).astype(np.uint8)
        ink = np.where(alpha[..., None] > 0, pen, 0).astype(np.uint8)
        return Image.fromarray(np.dstack([ink, alpha]))
    if sheet.mode == "L":
        pen, paper = pen[:1], paper[:1]
    pixels = np.rint(paper + (pen - paper) * cover[..., None]).astype(np.uint8)
    if sheet.mode == "L":
        return Image.fromarray(pixels[..., 0])
    if sheet.mode == "RGBA":
        pixels = np.dstack([pixels, np.full(cover.shape, 255, np.uint8)])
    return Image.fromarray(pixels)
