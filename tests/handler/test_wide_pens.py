"""A pen so wide that most of what is around a place of it is ink, on paper whose light falls off."""

import numpy as np
import pytest

from handler.frame import frame_of_pixels
from tests.training.outliers.outlier_material import material
from training.data.strokes import placed, rasterise

SIDE = 300
PEN = 46  # a sixth of the picture


def drawn(label: int) -> np.ndarray:
    """How much of each pixel a wide pen covers that writes a digit in the middle: (SIDE, SIDE), 0..1."""
    strokes = placed(material().digits[label].strokes, SIDE / 2, SIDE / 4, SIDE / 4)
    return rasterise(strokes, (SIDE, SIDE), PEN)


def photographed(cover: np.ndarray, ink: tuple[float, float, float], seed: int) -> np.ndarray:
    """The ink on gray paper, lit from the upper left, with a camera's noise: uint8 (SIDE, SIDE, 4)."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    light = 1 - 0.25 * x - 0.2 * y - 0.15 * ((x - 0.5) ** 2 + (y - 0.5) ** 2)
    colours = 205 + cover[..., None] * (np.array(ink) - 205)
    pixels = colours * light[..., None] + random.normal(0, 2, (SIDE, SIDE, 3))
    opaque = np.full((SIDE, SIDE, 1), 255)
    return np.concatenate([np.clip(pixels, 0, 255), opaque], axis=2).astype(np.uint8)


@pytest.mark.parametrize("label", range(10))
@pytest.mark.parametrize("ink", [(40, 60, 150), (95, 95, 95)], ids=["blue", "gray"])
def test_all_of_a_wide_stroke_is_ink(label: int, ink: tuple[float, float, float]) -> None:
    cover = drawn(label)
    even = np.dstack([np.repeat((255 * (1 - cover))[..., None], 3, axis=2), np.full(cover.shape, 255)])
    right = frame_of_pixels(even.astype(np.uint8)) > 100
    found = frame_of_pixels(photographed(cover, ink, label)) > 100
    assert (right & found).sum() > 0.85 * (right | found).sum()
