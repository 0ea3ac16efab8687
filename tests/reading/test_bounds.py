"""Whatever a picture holds, it costs little to look at, and is refused in words or cut into few pieces."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from handler.bad_image import BadImage
from reading.__main__ import CPU_S
from reading.piece import MOST_PIECES, NoNumber, Piece
from reading.row import pieces_of
from tests.cpu_time import costs_less_than
from tests.reading.written import png

RANDOM = np.random.default_rng(0)
ROWS, COLUMNS = np.indices((1024, 1024))
# Each of these makes a great many marks, runs, or parts of marks.
HOSTILE = {
    "chessboard of pixels": (ROWS + COLUMNS) % 2,
    "chessboard": (ROWS // 5 + COLUMNS // 5) % 2,
    "dots": (ROWS % 4 == 0) & (COLUMNS % 4 == 0),
    "large dots": (ROWS % 16 < 6) & (COLUMNS % 16 < 6),
    "columns": COLUMNS % 8 < 3,
    "rows": ROWS % 8 < 3,
    "comb": (COLUMNS % 6 < 3) | (ROWS > 1000),
    "comb upside down": (COLUMNS % 6 < 3) | (ROWS < 24),
    "stairs": (ROWS - COLUMNS) % 10 < 4,
    "noise": RANDOM.random((1024, 1024)) < 0.5,
    "sparse noise": RANDOM.random((1024, 1024)) < 0.01,
    "grid": (COLUMNS % 40 < 3) | (ROWS % 40 < 3),
    "rings": ((np.hypot(ROWS - 512, COLUMNS - 512) // 6) % 2),
    "one line": (ROWS == 512),
}


def looked_at(payload: bytes) -> list[Piece]:
    try:
        found = pieces_of(payload)
    except (NoNumber, BadImage) as error:
        assert str(error)
        return []
    assert 0 < len(found) <= MOST_PIECES
    return found


def picture(ink: np.ndarray) -> bytes:
    return png(Image.fromarray(np.where(ink, 0, 255).astype(np.uint8)))


@pytest.mark.alone
@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("height", [64, 1024])
def test_a_picture_full_of_marks_costs_no_more_than_is_allowed(name: str, height: int) -> None:
    payload = picture(HOSTILE[name][-height:])
    looked_at(payload)  # compiled
    assert costs_less_than(CPU_S, lambda: looked_at(payload))


@pytest.mark.alone
def test_strokes_by_the_thousand_cost_no_more_either() -> None:
    points = (RANDOM.random((10, 300, 2)) * 100).round(1).tolist()
    body = f'{{"strokes": {points}, "width": 1}}'.encode()
    assert costs_less_than(CPU_S, lambda: looked_at(body))


shapes = st.tuples(st.integers(1, 60), st.integers(1, 120))


@settings(max_examples=150, deadline=None)
@given(shapes.flatmap(lambda shape: arrays(np.uint8, shape, elements=st.sampled_from([0, 0, 0, 255, 128]))))
def test_no_picture_raises_anything_else(values: np.ndarray) -> None:
    looked_at(png(Image.fromarray(values)))


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(1, 25))
def test_no_picture_of_blots_and_lines_does(seed: int, count: int, width: int) -> None:
    random = np.random.default_rng(seed)
    ink = np.zeros((120, 400), bool)
    for _ in range(count):
        top, left = random.integers(0, 120), random.integers(0, 400)
        ink[top : top + random.integers(1, 4 * width), left : left + random.integers(1, 4 * width)] = True
    looked_at(picture(ink))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(st.tuples(st.floats(), st.floats()), max_size=8), max_size=8), st.none() | st.floats()
)
def test_no_strokes_do(strokes: list, width: float | None) -> None:
    said = "null" if width is None else repr(width)
    body = f'{{"strokes": {[list(map(list, stroke)) for stroke in strokes]}, "width": {said}}}'
    looked_at(body.replace("nan", "NaN").replace("inf", "Infinity").encode())
