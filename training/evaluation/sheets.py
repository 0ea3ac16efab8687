"""Every kind of picture a second time, drawn with training.evaluation.brush and Pillow, for evaluation alone.

The kinds have the names that training.data.paint gives them and mean the same to a person; sizes, colours,
light, noise and encoders are chosen here on their own. What reads well only as training draws it shows as a
gap.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFilter

from training.data.drawing import encoded
from training.data.strokes import Drawn
from training.evaluation.brush import Stroke, cover_of, written

Colour = tuple[int, int, int]
BLACK, WHITE = (0, 0, 0), (255, 255, 255)
# The least weighted distance of pen and paper (apart), where black and white are 1 apart.
TOLD_APART = 0.25


def plain(drawn: Drawn, random: np.random.Generator) -> bytes:
    """Black on white."""
    return png(_on(_cover(drawn, random), BLACK, WHITE), str(random.choice(["L", "RGB", "RGBA"])))


def inverted(drawn: Drawn, random: np.random.Generator) -> bytes:
    """White on black."""
    return png(_on(_cover(drawn, random), WHITE, BLACK), str(random.choice(["L", "RGB", "RGBA"])))


def transparent(drawn: Drawn, random: np.random.Generator) -> bytes:
    """A layer of a drawing program: any pen, nothing below, sometimes not quite opaque."""
    alpha = _cover(drawn, random) * random.choice([1.0, 1.0, random.uniform(0.5, 1)])
    picture = Image.new("RGBA", alpha.shape[::-1], (*crayon(random), 0))
    picture.putalpha(Image.fromarray(np.rint(alpha * 255).astype(np.uint8)))
    return png(picture, "RGBA")


def thin(drawn: Drawn, random: np.random.Generator) -> bytes:
    """A hairline, one to two and a half pixels on a sheet of 240 to 520."""
    return png(_on(_cover(drawn, random, pen_px=random.uniform(1, 2.5)), BLACK, WHITE), "L")


def thick(drawn: Drawn, random: np.random.Generator) -> bytes:
    """A broad marker."""
    return png(_on(_cover(drawn, random, pen_share=(0.12, 0.17)), BLACK, WHITE), "RGB")


def coloured(drawn: Drawn, random: np.random.Generator) -> bytes:
    """A crayon on coloured paper, that a person can tell apart."""
    pen, sheet = crayon(random), crayon(random)
    while apart(pen, sheet) < TOLD_APART:
        pen, sheet = crayon(random), crayon(random)
    return png(_on(_cover(drawn, random), pen, sheet), "RGB")


def corner(drawn: Drawn, random: np.random.Generator) -> bytes:
    """Small, in a corner of a large sheet."""
    side, box = int(random.integers(350, 1000)), random.uniform(36, 90)
    pen = box * random.uniform(0.05, 0.11)
    near, far = pen + random.uniform(1, 14), side - box - pen - random.uniform(1, 14)
    place = [near if random.random() < 0.5 else far for _ in range(2)]
    strokes = [
        Stroke(stroke.points * box + place, stroke.pressure) for stroke in written(drawn.strokes, random)
    ]
    return png(_on(cover_of(strokes, (side, side), pen), BLACK, WHITE), "L")


def wide(drawn: Drawn, random: np.random.Generator) -> bytes:
    """A banner, three to seven times as long as high; a third of them stand upright."""
    short = int(random.integers(90, 220))
    size = (round(short * random.uniform(3, 7)), short)
    size = size if random.random() < 2 / 3 else size[::-1]
    return png(_on(_cover(drawn, random, size=size), BLACK, WHITE), "RGB")


def small(drawn: Drawn, random: np.random.Generator) -> bytes:
    """An icon of 16 to 40 pixels a side."""
    side = int(random.integers(16, 41))
    ink = _cover(drawn, random, size=(side, side), box_share=(0.65, 0.9), pen_share=(0.07, 0.14))
    return png(_on(ink, *_either_way(random)), "L")


def strong_jpeg(drawn: Drawn, random: np.random.Generator) -> bytes:
    """Saved by Pillow at a quality of 5 to 15, colours at half the resolution."""
    return jpeg(_on(_cover(drawn, random), *_either_way(random)), int(random.integers(5, 16)))


def photo(drawn: Drawn, random: np.random.Generator) -> bytes:
    """A sheet below a lamp, seen at an angle, in the shadow of a hand, by a phone's sensor."""
    size = (int(random.integers(300, 640)), int(random.integers(300, 640)))
    return photographed(
        _cover(drawn, random, size=size, box_share=(0.35, 0.75), pen_share=(0.025, 0.11)), random
    )


