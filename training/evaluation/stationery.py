"""Sheets that are not blank, or not all of the picture, a second time: with Pillow, for evaluation alone.

As training.evaluation.sheets is to training.data.paint, so this is to training.data.papers.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from training.data.strokes import Drawn
from training.evaluation.brush import Stroke, cover_of, written
from training.evaluation.sheets import Colour, clouds, jpeg, png, seen

PAPERS: tuple[Colour, ...] = ((255, 255, 255), (250, 247, 238), (238, 240, 244), (228, 226, 220))
PENS: tuple[Colour, ...] = (
    (18, 18, 22), (24, 34, 112), (70, 70, 74), (118, 118, 122), (150, 26, 40), (20, 84, 60),
)  # fmt: skip
RULES: tuple[Colour, ...] = (
    (150, 180, 222), (176, 176, 182), (196, 158, 176), (88, 122, 190), (60, 60, 70), (190, 214, 196),
)  # fmt: skip
DESKS: tuple[Colour, ...] = (
    (22, 20, 20), (58, 40, 28), (120, 84, 52), (38, 50, 46), (70, 74, 82), (172, 140, 104),
)  # fmt: skip


@dataclass(frozen=True)
class Written:
    """A digit on a canvas that has nothing else yet.

    Attributes:
        ink: float32 (height, width), 0..1.
        box: left, top, right and bottom of the digit in pixels, without the pen's width.
        pen_px: the pen's width.
        pen: its colour.
        paper: the canvas's colour.
    """

    ink: np.ndarray
    box: tuple[float, float, float, float]
    pen_px: float
    pen: Colour
    paper: Colour

    @property
    def size(self) -> tuple[int, int]:
        """Return width and height."""
        return self.ink.shape[1], self.ink.shape[0]

    @property
    def tall(self) -> float:
        """Return the digit's longer side in pixels."""
        left, top, right, bottom = self.box
        return max(right - left, bottom - top)

    def over(self, below: Image.Image) -> Image.Image:
        """Return the digit over what is on the sheet, "RGB"."""
        mask = Image.fromarray(np.rint(self.ink * 255).astype(np.uint8))
        return Image.composite(Image.new("RGB", below.size, self.pen), below, mask)

    def sheet(self) -> Image.Image:
        """Return the empty sheet, "RGB"."""
        return Image.new("RGB", self.size, self.paper)


def write(
    drawn: Drawn,
    random: np.random.Generator,
    *,
    sides: tuple[int, int] = (240, 600),
    share: tuple[float, float] = (0.3, 0.65),
    pen: tuple[float, float] = (0.02, 0.09),
    margin: float = 0.05,
    flat: bool = False,
) -> Written:
    """Return a digit somewhere on a canvas.

    Args:
        drawn: what is written.
        random: chooses.
        sides: the least and greatest width and height in pixels.
        share: the digit's longer side, as shares of the canvas's shorter one.
        pen: the pen's width, as shares of the digit's longer side.
        margin: the least distance to the border, as a share of the digit's longer side.
        flat: black on white or white on black, as a drawing program has it, in place of pens on paper.
    """
    size = (int(random.integers(*sides)), int(random.integers(*sides)))
    box = min(size) * random.uniform(*share)
    pen_px = max(1.0, box * random.uniform(*pen))
    strokes = written(drawn.strokes, random)
    extent = np.concatenate([stroke.points for stroke in strokes]).max(axis=0) * box
    least = pen_px + margin * box
    left, top = least + np.maximum(np.array(size) - extent - 2 * least, 0) * random.random(2)
    ink = cover_of([Stroke(s.points * box + [left, top], s.pressure) for s in strokes], size, pen_px)
    if flat:
        colours = ((0, 0, 0), (255, 255, 255))[:: 1 if random.random() < 0.75 else -1]
    else:
        colours = PENS[random.integers(len(PENS))], PAPERS[random.integers(len(PAPERS))]
    return Written(ink, (left, top, left + extent[0], top + extent[1]), pen_px, *colours)


def ruled(drawn: Drawn, random: np.random.Generator) -> bytes:
    """In an exercise book: one to five lines to a digit, photographed or scanned."""
    one = write(drawn, random, pen=(0.012, 0.08))
    apart = one.tall / random.uniform(0.7, 5)
    lines = _lines(one, max(8.0, apart), random)
    return _read(one.over(_stained(one.sheet(), lines, _rule(one, random))), random)


