"""Pictures of one drawing as people send them: pads, pens and paper of all colours, photos, bad JPEGs."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from training.data.strokes import Drawn, placed, rasterise, smooth

PLAIN_SIDE_PX = 280
BLACK, WHITE = np.zeros(3, np.float32), np.ones(3, np.float32)


@dataclass(frozen=True)
class Picture:
    """A picture before it is encoded.

    Attributes:
        pixels: uint8 (height, width, 4), straight RGBA.
        jpeg_quality: 1..95, or None for PNG.
        cover: float32 (height, width), 0..1, how much of each pixel the drawing's pen covers; None where
            nobody asks for it.
    """

    pixels: np.ndarray
    jpeg_quality: int | None = None
    cover: np.ndarray | None = None

    def encoded(self) -> bytes:
        """Return the bytes of a PNG or JPEG file."""
        if self.jpeg_quality is None:
            return cv2.imencode(".png", cv2.cvtColor(self.pixels, cv2.COLOR_RGBA2BGRA))[1].tobytes()
        bgr = cv2.cvtColor(self.pixels, cv2.COLOR_RGBA2BGR)
        return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, self.jpeg_quality])[1].tobytes()

    def decoded(self) -> np.ndarray:
        """Return what serving decodes from the file: uint8 (height, width, 4), straight RGBA."""
        if self.jpeg_quality is None:
            return self.pixels * (self.pixels[..., 3:] > 0)
        rgb = np.asarray(cv2.imdecode(np.frombuffer(self.encoded(), np.uint8), cv2.IMREAD_COLOR_RGB))
        return np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])


def _cover(
    drawn: Drawn,
    random: np.random.Generator,
    *,
    size: tuple[int, int] = (PLAIN_SIDE_PX, PLAIN_SIDE_PX),
    box_share: tuple[float, float] = (0.4, 0.85),
    pen_share: tuple[float, float] = (0.05, 0.11),
) -> np.ndarray:
    """Return the pen's cover of a canvas, float32 (height, width), the drawing somewhere on it.

    Args:
        drawn: what is drawn.
        random: chooses within the shares.
        size: width and height in pixels.
        box_share: the drawing's longer side, as shares of the canvas's shorter one.
        pen_share: the pen's width, as shares of the drawing's longer side.
    """
    width, height = size
    box = min(size) * random.uniform(*box_share)
    pen = max(0.8, box * random.uniform(*pen_share))
    low, high = pen / 2 + 1, np.array([width, height]) - box - pen / 2 - 1
    left, top = low + (np.maximum(high, low) - low) * random.random(2)
    strokes = placed(drawn.strokes, box, left, top)
    strokes = [smooth(stroke, int(random.integers(0, 3))) for stroke in strokes]
    return rasterise(strokes, size, pen, soft=random.random() < 0.85)


def _coloured(cover: np.ndarray, pen: np.ndarray, paper: np.ndarray) -> np.ndarray:
    """Return opaque pixels of a pen's colour on a paper's, both float32 (3,), 0..1."""
    return opaque(paper + (pen - paper) * cover[..., None])


def opaque(rgb: np.ndarray) -> np.ndarray:
    """Return colours, float (height, width, 3), 0..1, as opaque RGBA, uint8 (height, width, 4)."""
    eight = np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8)
    return np.dstack([eight, np.full(eight.shape[:2], 255, np.uint8)])


def plain(drawn: Drawn, random: np.random.Generator) -> Picture:
    """Black on white."""
    return Picture(_coloured(_cover(drawn, random), BLACK, WHITE))


def inverted(drawn: Drawn, random: np.random.Generator) -> Picture:
    """White on black."""
    return Picture(_coloured(_cover(drawn, random), WHITE, BLACK))


def transparent(drawn: Drawn, random: np.random.Generator) -> Picture:
    """A pen of any colour on nothing; the colour below the transparent pixels is arbitrary."""
    cover = _cover(drawn, random)
    pen = np.full((*cover.shape, 3), 255 * random.integers(0, 2), np.uint8)
    if random.random() < 0.5:
        pen[:] = random.integers(0, 256, 3)
    pen[cover == 0] = random.integers(0, 256, 3)
    return Picture(np.dstack([pen, np.rint(cover * 255).astype(np.uint8)]))


def thin(drawn: Drawn, random: np.random.Generator) -> Picture:
    """A pen of one to three pixels."""
    return Picture(_coloured(_cover(drawn, random, pen_share=(0.004, 0.016)), BLACK, WHITE))


def thick(drawn: Drawn, random: np.random.Generator) -> Picture:
    """A marker as wide as a sixth of the digit."""
    return Picture(_coloured(_cover(drawn, random, pen_share=(0.13, 0.18)), BLACK, WHITE))


def coloured(drawn: Drawn, random: np.random.Generator) -> Picture:
    """Any pen on any paper that a person can tell apart."""
    while True:
        pen, paper = random.random((2, 3)).astype(np.float32)
        if np.linalg.norm(pen - paper) > 0.35:
            return Picture(_coloured(_cover(drawn, random), pen, paper))


def corner(drawn: Drawn, random: np.random.Generator) -> Picture:
    """Small, in a corner of a large sheet."""
    side = int(random.integers(300, 900))
    box = random.uniform(40, 80)
    margin = random.uniform(3, 12)
    far = side - box - margin
    left, top = (margin if random.random() < 0.5 else far for _ in range(2))
    strokes = placed(drawn.strokes, box, left, top)
    cover = rasterise(strokes, (side, side), box * random.uniform(0.05, 0.1))
    return Picture(_coloured(cover, BLACK, WHITE))


def wide(drawn: Drawn, random: np.random.Generator) -> Picture:
    """On a canvas three to six times as wide as high, or as high as wide."""
    short = int(random.integers(100, 200))
    size = (int(short * random.uniform(3, 6)), short)
    if random.random() < 0.3:
        size = size[::-1]
    return Picture(_coloured(_cover(drawn, random, size=size), BLACK, WHITE))


def photo(drawn: Drawn, random: np.random.Generator) -> Picture:
    """A phone's picture: uneven light, perhaps a shadow's edge, paper grain, blur, noise, JPEG."""
    width, height = sorted(random.integers(240, 700, 2))[:: 1 if random.random() < 0.5 else -1]
    cover = _cover(
        drawn, random, size=(int(width), int(height)), box_share=(0.3, 0.8), pen_share=(0.02, 0.11)
    )
    cover = cv2.GaussianBlur(cover, (0, 0), random.uniform(0.5, 0.004 * min(width, height)))
    light = lit(cover.shape, random)
    paper = 1 - random.uniform(0, 0.12, 3).astype(np.float32)
    pen = random.uniform(0, 0.45, 3).astype(np.float32)
    return photographed(paper + (pen - paper) * cover[..., None], light, random)


def lit(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Return uneven light, perhaps with a shadow's edge: float32 (height, width), 0.12..1.1."""
    height, width = shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    angle = random.uniform(0, 2 * np.pi)
    light = random.uniform(0.55, 0.95) + random.uniform(0.05, 0.3) * (np.cos(angle) * x + np.sin(angle) * y)
    light -= random.uniform(0, 0.25) * (x**2 + y**2) / 2
    if random.random() < 0.4:
        turn, offset = random.uniform(0, 2 * np.pi), random.uniform(-0.5, 0.5)
        edge = (np.cos(turn) * x + np.sin(turn) * y - offset) / random.uniform(0.1, 0.5)
        light *= 1 - random.uniform(0.1, 0.45) / (1 + np.exp(-6 * edge))
    return np.clip(light, 0.12, 1.1)


