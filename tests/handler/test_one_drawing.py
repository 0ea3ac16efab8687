"""A drawing alone is read as it is; the network of `handler/writing.py` tells whatever may be more."""

import cv2
import numpy as np
import pytest

from handler import ink
from tests.handler.beside import SIDE_PX, frame, likeness, photographed, pixels_of
from training.data.drawing import STROKES

BLACK, WHITE = (0, 0, 0), (255, 255, 255)


def box_of(pixels: np.ndarray) -> tuple[int, int, int, int]:
    """Return the digit's top, bottom, left and right."""
    rows, columns = (np.flatnonzero((pixels[..., 0] < 128).any(axis=axis)) for axis in (1, 0))
    return int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(_: np.ndarray) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(ink, "writing_on", asked)


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("digit", STROKES)
@pytest.mark.parametrize("pen_px", [4, 12, 20])
def test_a_digit_alone_is_read_without_the_network(digit: str, pen_px: int) -> None:
    pixels = pixels_of(digit, pen_px=pen_px)
    assert frame(pixels).any()
    assert frame(photographed(pixels)).any()
    top, bottom, left, right = box_of(pixels)
    cut = np.ascontiguousarray(pixels[top - 3 : bottom + 4, left - 3 : right + 4])
    assert likeness(frame(cut), frame(pixels)) > 0.94


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("digit", STROKES)
@pytest.mark.parametrize("is_below", [False, True])
@pytest.mark.parametrize("is_right", [False, True])
def test_a_small_digit_that_meets_both_borders_of_a_corner_stays_whole(
    digit: str, is_below: bool, is_right: bool
) -> None:
    top, bottom, left, right = box_of(pixels_of(digit))
    drawn = pixels_of(digit)[top : bottom + 1, left : right + 1]
    drawn = cv2.resize(drawn, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    height, width = (600 - side for side in drawn.shape[:2])
    place = height * is_below, height * (not is_below), width * is_right, width * (not is_right)
    pixels, expected = (
        cv2.copyMakeBorder(drawn, *sides, cv2.BORDER_CONSTANT, value=WHITE) for sides in (place, (30,) * 4)
    )
    assert likeness(frame(pixels), frame(expected)) > 0.9


@pytest.mark.usefixtures("no_network")
def test_what_one_border_cuts_twice_stays_whole() -> None:
    pixels = pixels_of("0")
    top, bottom, _, _ = box_of(pixels)
    arch = np.ascontiguousarray(pixels[: (top + bottom) // 2])
    expected = cv2.copyMakeBorder(arch, 0, 30, 0, 0, cv2.BORDER_CONSTANT, value=WHITE)
    assert likeness(frame(arch), frame(expected)) > 0.9


@pytest.mark.parametrize("digit", STROKES)
def test_a_cells_line_that_touches_the_digit_is_no_ink(digit: str) -> None:
    clean, pixels = pixels_of(digit), pixels_of(digit)
    left = box_of(clean)[2]
    pixels, clean = (np.ascontiguousarray(some[:, left - 4 :]) for some in (pixels, clean))
    cv2.line(pixels, (1, 0), (2, SIDE_PX), BLACK, 3)
    assert likeness(frame(pixels), frame(clean)) > 0.84


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("digit", STROKES)
@pytest.mark.parametrize("side", ["bottom", "top"])
def test_of_a_digit_in_a_circle_that_touches_it_the_network_is_asked(digit: str, side: str) -> None:
    pixels = pixels_of(digit, pen_px=9)
    top, bottom, left, right = box_of(pixels)
    radius = round(0.72 * np.hypot(right - left, bottom - top))
    middle = (left + right) // 2, top + radius if side == "top" else bottom - radius
    cv2.circle(pixels, middle, radius, BLACK, 5, cv2.LINE_AA)
    with pytest.raises(AssertionError, match="asked"):
        frame(pixels)


@pytest.mark.parametrize("digit", STROKES)
@pytest.mark.parametrize("photo", [False, True])
def test_a_long_sheet_on_a_desk_of_the_pens_colour_is_no_ink(digit: str, photo: bool) -> None:
    clean = pixels_of(digit)
    pixels = cv2.copyMakeBorder(clean[50:230], 60, 90, 30, 40, cv2.BORDER_CONSTANT, value=BLACK)
    if photo:
        pixels = photographed(pixels)
    assert likeness(frame(pixels), frame(clean)) > 0.84


@pytest.mark.parametrize("digit", STROKES)
@pytest.mark.parametrize("desk", [(20, 20, 20), (70, 70, 70), (250, 110, 110)])
@pytest.mark.parametrize("margins", [(250, 8, 20, 8), (180, 20, 160, 20)])
def test_a_sheet_with_a_small_digit_is_told_from_a_blot_on_an_even_desk(
    digit: str, desk: tuple[int, int, int], margins: tuple[int, int, int, int]
) -> None:
    clean = pixels_of(digit, side_px=300, pen_px=5, box=(0.7, 0.7, 0.18))
    pixels = cv2.copyMakeBorder(clean[:, 80:], *margins, cv2.BORDER_CONSTANT, value=desk)
    assert likeness(frame(pixels), frame(clean)) > 0.85


@pytest.mark.parametrize("digit", STROKES)
@pytest.mark.parametrize("grain", [3, 5, 7])
def test_a_grainy_sheet_that_was_pasted_on_white_is_no_ink(digit: str, grain: int) -> None:
    clean = pixels_of(digit, side_px=200, pen_px=6, box=(0.4, 0.3, 0.5))
    noise = np.random.default_rng(7).normal(0, grain, (200, 200, 1))
    sheet = np.clip(clean / 255 * 215 + noise, 0, 255).astype(np.uint8)
    pixels = cv2.copyMakeBorder(sheet, 60, 20, 15, 90, cv2.BORDER_CONSTANT, value=WHITE)
    assert likeness(frame(pixels), frame(clean)) > 0.9
