"""What lies beside the sheet is no ink, and a stroke that leaves the picture is."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from handler.bad_image import BadImage
from handler.frame import framed
from tests.handler.beside import SIDE_PX, frame, likeness, photographed, pixels_of
from training.data.drawing import STROKES

DARK = (25, 20, 30)


def strip_below(pixels: np.ndarray) -> None:
    """A scanner's open lid."""
    pixels[-30:] = DARK


def strips(pixels: np.ndarray) -> None:
    """An open lid on two sides, thin."""
    pixels[:5] = pixels[:, -4:] = 0


def corner(pixels: np.ndarray) -> None:
    """A desk below a sheet that lies at an angle."""
    cv2.fillPoly(pixels, [np.array([[0, 0], [90, 0], [0, 60]])], DARK)


def desk(pixels: np.ndarray) -> None:
    """A desk along two sides, one of them slanted."""
    cv2.fillPoly(pixels, [np.array([[0, 0], [40, 0], [12, 280], [0, 280]])], (90, 60, 40))
    pixels[-20:] = (90, 60, 40)


def letterbox(pixels: np.ndarray) -> None:
    """A player's bands."""
    pixels[:35] = pixels[-35:] = 0


def border(pixels: np.ndarray) -> None:
    """A dark border all around."""
    pixels[:25] = pixels[-25:] = pixels[:, :25] = pixels[:, -25:] = DARK


def pasted(pixels: np.ndarray) -> None:
    """A grey crop on a document's white page."""
    pixels[...] = pixels * 0.8
    pixels[:20] = pixels[-30:] = pixels[:, :40] = pixels[:, -25:] = 255


BESIDE = (strip_below, strips, corner, desk, letterbox, border, pasted)


@pytest.mark.parametrize("beside", BESIDE)
@pytest.mark.parametrize("digit", STROKES)
def test_what_lies_beside_the_sheet_is_no_ink(digit: str, beside: Callable[[np.ndarray], None]) -> None:
    clean, pixels = pixels_of(digit), pixels_of(digit)
    beside(pixels)
    assert likeness(frame(pixels), frame(clean)) > 0.94
    assert likeness(frame(photographed(pixels)), frame(photographed(clean))) > 0.92


# The bar of a five or a seven goes along the edge, and is still lost.
@pytest.mark.parametrize("digit", [one for one in STROKES if one not in "57"])
def test_a_faint_digit_close_to_a_dark_edge_stays_whole(digit: str) -> None:
    clean = pixels_of(digit, pen_px=8)
    top = int(np.flatnonzero((clean[..., 0] < 128).any(axis=1))[0])
    faint = (255 - (255 - clean[top - 8 :]) * 0.5).astype(np.uint8)
    pixels = cv2.copyMakeBorder(faint, 40, 0, 0, 0, cv2.BORDER_CONSTANT, value=(20, 20, 20))
    assert likeness(frame(photographed(pixels)), frame(clean)) > 0.9


@pytest.mark.parametrize("beside", [border, pasted])
def test_a_sheet_on_one_colour_is_found_where_it_lies(beside: Callable[[np.ndarray], None]) -> None:
    clean, pixels = pixels_of("5"), pixels_of("5")
    beside(pixels)
    places = [
        np.array(framed(np.dstack([one, np.full((SIDE_PX, SIDE_PX), 255, np.uint8)]))[1]())
        for one in (clean, pixels)
    ]
    assert np.abs(places[0] - places[1]).max() < 4


@pytest.mark.parametrize("side", ["top", "bottom", "left", "right"])
@pytest.mark.parametrize("digit", STROKES)
def test_a_stroke_that_leaves_the_picture_stays(digit: str, side: str) -> None:
    whole = pixels_of(digit, box=(0.1, 0.1, 0.8))
    cut = {"top": np.s_[45:], "bottom": np.s_[:-45], "left": np.s_[:, 70:], "right": np.s_[:, :-70]}[side]
    pixels = np.ascontiguousarray(whole[cut])
    margin = np.full((pixels.shape[0] + 80, pixels.shape[1] + 80, 3), 255, np.uint8)
    margin[40:-40, 40:-40] = pixels
    assert likeness(frame(pixels), frame(margin)) > 0.98


@pytest.mark.parametrize("digit", STROKES)
def test_a_drawing_cut_out_closely_stays_whole(digit: str) -> None:
    whole = pixels_of(digit)
    rows, columns = (np.flatnonzero((whole[..., 0] < 128).any(axis=axis)) for axis in (1, 0))
    cut = whole[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert likeness(frame(np.ascontiguousarray(cut)), frame(whole)) > 0.92


def test_a_desk_beside_an_empty_sheet_is_not_taken_away_to_nothing() -> None:
    pixels = np.full((SIDE_PX, SIDE_PX, 3), 255, np.uint8)
    desk(pixels)
    try:
        assert frame(pixels).max() == 255
    except BadImage as refusal:
        assert "Nothing is drawn" in str(refusal)
