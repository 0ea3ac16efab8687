"""Letters and symbols from the fonts that matplotlib brings, as a pen would write them or a press print them.

A glyph becomes strokes: its spine (thinned to a line, as handwriting is), its outline, or its area. So it can
be drawn with any pen on any paper, like a digit.
"""

import string
from functools import cache
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from matplotlib.ft2font import FT2Font
from PIL import Image, ImageDraw, ImageFont

from training.outliers.hand import Strokes, hatched

SIZE_PX = 56  # a glyph's size where it is thinned; its spine is two to four times finer than a frame
SPUR_PX = 4
# Left out is what a person would take for a digit: O and o, Q, D; I, l, i; Z, z; S, s; B, b; G; g, q, y; and
# what fonts draw for them. Q and D close to a 0, G and b are a 6, g, q and y a 9 or a 4.
AS_DIGITS = frozenset("OoQDIliZzSsBbGgqy")
LETTERS = "".join(sorted(set(string.ascii_letters) - AS_DIGITS))
PUNCTUATION = "#%@?!+=*<>~€£¥§¶"
# By block of Unicode; circles, upright bars, empty-set signs and enclosed digits are left out.
SYMBOLS = PUNCTUATION + "".join(
    chr(code)
    for first, last in (
        (0x2190, 0x21FF),
        (0x2200, 0x22FF),
        (0x25A0, 0x25FF),
        (0x2600, 0x26FF),
        (0x2701, 0x27BF),
    )
    for code in range(first, last + 1)
    if chr(code) not in "∅∣∤∘∙⊘⊙⊖⊝∫∮∶∷⁞▮▯◊◦○◌◍◎●◯◖◗◘◙☉⚆⚇⚈⚉⚪⚫⚬⚲❍❘❙❚⟊∂∃϶⋮⦸☇☡" and not 0x2776 <= code <= 0x2793
)
# Letters that look like no digit and like no Latin letter. Cyrillic and Armenian:
ALPHABETS = "ЖИЛПЦШЩЫЯДЙЮджлшщюямнтци" + "աբդեէժխկհղմնռրքԱԲԴԵԷԽԿՀՄՆՌ"
# Greek and Hebrew without what has a twin in those above or in SYMBOLS, as Π has in П and Λ in ⋀; and faces:
OTHER_ALPHABETS = "Ψηλμψ" + "אהמפצקש"
EMOTICONS = "".join(map(chr, range(0x1F600, 0x1F641)))
TEXT_FONTS = (
    "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSansMono-Oblique", "DejaVuSansDisplay",
    "STIXGeneral", "STIXGeneralItalic", "STIXGeneralBol", "cmr10", "cmb10", "cmtt10", "cmti10",
)  # fmt: skip
# No letter of these is drawn for training.
OTHER_FONTS = ("DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic", "DejaVuSansMono-Bold", "cmss10")
SYMBOL_FONTS = ("DejaVuSans", "DejaVuSans-Bold", "STIXGeneral")


def glyph(characters: str, fonts: tuple[str, ...], random: np.random.Generator) -> Strokes:
    """Return one of the characters in one of the fonts: mostly its spine, sometimes its outline or its area.

    Raises:
        ValueError: none of the fonts has any of the characters.
    """
    choices = _drawable(characters, fonts)
    if not choices:
        raise ValueError(f"None of the fonts {', '.join(fonts)} has any of {characters!r}.")
    font, character = choices[random.integers(len(choices))]
    style = random.random()
    if style < 0.6:
        return spine(font, character)
    contours = outline(font, character)
    return contours if style < 0.7 else hatched(contours)


