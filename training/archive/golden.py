"""The golden pictures that an archive is built with, for `handler/self_check.py` to read at every start.

Each takes a way of its own through decoding and preprocessing, so that a change anywhere moves one of them.
All ten digits are among them, and one picture without a drawing, which has to be refused.

None may lie on the edge of a rounding (a symmetric drawing's centre does), or another machine's last digit
would move its frame by a pixel. `tests/handler/test_self_check.py` tells; another pen width helps.
"""

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from handler import self_check
from handler.decode import WORK_SIDE_PX
from handler.framings import is_photo
from handler.model import Model
from training.archive.profile import swapped_profile
from training.data.drawing import drawing, encoded

# Most are smaller than the 144 px that a drawing is found on; the large ones are reduced to that first.
SIDE_PX, LARGE_PX = 72, 160
BLUE, YELLOW = (30, 60, 170), (250, 240, 160)
LIGHT, DARK = (235, 235, 235), (25, 25, 25)
COLOURS = 16
ORIENTATION_TAG, TURNED_LEFT = 274, 6


def write(folder: Path, model: Model) -> None:
    """Write the golden pictures with their expected outcomes into an archive's folder.

    Args:
        folder: where the archive's files are collected.
        model: the one that the archive will carry.
    """
    files = pictures()
    if is_photo(model.framing):
        drawn = Image.open(io.BytesIO(files["7, PNG of few pixels"])).resize((SIDE_PX, SIDE_PX - 9))
        files["JPEG with a profile of its colours"] = encoded(
            ImageChops.offset(drawn.convert("RGB"), 5, 3), "JPEG", quality=90, icc_profile=swapped_profile()
        )
    outcomes = [self_check.golden_of(name, file, model) for name, file in files.items()]
    self_check.write(folder, outcomes, model)


def pictures() -> dict[str, bytes]:
    """Return encoded pictures by what they show: always the same ones, and small: every start reads them."""
    return {
        "0, RGB PNG": encoded(_drawn("0", side_px=LARGE_PX, pen_px=16)),
        "1, RGBA PNG, blue ink on nothing": encoded(_drawn("1", pen=(*BLUE, 255), paper=(255, 255, 255, 0))),
        "2, palette PNG, blue on yellow": encoded(_drawn("2", pen=BLUE, paper=YELLOW).quantize(COLOURS)),
        "3, 16-bit PNG": encoded(_sixteen_bit(_drawn("3", pen_px=2.7))),
        "4, gray PNG, light on dark": encoded(_drawn("4", pen=LIGHT, paper=DARK).convert("L")),
        "5, black-and-white PNG, thin pen": encoded(_drawn("5", pen_px=2.2).convert("1")),
        "6, PNG, small in a corner": encoded(_drawn("6", side_px=300, pen_px=3, box=(0.82, 0.05, 0.14))),
        "7, PNG of few pixels": encoded(_drawn("7", side_px=32, pen_px=2.6)),
        "8, PNG that is reduced": encoded(_on_a_wide_sheet(_drawn("8", pen_px=4.3)).convert("1")),
        "9, RGBA PNG, half-transparent ink": encoded(_drawn("9", pen=(0, 0, 0, 120), paper=(0, 0, 0, 0))),
        "0, JPEG in uneven light": encoded(
            _lit(_drawn("0", side_px=LARGE_PX, pen_px=16.6), shadow=0), "JPEG", quality=80
        ),
        "3, JPEG with a shadow and noise": encoded(
            _lit(_drawn("3", side_px=LARGE_PX, pen_px=9.9), shadow=0.35, noise=4), "JPEG", quality=70
        ),
        "5, strong JPEG": encoded(_drawn("5"), "JPEG", quality=10),
        "2, gray JPEG": encoded(
            _drawn("2", pen_px=13, box=(-0.1, -0.11, 1.22)).convert("L"), "JPEG", quality=85
        ),
        "4, JPEG turned by EXIF": _turned(
            _drawn("4", pen_px=9, pen=BLUE, paper=YELLOW, box=(0.09, 0.08, 0.84))
        ),
        "6, GIF": encoded(_drawn("6", pen=(200, 30, 60)).quantize(COLOURS), "GIF"),
        "8, lossy WebP": encoded(_drawn("8", pen=BLUE), "WEBP", quality=60),
        "9, lossless WebP, ink on nothing": encoded(
            _drawn("9", pen=(255, 255, 255, 255), paper=(0, 0, 0, 0)), "WEBP", lossless=True
        ),
        "1, BMP": encoded(_drawn("1", side_px=40, pen_px=6), "BMP"),
        "9, PNG, on squared paper": encoded(_on_squares(_drawn("9", side_px=LARGE_PX, pen_px=9))),
        "7, TIFF, marker": encoded(_drawn("7", pen_px=10.8), "TIFF", compression="tiff_lzw"),
        # Networks that agree on clear digits do not on these.
        "2 and 4, one over the other": encoded(
            ImageChops.multiply(_drawn("2", pen_px=6.5), _drawn("4", pen_px=6.5))
        ),
        "4 and 6, one over the other": encoded(
            ImageChops.multiply(_drawn("4", pen_px=6.5), _drawn("6", pen_px=6.5))
        ),
        "5 and 6, one over the other": encoded(
            ImageChops.multiply(_drawn("5", pen_px=6.5), _drawn("6", pen_px=6.5))
        ),
        "blank paper, JPEG": encoded(Image.new("RGB", (SIDE_PX, SIDE_PX), YELLOW), "JPEG"),
    }


def _drawn(digit: str, **options: Any) -> Image.Image:
    """Return a drawn digit; the options are those of `drawing`."""
    return drawing(digit, **{"side_px": SIDE_PX, "pen_px": 7.8, **options})


def _on_a_wide_sheet(image: Image.Image) -> Image.Image:
    """Return an RGB picture at the left of white paper that is wider than serving's WORK_SIDE_PX."""
    sheet = Image.new("RGB", (WORK_SIDE_PX + 52, image.height), "white")
    sheet.paste(image)
    return sheet


def _on_squares(image: Image.Image) -> Image.Image:
    """Return an RGB picture with lines across it and down, none of them quite level or upright."""
    brush = ImageDraw.Draw(image)
    for at in range(13, image.width, 29):
        brush.line((0, at, image.width, at + 3), BLUE, 2)
        brush.line((at, 0, at - 4, image.height), BLUE, 2)
    return image


def _sixteen_bit(image: Image.Image) -> Image.Image:
    """Return a picture with 257 times its gray levels, mode "I;16"."""
    return Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)


def _lit(image: Image.Image, shadow: float, noise: float = 0) -> Image.Image:
    """Return a picture as a camera sees it: light that falls off to a corner, a soft shadow, noise.

    Args:
        image: RGB.
        shadow: how much of the light it takes, 0..1.
        noise: its standard deviation, in levels.
    """
    pixels = np.asarray(image).astype(float)
    height, width = pixels.shape[:2]
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    light = 0.95 - 0.3 * (x + y) / 2 - shadow / (1 + np.exp(-30 * (x - 0.6 * y - 0.3)))
    lit = pixels * light[..., None] + np.random.default_rng(0).normal(0, noise, pixels.shape)
    return Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8))


def _turned(image: Image.Image) -> bytes:
    """Return a JPEG whose pixels lie on their side and whose EXIF says so."""
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = TURNED_LEFT
    return encoded(image.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif)