def squared(drawn: Drawn, random: np.random.Generator) -> bytes:
    """On squared paper, one to six squares to a digit."""
    one = write(drawn, random, pen=(0.012, 0.08))
    apart = max(8.0, one.tall / random.uniform(1, 6.5))
    lines = [_lines(one, apart, random, turn) for turn in (0, 90)]
    both = Image.fromarray(np.maximum(*(np.asarray(line) for line in lines)))
    return _read(one.over(_stained(one.sheet(), both, _rule(one, random))), random)


def cell(drawn: Drawn, random: np.random.Generator) -> bytes:
    """Cut out of a table a little beside the cell, so that some of its lines come along."""
    one = write(
        drawn, random, sides=(36, 320), share=(0.5, 0.75), pen=(0.05, 0.13), flat=random.random() < 0.6
    )
    width, height = one.size
    line_px = max(1, round(one.pen_px * random.uniform(0.25, 1.1)))
    table = one.sheet()
    brush = ImageDraw.Draw(table)
    line = one.pen if random.random() < 0.6 else _rule(one, random)
    # The cell is about as large as the cut; where it lies decides which lines are seen.
    wide, high = width * random.uniform(0.97, 1.12), height * random.uniform(0.97, 1.12)
    left, top = random.uniform(-0.07, 0.07) * width, random.uniform(-0.07, 0.07) * height
    reach = one.pen_px / 2 + line_px + 1
    for x in (min(left, one.box[0] - reach), max(left + wide, one.box[2] + reach)):
        brush.line([(round(x), -9), (round(x), height + 9)], fill=line, width=line_px)
    for y in (min(top, one.box[1] - reach), max(top + high, one.box[3] + reach)):
        brush.line([(-9, round(y)), (width + 9, round(y))], fill=line, width=line_px)
    turned = table.rotate(random.normal(0, 0.5), Image.Resampling.BICUBIC, fillcolor=one.paper)
    picture = one.over(turned)
    if random.random() < 0.25:
        picture = picture.convert("L").point(lambda value: 255 if value > 150 else 0).convert("RGB")
    return png(picture, "RGB") if random.random() < 0.6 else jpeg(picture, int(random.integers(50, 95)))


def sheet_ends(drawn: Drawn, random: np.random.Generator) -> bytes:
    """A sheet that lies on something, was scanned with its surroundings, or put into a larger picture."""
    ways = (_on_desk, _on_desk, _scanned_wide, _letterboxed, _framed, _pasted)
    return ways[random.integers(len(ways))](drawn, random)


def _on_desk(drawn: Drawn, random: np.random.Generator) -> bytes:
    """Return a photo of a sheet of which one corner or more lies inside the picture."""
    one = write(drawn, random, share=(0.25, 0.55), margin=0.1)
    width, height = one.size
    left, top, right, bottom = one.box
    reach = one.pen_px + 3
    inner = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    inner += np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * reach
    outer = np.array([[0, 0], [width, 0], [width, height], [0, height]], float)
    # Each corner on the way from the digit's box to the picture's, or far beyond it.
    way = random.uniform(0.45, 1.0, (4, 1))
    way[random.permutation(4)[: random.integers(0, 4)]] = random.uniform(1.3, 2.2)
    corners = [(float(x), float(y)) for x, y in inner + (outer - inner) * way]
    mask = Image.new("L", one.size, 0)
    ImageDraw.Draw(mask).polygon(corners, fill=255)
    mask = mask.filter(ImageFilter.GaussianBlur(random.uniform(0.5, 2)))
    desk = np.array(DESKS[random.integers(len(DESKS))], np.float32) / 255
    planks = np.sin(np.linspace(0, random.uniform(3, 40), height, dtype=np.float32))[:, None]
    wood = 1 + random.uniform(0, 0.2) * planks + random.uniform(0, 0.1) * clouds(one.size, random)
    paper = np.asarray(one.over(one.sheet()), np.float32) / 255
    share = np.asarray(mask, np.float32)[..., None] / 255
    return seen(paper * share + np.clip(desk * wood[..., None], 0, 1) * (1 - share), random)


