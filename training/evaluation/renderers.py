"""The two renderers that every stroke picture is drawn with, behind one pair of functions."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from training.data import rendered
from training.data.paint import Picture
from training.data.strokes import Drawn, rasterise
from training.evaluation import brush, sheets
from training.evaluation.handwriting import hands
from training.evaluation.markings import encircled, outlined, underlined
from training.evaluation.stationery import cell, ruled, sheet_ends, squared

# A drawing and a source of chance -> the bytes of an image file.
Painted = Callable[[Drawn, np.random.Generator], bytes]
# Strokes in pixels, float32 (points, 2) each; width and height; the pen's width -> float32 cover, 0..1.
Cover = Callable[[list[np.ndarray], tuple[int, int], float], np.ndarray]


@dataclass(frozen=True)
class Renderer:
    """One way to make pictures of strokes.

    Attributes:
        name: as the report shows it.
        kinds: how each kind of picture is painted, by name.
        cover: its bare pen.
    """

    name: str
    kinds: dict[str, Painted]
    cover: Cover


def _encoded(kind: Callable[[Drawn, np.random.Generator], Picture]) -> Painted:
    return lambda drawn, random: kind(drawn, random).encoded()


_INDEPENDENT: dict[str, Painted] = {
    **sheets.KINDS,
    **{
        kind.__name__: kind
        for kind in (ruled, squared, cell, sheet_ends, underlined, encircled, outlined, hands)
    },
}
RENDERERS = (
    Renderer("training's", {name: _encoded(kind) for name, kind in rendered.KINDS.items()}, rasterise),
    Renderer("independent", _INDEPENDENT, brush.cover),
)
