"""The same digit drawn plainly, and again with one thing changed: what must not change the answer."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from training.data.drawing import encoded
from training.data.strokes import Drawn, placed
from training.evaluation.renderers import Cover

SIDES_PX = (12, 14, 16, 20, 24, 28, 32, 40, 48, 64)
# The least distance of two colours in the RGB cube, whose diagonal is 1.73.
FAR_APART = 0.5


@dataclass(frozen=True)
class Sheet:
    """How a digit is put on a square sheet.

    Attributes:
        side_px: the sheet's side.
        box: the drawing's longer side, as a share of the sheet's.
        place: where the drawing's box lies in the room that is left: (0, 0) top left .. (1, 1) bottom right.
        pen: the pen's width, as a share of the drawing's longer side.
        turn_deg: how far the drawing is turned, clockwise.
        colours: pen and paper, RGB, 0..1.
    """

    side_px: int = 280
    box: float = 0.6
    place: tuple[float, float] = (0.5, 0.5)
    pen: float = 0.08
    turn_deg: float = 0.0
    colours: tuple[tuple[float, ...], tuple[float, ...]] = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


UNCHANGED = Sheet()


def low_resolution(side_px: int) -> Sheet:
    """Return a sheet of few pixels that the drawing fills to four fifths."""
    return replace(UNCHANGED, side_px=side_px, box=0.8, pen=0.1)


def _colours(random: np.random.Generator) -> Sheet:
    while True:
        pen, paper = random.random((2, 3))
        if np.linalg.norm(pen - paper) > FAR_APART:
            return replace(UNCHANGED, colours=(tuple(pen), tuple(paper)))


CHANGES: dict[str, Callable[[np.random.Generator], Sheet]] = {
    "inversion: white on black": lambda _: replace(UNCHANGED, colours=UNCHANGED.colours[::-1]),
    "shift: anywhere on the sheet": lambda random: replace(UNCHANGED, place=tuple(random.random(2))),
    "scale: 0.2 to 0.9 of the sheet": lambda random: replace(UNCHANGED, box=random.uniform(0.2, 0.9)),
    "colour: any pen on any paper": _colours,
    "pen width: 0.02 to 0.16 of the digit": lambda random: replace(UNCHANGED, pen=random.uniform(0.02, 0.16)),
    "rotation: up to 10° either way": lambda random: replace(UNCHANGED, turn_deg=random.uniform(-10, 10)),
}


def picture(drawn: Drawn, sheet: Sheet, cover: Cover) -> bytes:
    """Return the PNG of a digit on a sheet, drawn with a renderer's bare pen."""
    turn = np.deg2rad(sheet.turn_deg)
    matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]], np.float32)
    box_px = sheet.box * sheet.side_px
    pen_px = sheet.pen * box_px
    strokes = placed(tuple(stroke @ matrix for stroke in drawn.strokes), box_px, 0.0, 0.0)
    extent = np.concatenate(strokes).max(axis=0)
    room = np.maximum(sheet.side_px - extent - pen_px - 2, 0)
    corner = pen_px / 2 + 1 + room * np.array(sheet.place)
    ink = cover([(stroke + corner).astype(np.float32) for stroke in strokes], (sheet.side_px,) * 2, pen_px)
    pen, paper = (np.array(colour) for colour in sheet.colours)
    rgb = np.rint(255 * (paper + (pen - paper) * ink[..., None])).astype(np.uint8)
    return encoded(Image.fromarray(rgb), compress_level=3)