def photographed(ink: np.ndarray, random: np.random.Generator) -> bytes:
    """Return a phone's picture of a sheet with this ink, float32 (height, width), 0..1."""
    ink = _tilted(ink, random)
    paper = np.array([random.uniform(0.86, 1)] * 3) - random.uniform(0, 0.06, 3)
    pen = random.uniform(0.02, 0.4) * np.array([1, 1, 1]) + random.choice([0, 0.25]) * np.eye(3)[2]
    return seen(paper + (pen - paper) * ink[..., None], random)


def seen(surface: np.ndarray, random: np.random.Generator) -> bytes:
    """Return a phone's picture of a flat surface of these colours, float (height, width, 3), 0..1."""
    size = (surface.shape[1], surface.shape[0])
    fibres = 1 + random.uniform(0, 0.02) * clouds(size, random)
    rgb = surface * (_lamp(size, random) * fibres)[..., None]
    rgb = np.clip(rgb * random.uniform(0.85, 1.0, 3), 0, 1) ** random.uniform(0.85, 1.2)
    blurred = _picture(rgb).filter(ImageFilter.GaussianBlur(random.uniform(0.4, 1.8)))
    sharp = np.asarray(blurred, np.float32) / 255
    # Light comes in grains: a sensor's noise grows with the root of what it sees.
    grain = random.standard_normal(sharp.shape, np.float32) * np.sqrt(sharp + 0.02)
    return jpeg(
        _picture(sharp + np.float32(random.uniform(0.003, 0.03)) * grain), int(random.integers(55, 93))
    )


KINDS: dict[str, Callable[[Drawn, np.random.Generator], bytes]] = {
    kind.__name__: kind
    for kind in (
        plain, inverted, transparent, thin, thick, coloured, corner, wide, photo, strong_jpeg, small,
    )
}  # fmt: skip


def _cover(
    drawn: Drawn,
    random: np.random.Generator,
    *,
    size: tuple[int, int] | None = None,
    box_share: tuple[float, float] = (0.4, 0.85),
    pen_share: tuple[float, float] = (0.045, 0.11),
    pen_px: float | None = None,
) -> np.ndarray:
    """Return the pen's cover, float32 (height, width), 0..1, of a sheet with the drawing somewhere on it.

    Args:
        drawn: what is drawn.
        random: chooses within the shares.
        size: width and height in pixels; None: a square of 240 to 520.
        box_share: the drawing's longer side, as shares of the sheet's shorter one.
        pen_share: the pen's width, as shares of the drawing's longer side.
        pen_px: the pen's width in pixels, in place of a share.
    """
    width, height = size or (int(random.integers(240, 521)),) * 2
    box = min(width, height) * random.uniform(*box_share)
    pen = pen_px or max(0.8, box * random.uniform(*pen_share))
    strokes = written(drawn.strokes, random)
    extent = np.concatenate([stroke.points for stroke in strokes]).max(axis=0) * box
    room = np.maximum(np.array([width, height]) - extent - 2 * pen, 0)
    place = pen + room * random.random(2)
    return cover_of([Stroke(s.points * box + place, s.pressure) for s in strokes], (width, height), pen)


def _on(cover: np.ndarray, pen: Colour, sheet: Colour) -> Image.Image:
    """Return the picture of a pen's colour on a sheet's."""
    mask = Image.fromarray(np.rint(cover * 255).astype(np.uint8))
    return Image.composite(Image.new("RGB", mask.size, pen), Image.new("RGB", mask.size, sheet), mask)


