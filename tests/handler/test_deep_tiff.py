"""TIFF files of over 8 bits a value show what they say."""

import numpy as np
import pytest

from handler.decode import decode_reduced
from handler.mending import decode_mended
from tests.handler.odd.other import deep_tiff
from tests.handler.odd.picture import GREY, RGB

WHITE_IS_0, BLACK_IS_0, COLOURS, PLANES = 0, 1, 2, 2
# From 0 to 255, since the levels that there are span the range.
LEVELS = ((GREY - GREY.min()) * (255 / np.ptp(GREY))).astype(np.uint8)


def off(file: bytes, picture: np.ndarray) -> float:
    """Return the mean difference of a file's pixels from a picture's, in levels."""
    pixels, reduction = decode_mended(file)
    assert reduction == 1
    assert (pixels[..., 3] == 255).all()
    expected = picture if picture.ndim == 3 else picture[..., None]
    return float(np.abs(pixels[..., :3].astype(int) - expected).mean())


@pytest.mark.parametrize(("kind", "order"), [("u2", "<"), ("f4", "<"), ("f4", ">")])
def test_white_may_be_0(kind: str, order: str) -> None:
    black_is_0 = LEVELS[None].astype(kind) * 257
    white_is_0 = (255 - LEVELS)[None].astype(kind) * 257
    assert off(deep_tiff(black_is_0, order, photometric=BLACK_IS_0), LEVELS) < 1
    assert off(deep_tiff(white_is_0, order, photometric=WHITE_IS_0), LEVELS) < 1


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("turned", "turns"), [(1, 0), (3, 2), (6, -1)])
def test_colours_of_16_bits_may_come_one_after_the_other(order: str, turned: int, turns: int) -> None:
    planes = np.moveaxis(RGB.astype(np.uint16) * 257, -1, 0)
    file = deep_tiff(planes, order, photometric=COLOURS, planar=PLANES, turned=turned)
    assert off(file, np.rot90(RGB, turns)) == 0


def test_what_is_missing_of_them_leaves_the_picture_as_it_was() -> None:
    planes = np.moveaxis(RGB.astype(np.uint16) * 257, -1, 0)
    file = deep_tiff(planes, "<", photometric=COLOURS, planar=PLANES)[:-1]
    assert (decode_mended(file)[0] == decode_reduced(file)[0]).all()
