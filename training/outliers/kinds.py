"""Every kind of outlier by name, which of them training sees, and how one is drawn."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from handler.bad_image import BadImage
from handler.frame import frame_of_pixels
from training.data.paint import Picture
from training.data.rendered import KINDS
from training.data.strokes import Drawn
from training.outliers import figures, glyphs, mixtures, papers, shapes, textures
from training.outliers.hand import Strokes, by_hand

NO_DIGIT, NOBODY = -1, 0  # the label and the writer of a drawing that is no digit
ATTEMPTS = 200
# How often an outlier is painted in each way: about as often as the digits that the gate is trained on, two
# thirds of which are MNIST's scans and no photos. Photos and large sheets cost ten times as much as the rest.
PAINT_SHARES = {
    "plain": 0.14, "inverted": 0.07, "transparent": 0.07, "thin": 0.1, "thick": 0.1, "coloured": 0.05,
    "corner": 0.02, "wide": 0.03, "photo": 0.03, "strong_jpeg": 0.04, "small": 0.07,
    "ruled": 0.04, "squared": 0.04, "cell": 0.04, "sheet_ends": 0.03, "underlined": 0.05, "encircled": 0.05,
    "outlined": 0.02, "hands": 0.01,
}  # fmt: skip


@dataclass(frozen=True)
class Material:
    """What outliers are made of besides chance.

    Attributes:
        digits: pen digits, for those that are made of digits.
        images: uint8 (count, 28, 28), 255 = ink, scanned digits.
    """

    digits: list[Drawn]
    images: np.ndarray


Sketch = Callable[[Material, np.random.Generator], Strokes]


def _shape(draw: Callable[[np.random.Generator], Strokes]) -> Sketch:
    return lambda _, random: by_hand(draw(random), random)


def _letters(characters: str, fonts: tuple[str, ...]) -> Sketch:
    return lambda _, random: by_hand(glyphs.glyph(characters, fonts, random), random)


def _mixture(draw: Callable[[list[Drawn], np.random.Generator], Strokes]) -> Sketch:
    return lambda material, random: draw(material.digits, random)


# Kinds that are strokes: they can be drawn with every pen on every paper that digits are drawn with.
SKETCHES: dict[str, Sketch] = {
    "letters": _letters(glyphs.LETTERS, glyphs.TEXT_FONTS),
    "Cyrillic and Armenian": _letters(glyphs.ALPHABETS, glyphs.SYMBOL_FONTS),
    "symbols": _letters(glyphs.SYMBOLS, glyphs.SYMBOL_FONTS),
    "scribbles": _shape(shapes.scribble),
    "made-up characters": _shape(shapes.made_up_character),
    "few curves": _shape(shapes.few_curves),
    "lines": _shape(shapes.lines),
    "arrows": _shape(shapes.arrow),
    "hearts": _shape(shapes.heart),
    "stars": _shape(shapes.star),
    "signs": _shape(shapes.sign),
    "faces": _shape(figures.face),
    "clothes": _shape(figures.clothes),
    "stick figures": _shape(figures.stick_figure),
    "several digits": _mixture(mixtures.several),
    "digits over each other": _mixture(mixtures.overlaid),
    "pieces of digits": _mixture(mixtures.pieces),
    "struck out digits": _mixture(mixtures.struck_out),
    "letters in other fonts": _letters(glyphs.LETTERS, glyphs.OTHER_FONTS),
    "Greek and Hebrew": _letters(glyphs.OTHER_ALPHABETS, glyphs.SYMBOL_FONTS),
    "emoticons": _letters(glyphs.EMOTICONS, glyphs.SYMBOL_FONTS),
    "houses": _shape(figures.house),
    "fish": _shape(figures.fish),
    "flowers": _shape(figures.flower),
}
# Kinds that are pictures of their own.
PICTURES: dict[str, Callable[[Material, np.random.Generator], Picture]] = {
    "textures": lambda _, random: textures.texture(random),
    "empty papers": lambda _, random: papers.empty(random),
    "marks of nothing": lambda _, random: papers.mark(random),
    "several scanned digits": lambda material, random: mixtures.several_scanned(material.images, random),
    "scanned digits over each other": lambda material, random: mixtures.overlaid_scanned(
        material.images, random
    ),
}
# The one place that says what training never sees: neither these nor anything like them.
HELD_OUT = frozenset({"Greek and Hebrew", "houses", "fish"})
# Drawn for the report alone, too, but training has their like: the same letters in twelve fonts; faces, and ☺
# and ☻ among the symbols; there ✿, ❀ and ⚘. They count with what training saw.
RELATED = frozenset({"letters in other fonts", "emoticons", "flowers"})
SEEN = tuple(kind for kind in (*SKETCHES, *PICTURES) if kind not in HELD_OUT | RELATED)


def drawn(kind: str, material: Material, random: np.random.Generator) -> Drawn:
    """Return the strokes of an outlier, a key of SKETCHES, as the painters of digits take them."""
    return Drawn(NO_DIGIT, NOBODY, SKETCHES[kind](material, random))


def picture(kind: str, material: Material, random: np.random.Generator) -> Picture:
    """Return a picture of an outlier, as often thin, coloured, a photo ... as training's digits are."""
    if kind in PICTURES:
        return PICTURES[kind](material, random)
    way = str(random.choice(tuple(PAINT_SHARES), p=tuple(PAINT_SHARES.values())))
    return KINDS[way](drawn(kind, material, random), random)


def frame(kind: str, material: Material, seed: tuple[int, ...]) -> np.ndarray:
    """Return the frame that serving makes of an outlier: uint8 (28, 28), 255 = ink.

    A picture that serving refuses as blank, as it does some textures, is drawn anew.

    Raises:
        ValueError: it was refused ATTEMPTS times.
    """
    for attempt in range(ATTEMPTS):
        made = picture(kind, material, np.random.default_rng((*seed, attempt)))
        try:
            return frame_of_pixels(made.decoded())
        except BadImage:
            continue
    raise ValueError(
        f"{ATTEMPTS} pictures of {kind} in a row are blank after preprocessing: change how they are drawn."
    )