def _either_way(random: np.random.Generator) -> tuple[Colour, Colour]:
    return (BLACK, WHITE) if random.random() < 0.5 else (WHITE, BLACK)


def crayon(random: np.random.Generator) -> Colour:
    """Return a colour by hue, so that vivid ones are as frequent as in a box of crayons."""
    hue, saturation, lightness = random.integers(0, 360), random.integers(0, 101), random.integers(5, 96)
    red, green, blue, *_ = ImageColor.getrgb(f"hsl({hue},{saturation}%,{lightness}%)")
    return red, green, blue


def apart(first: Colour, second: Colour) -> float:
    """Return how different two colours look, 0..1: https://www.compuphase.com/cmetric.htm ("redmean")."""
    red, green, blue = (np.array(first) - np.array(second)) / 255
    mean = (first[0] + second[0]) / 510
    return float(np.sqrt(((2 + mean) * red**2 + 4 * green**2 + (3 - mean) * blue**2) / 9))


def _tilted(cover: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return the cover seen at an angle: float32 (height, width), 0..1, corners moved inwards up to 6 %."""
    height, width = cover.shape
    corners = np.array([[0, 0], [0, height], [width, height], [width, 0]], float)
    # Outwards where it is read is inwards where it is shown: nothing leaves the sheet.
    outwards = np.sign(corners - [width / 2, height / 2])
    seen = corners + outwards * random.uniform(0, 0.06, (4, 2)) * [width, height]
    image = Image.fromarray(np.rint(cover * 255).astype(np.uint8))
    data = tuple(float(value) for value in seen.ravel())
    tilted = image.transform(image.size, Image.Transform.QUAD, data, Image.Resampling.BICUBIC)
    return np.asarray(tilted, np.float32) / 255


def _lamp(size: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    """Return the light on each pixel, float32 (height, width), 0..1: a lamp, the room, a hand's shadow."""
    width, height = size
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    (lamp_x, lamp_y), lamp_height = random.uniform(-1.5, 1.5, 2), random.uniform(1.2, 3)
    # Lambert's cosine times the inverse square of the distance, relative to straight below the lamp.
    away = ((x - lamp_x) ** 2 + (y - lamp_y) ** 2) / lamp_height**2
    room = random.uniform(0.3, 0.7)
    light = room + (1 - room) * (1 + away) ** -1.5
    if random.random() < 0.6:
        shadow = Image.new("L", size, 0)
        middle = random.uniform(0, 1, 2) * size
        angles = np.sort(random.uniform(0, 2 * np.pi, 7))
        reach = random.uniform(0.3, 0.9, 7) * max(size)
        outline = middle + np.stack([np.cos(angles), np.sin(angles)], axis=1) * reach[:, None]
        ImageDraw.Draw(shadow).polygon([(float(px), float(py)) for px, py in outline], fill=255)
        soft = shadow.filter(ImageFilter.GaussianBlur(random.uniform(0.015, 0.08) * min(size)))
        light = light * (1 - random.uniform(0.1, 0.4) * np.asarray(soft, np.float32) / 255)
    return (light * random.uniform(0.7, 1) / light.max()).astype(np.float32)


def clouds(size: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    """Return the unevenness of paper: float32 (height, width), about -1..1, two pixels wide."""
    half = random.standard_normal((size[1] // 2 + 1, size[0] // 2 + 1), np.float32)
    return np.asarray(Image.fromarray(half).resize(size, Image.Resampling.BICUBIC))


def _picture(rgb: np.ndarray) -> Image.Image:
    return Image.fromarray(np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8))


def png(picture: Image.Image, mode: str) -> bytes:
    """Return the file of a picture in a mode."""
    return encoded(picture.convert(mode), compress_level=3)


def jpeg(picture: Image.Image, quality: int) -> bytes:
    """Return the file of a picture."""
    return encoded(picture, "JPEG", quality=quality)