def _scanned_wide(drawn: Drawn, random: np.random.Generator) -> bytes:
    """Return a scan with the open lid's darkness along one side or more."""
    one = write(drawn, random, flat=random.random() < 0.4)
    sides = [int(side) for side in random.integers(2, max(4, min(one.size) // 4), 4)]
    for side in random.permutation(4)[: random.integers(0, 4)]:
        sides[side] = 0
    dark = (int(random.integers(0, 60)),) * 3
    picture = ImageOps.expand(one.over(one.sheet()), (sides[0], sides[1], sides[2], sides[3]), dark)
    return png(picture, "L") if random.random() < 0.3 else jpeg(picture, int(random.integers(40, 95)))


def _letterboxed(drawn: Drawn, random: np.random.Generator) -> bytes:
    """Return a picture between two bands, as players and editors fit one shape into another."""
    one = write(drawn, random, flat=random.random() < 0.5)
    width, height = one.size
    ratio = random.uniform(1.1, 1.8)
    target = (round(width * ratio), height) if random.random() < 0.5 else (width, round(height * ratio))
    band = [(0, 0, 0), (0, 0, 0), (255, 255, 255), (128, 128, 128), (30, 34, 46)][random.integers(5)]
    return jpeg(ImageOps.pad(one.over(one.sheet()), target, color=band), int(random.integers(60, 95)))


def _framed(drawn: Drawn, random: np.random.Generator) -> bytes:
    """Return a picture with a border all around, as scrapbooks and screenshots have it."""
    one = write(drawn, random, flat=random.random() < 0.7)
    wide = int(random.integers(1, max(3, min(one.size) // 9)))
    colour = one.pen if random.random() < 0.5 else DESKS[random.integers(len(DESKS))]
    return png(ImageOps.expand(one.over(one.sheet()), wide, colour), "RGB")


def _pasted(drawn: Drawn, random: np.random.Generator) -> bytes:
    """Return a grey crop of a photo on the white page of a document."""
    one = write(drawn, random, sides=(140, 380))
    grey = np.asarray(one.over(one.sheet()), np.float32) / 255 * random.uniform(0.6, 0.92)
    grey = grey * (1 + 0.02 * clouds(one.size, random))[..., None]
    crop = Image.fromarray(np.rint(np.clip(grey, 0, 1) * 255).astype(np.uint8))
    page = Image.new("RGB", tuple(round(side * random.uniform(1.02, 1.7)) for side in one.size), "white")  # type: ignore[arg-type]
    place = [int(random.integers(0, more - side + 1)) for more, side in zip(page.size, one.size, strict=True)]
    page.paste(crop, (place[0], place[1]))
    return jpeg(page, int(random.integers(60, 95)))


def _lines(one: Written, apart: float, random: np.random.Generator, turn: float = 0) -> Image.Image:
    """Return where lines are, "L", drawn at twice the size and turned as no sheet lies straight."""
    width, height = one.size
    reach = 2 * (width + height)
    large = Image.new("L", (64, reach), 0)
    brush = ImageDraw.Draw(large)
    line_px = max(1, round(2 * min(one.pen_px * random.uniform(0.3, 1.05), apart / 6)))
    for y in np.arange(random.uniform(0, 2 * apart), reach, 2 * apart):
        brush.line([(0, round(y)), (64, round(y))], fill=255, width=line_px)
    # Where each pixel is read: along the lines all is alike.
    angle = np.deg2rad(turn + float(random.normal(0, 2)))
    down = (2 * np.sin(angle), 2 * np.cos(angle))
    from_y = reach / 2 - down[0] * width / 2 - down[1] * height / 2
    found = large.transform(
        (2 * width, 2 * height), Image.Transform.AFFINE,
        (0, 0, 32, down[0] / 2, down[1] / 2, from_y), Image.Resampling.BICUBIC,
    )  # fmt: skip
    return found.resize(one.size, Image.Resampling.BOX)


def _rule(one: Written, random: np.random.Generator) -> Colour:
    """Return a colour of lines that are no stronger than the pen."""
    fitting = [rule for rule in RULES if sum(rule) >= sum(one.pen) or sum(one.paper) < sum(one.pen)]
    return fitting[random.integers(len(fitting))]


def _stained(sheet: Image.Image, where: Image.Image, colour: Colour) -> Image.Image:
    return Image.composite(Image.new("RGB", sheet.size, colour), sheet, where)


def _read(picture: Image.Image, random: np.random.Generator) -> bytes:
    """Return the file of a page: photographed, mostly, or scanned."""
    if random.random() < 0.6:
        return seen(np.asarray(picture, np.float32) / 255, random)
    return png(picture, "RGB") if random.random() < 0.5 else jpeg(picture, int(random.integers(50, 95)))