@cache
def _drawable(characters: str, fonts: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the pairs of font and character that exist and show something."""
    found = []
    for font in fonts:
        known = FT2Font(str(_file(font))).get_charmap()
        found += [(font, one) for one in characters if ord(one) in known and mask(font, one).any()]
    return found


def _file(font: str) -> Path:
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{font}.ttf"


def mask(font: str, character: str) -> np.ndarray:
    """Return a printed character: uint8 (height, width), 1 = ink, about SIZE_PX high, its margin empty."""
    printed = ImageFont.truetype(str(_file(font)), SIZE_PX)
    left, top, right, bottom = printed.getbbox(character)
    image = Image.new("L", (round(right - left) + 4, round(bottom - top) + 4))
    ImageDraw.Draw(image).text((2 - left, 2 - top), character, fill=255, font=printed)
    return (np.asarray(image) > 127).astype(np.uint8)


@cache
def outline(font: str, character: str) -> Strokes:
    """Return the closed outlines of a printed character."""
    contours, _ = cv2.findContours(mask(font, character), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    return tuple(np.concatenate([one, one[:1]])[:, 0].astype(np.float32) for one in contours)


@cache
def spine(font: str, character: str) -> Strokes:
    """Return the middle line of a printed character, as a pen writes it."""
    return traced(thinned(mask(font, character)))


def thinned(ink: np.ndarray) -> np.ndarray:
    """Return the ink thinned to lines of one pixel: bool (height, width) (Zhang and Suen 1984, CACM 27:3).

    Args:
        ink: uint8 (height, width), 0 or 1, the outermost rows and columns empty.
    """
    ink = ink.copy()
    around = (
        (1, 0),
        (1, -1),
        (0, -1),
        (-1, -1),
        (-1, 0),
        (-1, 1),
        (0, 1),
        (1, 1),
    )  # clockwise from the north
    while True:
        before = int(ink.sum())
        for first in (True, False):
            north, _, east, _, south, _, west, _ = p = [np.roll(ink, step, (0, 1)) for step in around]
            neighbours = np.sum(p, axis=0)
            starts = np.sum([(p[i] == 0) & (p[(i + 1) % 8] == 1) for i in range(8)], axis=0)
            corner = (
                (north & east & south, east & south & west)
                if first
                else (north & east & west, north & south & west)
            )
            gone = (neighbours >= 2) & (neighbours <= 6) & (starts == 1) & (corner[0] == 0) & (corner[1] == 0)
            ink[gone] = 0
        if ink.sum() == before:
            return ink.astype(bool)


def traced(lines: np.ndarray) -> Strokes:
    """Return lines of one pixel as strokes, ends first, smoothed over five pixels; spurs are left out."""
    left = {(int(x), int(y)) for y, x in np.argwhere(lines)}
    everything = frozenset(left)
    strokes = []
    while left:
        start = min(left, key=lambda at: (len(_beside(at, left)), at))
        path = [*_beside(start, everything - left)[:1], start]
        left.discard(start)
        while following := _beside(path[-1], left):
            path.append(following[0])
            left.discard(following[0])
        path += [at for at in _beside(path[-1], everything - left) if at not in path[-3:]][:1]
        if len(path) < SPUR_PX and _touches(path, everything):
            continue
        points = np.array(path, np.float32)
        padded = np.pad(points, ((2, 2), (0, 0)), mode="edge")
        smooth = np.mean([padded[i : i + len(points)] for i in range(5)], axis=0)
        smooth[[0, -1]] = points[[0, -1]]
        strokes.append(smooth.astype(np.float32))
    return tuple(strokes)


def _touches(path: list[tuple[int, int]], everything: frozenset[tuple[int, int]]) -> bool:
    """Tell whether a path goes on anywhere: the dot of a j does not, a spur of the thinning does."""
    return any(set(_beside(at, everything)) - set(path) for at in path)


def _beside(
    at: tuple[int, int], among: set[tuple[int, int]] | frozenset[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Return the neighbours that are in the set, those that share a side first."""
    x, y = at
    around = ((x + 1, y), (x, y + 1), (x - 1, y), (x, y - 1),
              (x + 1, y + 1), (x - 1, y + 1), (x - 1, y - 1), (x + 1, y - 1))  # fmt: skip
    return [one for one in around if one in among]
