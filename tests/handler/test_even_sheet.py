"""Ink on an even sheet: what is paper, what is a speck, and when the sheet is not even."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from handler.bad_image import BadImage
from handler.even_cells import SIDE_PX, distances_on
from handler.even_sheet import ink_on_even_sheet
from handler.frame import frame_of_pixels
from training.data.drawing import STROKES, drawing


def pixels_of(image: Image.Image) -> np.ndarray:
    return np.array(image.convert("RGBA"))


@pytest.mark.parametrize("digit", STROKES)
def test_ink_fills_its_box(digit: str) -> None:
    ink = ink_on_even_sheet(pixels_of(drawing(digit)))
    assert ink is not None
    cover = ink.cover
    assert cover.dtype == np.float32
    assert 0.9 * SIDE_PX <= max(cover.shape) <= SIDE_PX
    assert cover.min() == 0
    assert cover.max() == 1
    for edge in (cover[0], cover[-1], cover[:, 0], cover[:, -1]):
        assert edge.max() >= 0.15


@pytest.mark.parametrize("digit", STROKES)
def test_a_speck_far_away_does_not_change_the_frame(digit: str) -> None:
    image = drawing(digit, side_px=560, box=(0.1, 0.1, 0.3), pen_px=8)
    clean = frame_of_pixels(pixels_of(image)).astype(int)
    ImageDraw.Draw(image).ellipse((540, 540, 544, 544), fill=0)
    dusty = frame_of_pixels(pixels_of(image)).astype(int)
    # Measured in cells a little larger, a centre of mass may round to the next pixel. Were the speck taken
    # for ink, the drawing would be 7 px high, and most of the frame another.
    shifts = [np.roll(dusty, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    assert min(np.abs(shifted - clean).mean() for shifted in shifts) < 6


def test_distances_are_means_over_cells_of_equal_area() -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (173, 311, 4), np.uint8)
    found = distances_on(pixels.view(np.uint32)[..., 0], np.uint32(0xFFFFFFFF), 0, 173, 0, 311)
    alpha = pixels[..., 3:] / 255
    away = np.concatenate([pixels[..., :3] / 255 * alpha, alpha], axis=-1) - 1
    rows, columns = found.shape
    # Every pixel as a block of the cells' least common size, then means: along one side, then the other.
    means = np.repeat(away, rows, axis=0).reshape(rows, 173, 311, 4).mean(axis=1)
    means = np.repeat(means, columns, axis=1).reshape(rows, columns, 311, 4).mean(axis=2)
    assert (rows, columns) == (round(173 * SIDE_PX / 311), SIDE_PX)
    assert np.allclose(found, np.sqrt((means**2).sum(axis=-1)), atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (28, 28), (3, 900)])
def test_an_empty_sheet_of_any_shape_has_nothing_drawn_on_it(shape: tuple[int, int]) -> None:
    with pytest.raises(BadImage, match="Nothing is drawn"):
        ink_on_even_sheet(np.full((*shape, 4), 255, np.uint8))


def test_gradients_and_large_blots_are_no_even_sheet() -> None:
    slope = np.tile(np.linspace(100, 255, 280), (280, 1)).astype(np.uint8)
    assert ink_on_even_sheet(pixels_of(Image.fromarray(slope))) is None
    blot = Image.new("L", (280, 280), 255)
    ImageDraw.Draw(blot).ellipse((30, 30, 250, 250), fill=120)
    assert ink_on_even_sheet(pixels_of(blot)) is None


def test_a_drawing_that_leaves_the_sheet_is_still_on_it() -> None:
    image = drawing("7", box=(-0.1, 0.1, 1.2))
    assert ink_on_even_sheet(pixels_of(image)) is not None


def test_a_picture_that_cannot_be_written_to_is_read_and_left_alone() -> None:
    pixels = pixels_of(drawing("5"))
    kept = pixels.copy()
    pixels.flags.writeable = False
    again, once = ink_on_even_sheet(pixels), ink_on_even_sheet(kept)
    assert again is not None
    assert once is not None
    assert (again.cover == once.cover).all()
    assert (pixels == kept).all()
