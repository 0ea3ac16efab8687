"""Writing is told from what it is written on, wherever and however large it is."""

import cv2
import numpy as np
import pytest

from handler.writing import writing_on
from tests.handler.beside import SIDE_PX, frame, likeness, photographed, pixels_of
from training.data.drawing import STROKES

GREEN = (150, 190, 160)


def squared(digit: str, apart: int, colour: tuple[int, int, int], **options: object) -> np.ndarray:
    """Return a digit on squares of so many pixels, turned a little and not quite square."""
    ink = pixels_of(digit, **options)
    paper = np.full_like(ink, 255)
    for at in range(-SIDE_PX, 2 * SIDE_PX, apart):
        cv2.line(paper, (0, at), (SIDE_PX, at + 11), colour, 2, cv2.LINE_AA)
        cv2.line(paper, (at, 0), (at - 17, SIDE_PX), colour, 2, cv2.LINE_AA)
    return np.minimum(ink, paper)


def rgba(pixels: np.ndarray) -> np.ndarray:
    return np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])


@pytest.mark.parametrize("digit", STROKES)
@pytest.mark.parametrize("apart", [16, 28, 70])
def test_squares_as_strong_as_the_pen_leave_the_digit(digit: str, apart: int) -> None:
    clean = pixels_of(digit, pen_px=7)
    pixels = squared(digit, apart, (60, 60, 60), pen_px=7)
    assert likeness(frame(pixels), frame(clean)) > 0.84
    assert likeness(frame(photographed(pixels)), frame(photographed(clean))) > 0.84


@pytest.mark.parametrize("digit", STROKES)
def test_small_writing_is_looked_at_from_nearby(digit: str) -> None:
    small = squared(digit, 30, GREEN, pen_px=4, box=(0.6, 0.55, 0.16))
    clean = pixels_of(digit, pen_px=4, box=(0.6, 0.55, 0.16))
    assert likeness(frame(small), frame(clean)) > 0.84


def test_the_ink_lies_where_the_digit_does() -> None:
    found = writing_on(rgba(squared("3", 28, GREEN)))
    assert found is not None
    rows, columns = (np.flatnonzero((pixels_of("3")[..., 0] < 128).any(axis=axis)) for axis in (1, 0))
    top, bottom, left, right = found.shown
    assert abs(top - rows[0]) < 8
    assert abs(bottom - rows[-1]) < 8
    assert abs(left - columns[0]) < 8
    assert abs(right - columns[-1]) < 8


def test_a_black_and_a_white_pen_on_nothing_are_both_seen() -> None:
    ink = 255 - squared("5", 28, (200, 200, 200))[..., 0]
    for level in (0, 255):
        pixels = np.dstack([np.full((*ink.shape, 3), level, np.uint8), ink])
        found = writing_on(pixels)
        assert found is not None
        assert 0.3 * SIDE_PX < found.shown[1] - found.shown[0] < 0.6 * SIDE_PX


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 2), (7, 900), (2500, 40)])
def test_pictures_of_any_shape_can_be_looked_at(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (*shape, 4), np.uint8)
    found = writing_on(noise)
    assert found is None or found.cover.size
