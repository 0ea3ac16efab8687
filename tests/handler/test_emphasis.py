"""A line below a digit and a frame around it are no ink; strokes that belong to it are."""

import cv2
import numpy as np
import pytest

from handler.emphasis import MOST_MARKS, find_strokes, without_emphasis
from handler.even_cells import distances_on, find_sheet
from tests.handler.beside import BOX, frame, likeness, photographed, pixels_of
from training.data.drawing import STROKES, drawing

BLACK = (0, 0, 0)


@pytest.mark.parametrize("digit", STROKES)
@pytest.mark.parametrize("lines", [1, 2])
@pytest.mark.parametrize("rise", [-8, 0, 8])
def test_an_underline_is_no_ink(digit: str, lines: int, rise: int) -> None:
    clean, pixels = pixels_of(digit), pixels_of(digit)
    for line in range(lines):
        cv2.line(pixels, (85, 200 + 24 * line), (200, 200 + 24 * line + rise), BLACK, 8, cv2.LINE_AA)
    assert likeness(frame(pixels), frame(clean)) > 0.88
    assert likeness(frame(photographed(pixels)), frame(photographed(clean))) > 0.92


def test_an_underline_that_all_but_touches_is_no_ink() -> None:
    clean, pixels = pixels_of("2"), pixels_of("2")
    bottom = np.flatnonzero((pixels[..., 0] < 128).any(axis=1))[-1]
    # Less than a cell of the map is between them.
    cv2.line(pixels, (85, bottom + 7), (200, bottom + 7), BLACK, 8)
    assert likeness(frame(pixels), frame(clean)) > 0.88


@pytest.mark.parametrize("join", [0.2, 0.3])
def test_an_underline_that_faint_cells_join_to_a_digit_is_none_of_its_strokes(join: float) -> None:
    seven = marks_of(((10, 6), (46, 6), (30, 44)))
    line = marks_of(((6, 52), (54, 52)))
    distance = (seven | line).astype(np.float32)
    distance[45:51, 27:34][distance[45:51, 27:34] == 0] = join
    strokes, marks, is_set_off = find_strokes(distance)
    assert is_set_off and marks == 2
    assert (strokes == seven).all()


@pytest.mark.parametrize("digit", STROKES)
@pytest.mark.parametrize("pen_px", [1, 2, 3])
def test_the_finest_pen_draws_one_stroke(digit: str, pen_px: int) -> None:
    # Where it lies between two cells, both have half of it.
    packed = np.asarray(drawing(digit, pen_px=pen_px, box=BOX).convert("RGBA")).view(np.uint32)[..., 0]
    colour, *box, _ = find_sheet(packed.copy())
    distance = distances_on(packed.copy(), np.uint32(colour), *box)
    assert not find_strokes(distance)[2]


@pytest.mark.parametrize("digit", STROKES)
@pytest.mark.parametrize("shape", ["box", "circle", "open box", "cut circle"])
def test_a_frame_is_no_ink(digit: str, shape: str) -> None:
    clean, pixels = pixels_of(digit), pixels_of(digit)
    if shape == "box":
        cv2.rectangle(pixels, (60, 40), (215, 215), BLACK, 6)
    elif shape == "circle":
        cv2.ellipse(pixels, (138, 126), (100, 95), 0, 0, 360, BLACK, 6)
    elif shape == "open box":
        cv2.polylines(pixels, [np.array([[60, 44], [62, 216], [214, 212], [216, 40]])], False, BLACK, 6)
    else:
        cv2.ellipse(pixels, (138, 126), (150, 100), 0, 0, 360, BLACK, 6)
    assert likeness(frame(pixels), frame(clean)) > 0.88
    assert likeness(frame(photographed(pixels)), frame(photographed(clean))) > 0.92


def marks_of(*strokes: tuple[tuple[int, int], ...]) -> np.ndarray:
    """Return the marks of polylines, bool (60, 60)."""
    drawn = np.zeros((60, 60), np.uint8)
    for stroke in strokes:
        cv2.polylines(drawn, [np.array(stroke)], False, 1, 4)
    return drawn.view(bool)


RING = tuple(
    (round(30 + 14 * np.cos(angle)), round(30 + 22 * np.sin(angle))) for angle in np.linspace(0, 6.3, 40)
)


@pytest.mark.parametrize(
    ("name", "strokes"),
    [
        (
            "a five and its bar above",
            (((18, 8), (44, 8)), ((20, 16), (20, 30), (40, 34), (38, 50), (18, 52))),
        ),
        ("an equals sign", (((10, 20), (50, 20)), ((10, 36), (50, 36)))),
        ("a zero and its dot", (RING, ((29, 30), (31, 30)))),
        ("a zero and its slash", (RING, ((25, 37), (35, 23)))),
        ("two ones", (((15, 5), (15, 55)), ((40, 5), (40, 55)))),
        ("a four in two strokes", (((12, 8), (12, 34), (30, 34)), ((38, 6), (38, 54)))),
        ("a seven and a speck", (((10, 8), (48, 8), (24, 54)), ((50, 50), (52, 52)))),
    ],
)
def test_strokes_that_belong_to_a_drawing_stay(
    name: str, strokes: tuple[tuple[tuple[int, int], ...], ...]
) -> None:
    marks = marks_of(*strokes)
    assert (without_emphasis(marks) == marks).all()


@pytest.mark.parametrize("digit", ["1", "2"])
def test_a_foot_or_a_base_that_belongs_to_a_digit_stays(digit: str) -> None:
    pixels = pixels_of(digit)
    bottom = np.flatnonzero((pixels[..., 0] < 128).any(axis=1))[-1]
    cv2.line(pixels, (90, bottom - 4), (190, bottom - 4), BLACK, 9)
    assert (frame(pixels)[-12:].max(axis=0) > 128).sum() >= 12


def test_many_marks_are_not_looked_at_one_by_one() -> None:
    specks = np.zeros((2 * MOST_MARKS, 2 * MOST_MARKS), bool)
    specks[::2, ::2] = True
    assert without_emphasis(specks) is specks
