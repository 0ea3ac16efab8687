"""Ruled and squared paper, and what is left of a form's cell, leave the digit as it is."""

import cv2
import numpy as np
import pytest

from tests.handler.beside import SIDE_PX, frame, likeness, photographed, pixels_of
from training.data.drawing import STROKES

BLUE = (120, 140, 215)


def ruled(digit: str, apart: int, turn: float = 0.03, is_squared: bool = False, width: int = 2) -> np.ndarray:
    """Return a digit over lines that are so many pixels apart and turned so many radians."""
    ink = pixels_of(digit, pen_px=9)
    paper = np.full_like(ink, 255)
    for at in range(-SIDE_PX, 2 * SIDE_PX, apart):
        rise = round(turn * SIDE_PX)
        cv2.line(paper, (0, at), (SIDE_PX, at + rise), BLUE, width, cv2.LINE_AA)
        if is_squared:
            cv2.line(paper, (at, 0), (at - rise, SIDE_PX), BLUE, width, cv2.LINE_AA)
    return np.minimum(ink, paper)


@pytest.mark.parametrize("digit", STROKES)
@pytest.mark.parametrize("is_squared", [False, True])
@pytest.mark.parametrize(("apart", "turn"), [(40, -0.05), (57, 0.0)])
def test_lines_across_the_picture_are_no_ink(digit: str, is_squared: bool, apart: int, turn: float) -> None:
    clean, pixels = pixels_of(digit, pen_px=9), ruled(digit, apart, turn, is_squared)
    assert likeness(frame(pixels), frame(clean)) > 0.84
    assert likeness(frame(photographed(pixels)), frame(photographed(clean))) > 0.84


@pytest.mark.parametrize("digit", STROKES)
@pytest.mark.parametrize("width", [2, 5, 9])
def test_what_is_left_of_a_cell_is_no_ink(digit: str, width: int) -> None:
    clean, pixels = pixels_of(digit), pixels_of(digit)
    cv2.line(pixels, (0, 8), (SIDE_PX, 12), (0, 0, 0), width)
    cv2.line(pixels, (14, 0), (10, SIDE_PX), (0, 0, 0), width)
    assert likeness(frame(pixels), frame(clean)) > 0.94
    assert likeness(frame(photographed(pixels)), frame(photographed(clean))) > 0.92


@pytest.mark.parametrize("digit", STROKES)
def test_strokes_from_side_to_side_are_no_rules(digit: str) -> None:
    whole = pixels_of(digit, pen_px=5, box=(0.1, 0.1, 0.8))
    rows, columns = (np.flatnonzero((whole[..., 0] < 128).any(axis=axis)) for axis in (1, 0))
    cut = whole[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert likeness(frame(np.ascontiguousarray(cut)), frame(whole)) > 0.84
