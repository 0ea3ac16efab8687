"""Underlined, boxed, circled and outlined digits a second time: with the second pen, for evaluation alone.

As training.evaluation.sheets is to training.data.paint, so this is to training.data.marked.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from training.data.strokes import Drawn
from training.evaluation.brush import cover
from training.evaluation.sheets import Colour, jpeg, png, seen
from training.evaluation.stationery import PENS, Written, write


def underlined(drawn: Drawn, random: np.random.Generator) -> bytes:
    """With a stroke below it, by the same pen or another."""
    one = write(drawn, random, share=(0.3, 0.6), pen=(0.03, 0.11), margin=0.14, flat=random.random() < 0.6)
    left, _, right, bottom = one.box
    line_px = one.pen_px * random.uniform(0.5, 1.3)
    y = bottom + one.pen_px / 2 + line_px / 2 + one.tall * random.uniform(0.03, 0.2)
    over = one.tall * random.uniform(-0.05, 0.3, 2)
    slope = random.uniform(-0.03, 0.03) * one.tall
    ends = np.array(
        [[left - over[0], y + slope], [(left + right) / 2, y], [right + over[1], y - slope]], np.float32
    )
    if ends[2, 0] - ends[0, 0] < 0.3 * one.tall:  # below a 1
        ends[:, 0] += np.array([-0.15, 0, 0.15], np.float32) * one.tall
    ends[:, 1] = np.minimum(ends[:, 1] + abs(slope), one.size[1] - line_px / 2)
    return _finished(one, cover([ends], one.size, line_px), _ink(one, random), random)


def encircled(drawn: Drawn, random: np.random.Generator) -> bytes:
    """In a printed box, a box with round corners, or a circle that a hand drew."""
    one = write(drawn, random, share=(0.28, 0.55), pen=(0.03, 0.11), margin=0.14, flat=random.random() < 0.6)
    left, top, right, bottom = one.box
    line_px = max(1, round(one.pen_px * random.uniform(0.4, 1.3)))
    gap = one.pen_px / 2 + line_px + one.tall * random.uniform(0.06, 0.35)
    frame = (left - gap, top - gap, right + gap, bottom + gap)
    way = random.random()
    if way < 0.5:
        mask = Image.new("L", one.size, 0)
        radius = 0 if way < 0.35 else round(gap)
        ImageDraw.Draw(mask).rounded_rectangle(frame, radius, outline=255, width=line_px)
        around = np.asarray(mask, np.float32) / 255
    else:
        middle = np.array([(left + right) / 2, (top + bottom) / 2])
        half = (np.array([right - left, bottom - top]) / 2 + gap) * random.uniform(1.0, 1.25)
        half = np.maximum(half, half.max() * random.uniform(0.6, 1))
        turn = np.linspace(-np.pi / 2, 1.5 * np.pi * random.uniform(0.97, 1.1), 48)
        shake = 1 + 0.03 * np.sin(turn * 2 + random.uniform(0, 6)) + 0.02 * np.sin(turn * 3)
        oval = middle + np.stack([np.cos(turn), np.sin(turn)], axis=1) * half * shake[:, None]
        around = cover([oval.astype(np.float32)], one.size, float(line_px))
    return _finished(one, around, _ink(one, random), random)


def outlined(drawn: Drawn, random: np.random.Generator) -> bytes:
    """The contour of a broad stroke, left empty or coloured in with a marker."""
    one = write(drawn, random, sides=(150, 420), share=(0.45, 0.7), pen=(0.13, 0.2),
                flat=random.random() < 0.6)  # fmt: skip
    body = Image.fromarray(np.rint(one.ink * 255).astype(np.uint8))
    line_px = max(1.2, one.pen_px * random.uniform(0.1, 0.28))
    # A minimum over a window wears the body down from all sides by half of it.
    window = 2 * max(1, round(line_px)) + 1
    core = body.filter(ImageFilter.MinFilter(window)) if window < 8 else _worn(body, window)
    edge = (np.asarray(body, np.float32) - np.asarray(core, np.float32)).clip(0) / 255
    sheet = one.sheet()
    if random.random() < 0.5:
        lighter = 0.15 + 0.7 * random.random()
        filling = PENS[random.integers(len(PENS))] if random.random() < 0.4 else one.pen
        mixed = np.array(one.paper) * lighter + np.array(filling) * (1 - lighter)
        sheet = Image.composite(Image.new("RGB", one.size, tuple(int(part) for part in mixed)), sheet, core)
    outline = Written(edge, one.box, one.pen_px, one.pen, one.paper)
    return _file(outline.over(sheet), random)


def _worn(body: Image.Image, window: int) -> Image.Image:
    for _ in range(window // 2):
        body = body.filter(ImageFilter.MinFilter(3))
    return body


def _ink(one: Written, random: np.random.Generator) -> Colour:
    """Return the colour of a mark: the digit's own, or another pen's where there is paper to see it on."""
    if random.random() < 0.65 or sum(one.paper) < 600:
        return one.pen
    return PENS[random.integers(len(PENS))]


def _finished(one: Written, mark: np.ndarray, colour: Colour, random: np.random.Generator) -> bytes:
    """Return the file of a digit and a mark, float32 (height, width), 0..1, beside it."""
    where = Image.fromarray(np.rint(mark * 255).astype(np.uint8))
    below = Image.composite(Image.new("RGB", one.size, colour), one.sheet(), where)
    return _file(one.over(below), random)


def _file(picture: Image.Image, random: np.random.Generator) -> bytes:
    way = random.random()
    if way < 0.55:
        return png(picture, "RGB")
    if way < 0.7:
        return jpeg(picture, int(random.integers(40, 95)))
    return seen(np.asarray(picture, np.float32) / 255, random)