def photographed(surface: np.ndarray, light: np.ndarray, random: np.random.Generator) -> Picture:
    """Return the photo of a surface, float32 (height, width, 3), 0..1, in this light: grain, noise, JPEG."""
    height, width = light.shape
    grain = cv2.resize(random.standard_normal((height // 3, width // 3), np.float32), (width, height))
    rgb = (surface + random.uniform(0, 0.015) * grain[..., None]) * light[..., None]
    rgb += np.float32(random.uniform(0.003, 0.03)) * random.standard_normal(rgb.shape, np.float32)
    return Picture(opaque(rgb), jpeg_quality=int(random.integers(50, 92)))


def strong_jpeg(drawn: Drawn, random: np.random.Generator) -> Picture:
    """A quality at which blocks show."""
    colours = (BLACK, WHITE) if random.random() < 0.5 else (WHITE, BLACK)
    return Picture(_coloured(_cover(drawn, random), *colours), jpeg_quality=int(random.integers(5, 16)))


def small(drawn: Drawn, random: np.random.Generator) -> Picture:
    """Few pixels: 16 to 40 a side."""
    side = int(random.integers(16, 41))
    cover = _cover(drawn, random, size=(side, side), box_share=(0.65, 0.9), pen_share=(0.07, 0.13))
    colours = (BLACK, WHITE) if random.random() < 0.5 else (WHITE, BLACK)
    return Picture(_coloured(cover, *colours))


KINDS: dict[str, Callable[[Drawn, np.random.Generator], Picture]] = {
    kind.__name__: kind
    for kind in (
        plain, inverted, transparent, thin, thick, coloured, corner, wide, photo, strong_jpeg, small,
    )
}  # fmt: skip
