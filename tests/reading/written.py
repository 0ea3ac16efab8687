"""Numbers as pictures: drawn digits side by side on one sheet."""

import io

import numpy as np
from PIL import Image

from training.data.drawing import STROKES, drawing

SIDE_PX = 140


def sheet(text: str, apart_px: int = 0, **how) -> Image.Image:
    """Return the digits of a number on one sheet, each in a square; less than 0 apart they overlap."""
    width = len(text) * (SIDE_PX + apart_px) - apart_px
    paper = how.get("paper", (255, 255, 255))
    image = Image.new("RGB", (width, SIDE_PX), paper)
    is_dark = sum(paper) > 382
    for index, digit in enumerate(text):
        one = drawing(digit, side_px=SIDE_PX, pen_px=10, **how)
        place = (index * (SIDE_PX + apart_px), 0)
        before = np.array(image.crop((*place, place[0] + SIDE_PX, SIDE_PX)))
        both = (np.minimum if is_dark else np.maximum)(before, np.array(one))
        image.paste(Image.fromarray(both), place)
    return image


def png(image: Image.Image) -> bytes:
    """Return a picture's file."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def strokes(text: str, apart: float = 20) -> list[list[list[float]]]:
    """Return the strokes of a number on a grid of 100 units a digit."""
    return [
        [[x + index * (100 + apart), float(y)] for x, y in stroke]
        for index, digit in enumerate(text)
        for stroke in STROKES[digit]
    ]
