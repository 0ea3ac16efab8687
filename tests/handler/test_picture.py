"""Pictures of things: what must come through unchanged, and what must not change the frame."""

import io

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from handler.bad_image import BadImage
from handler.picture import picture_frame_of, picture_frame_of_pixels

SHIRT = [
    (150, 100), (80, 150), (110, 190), (140, 170), (140, 320), (260, 320), (260, 170), (290, 190), (320, 150),
    (250, 100), (220, 120), (180, 120),
]  # fmt: skip
WHITE, BLACK, NOTHING = (255, 255, 255), (0, 0, 0), (0, 0, 0, 0)


def shirt(
    fill: tuple[int, ...] = BLACK,
    sheet: tuple[int, ...] = WHITE,
    scale: float = 1,
    shift: tuple[int, int] = (0, 0),
    size: tuple[int, int] = (400, 400),
) -> Image.Image:
    """Return a filled shirt with a darker or lighter pocket."""
    image = Image.new("RGB" if len(sheet) == 3 else "RGBA", size, sheet)
    brush = ImageDraw.Draw(image)
    place = [(x * scale + shift[0], y * scale + shift[1]) for x, y in SHIRT]
    brush.polygon(place, fill=fill)
    left, top = 210 * scale + shift[0], 190 * scale + shift[1]
    other = sheet if len(sheet) == 3 else tuple(255 - value for value in fill)
    half = tuple((a + b) // 2 for a, b in zip(fill[:3], other[:3], strict=True))
    brush.rectangle((left, top, left + 35 * scale, top + 40 * scale), fill=(*half, 255)[: len(sheet)])
    return image


def encoded(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def likeness(first: np.ndarray, second: np.ndarray) -> float:
    """Return the correlation of two frames seen slightly out of focus, 1 when they are equal."""
    a, b = (cv2.GaussianBlur(frame.astype(float), (0, 0), 1.0) for frame in (first, second))
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


PLAIN = picture_frame_of(encoded(shirt()))


def test_a_picture_fills_the_frame_in_its_own_shape_in_the_middle() -> None:
    assert (PLAIN.shape, PLAIN.dtype, PLAIN.max()) == ((28, 28), np.uint8, 255)
    rows, columns = np.flatnonzero(PLAIN.any(axis=1)), np.flatnonzero(PLAIN.any(axis=0))
    assert np.ptp(columns) + 1 == 28
    assert np.ptp(rows) + 1 == pytest.approx(28 * 220 / 240, abs=1)
    assert abs(rows[0] - (27 - rows[-1])) <= 1


def test_the_inside_is_kept_in_its_gray_levels() -> None:
    pocket = np.abs(PLAIN.astype(int) - 128) <= 3
    assert 9 <= pocket.sum() <= 30


@pytest.mark.parametrize("seed", range(20))
def test_an_image_in_fashion_mnists_own_form_comes_through_unchanged(seed: int) -> None:
    """Black background, the longer side filled, a brightest pixel of 255."""
    random = np.random.default_rng(seed)
    width = int(random.integers(8, 27))
    inside = cv2.resize(random.integers(30, 256, (7, width // 3 + 1), dtype=np.uint8), (width, 28))
    image = np.zeros((28, 28), np.uint8)
    image[:, (28 - width) // 2 :][:, :width] = inside
    image[:2, :9] = image[:2, -9:] = image[-2:, :9] = image[-2:, -9:] = 0
    image[14, 14] = 255
    for sent, mode in ((image, "L"), (255 - image, "L"), (255 - image, "RGBA")):
        frame = picture_frame_of(encoded(Image.fromarray(sent).convert(mode)))
        assert np.abs(frame.astype(int) - image).max() <= 1


@pytest.mark.parametrize(
    ("name", "image", "at_least"),
    [
        ("light on dark", shirt(WHITE, BLACK), 0.999),
        ("red on green of the same lightness", shirt((190, 60, 60), (60, 126, 60)), 0.95),
        ("gray on gray", shirt((110, 110, 110), (150, 150, 150)), 0.95),
        ("black on nothing", shirt((0, 0, 0, 255), NOTHING), 0.95),
        ("white on nothing", shirt((255, 255, 255, 255), NOTHING), 0.95),
        ("small, in a corner", shirt(scale=0.2, shift=(300, 10)), 0.94),
        ("on a wide sheet", shirt(size=(1500, 400), shift=(900, 0)), 0.97),
        ("large", shirt(scale=3, size=(1200, 1200)), 0.97),
        ("few pixels", shirt(scale=0.12, size=(44, 44)), 0.95),
    ],
)
def test_how_it_is_shown_does_not_change_the_frame(name: str, image: Image.Image, at_least: float) -> None:
    assert likeness(PLAIN, picture_frame_of(encoded(image))) >= at_least


@pytest.mark.parametrize("quality", [20, 80])
def test_jpeg_noise_and_specks_do_not_change_the_frame(quality: int) -> None:
    image = shirt(scale=0.6, shift=(60, 60))
    ImageDraw.Draw(image).point([(5, 5), (390, 20), (20, 380)], fill="black")
    assert likeness(PLAIN, picture_frame_of(encoded(image, "JPEG", quality=quality))) >= 0.97


def test_a_drawn_outline_fills_the_frame_as_a_picture_does() -> None:
    sheet = Image.new("RGB", (400, 400), "white")
    ImageDraw.Draw(sheet).line([*SHIRT, SHIRT[0]], fill=(20, 60, 200), width=6, joint="curve")
    frame = picture_frame_of(encoded(sheet))
    assert frame.max() == 255
    assert np.ptp(np.flatnonzero(frame.max(axis=0) > 100)) >= 25
    assert frame[12:20, 12:17].max() == 0, "what is inside an outline is paper"


def test_a_picture_without_a_background_is_taken_whole() -> None:
    y, x = np.mgrid[0:1:120j, 0:1:90j]
    scene = np.rint(120 + 60 * np.sin(9 * x) + 60 * np.cos(7 * y)).astype(np.uint8)
    frame = picture_frame_of(encoded(Image.fromarray(scene)))
    assert (frame[:, 3:24].max(axis=0) > 0).all()
    assert (frame[:, :3] == 0).all()


@pytest.mark.parametrize("sheet", [WHITE, BLACK, (250, 240, 160), NOTHING, (9, 9, 9, 90)])
def test_a_picture_of_one_colour_is_refused(sheet: tuple[int, ...]) -> None:
    image = Image.new("RGB" if len(sheet) == 3 else "RGBA", (60, 40), sheet)
    with pytest.raises(BadImage, match="only one colour"):
        picture_frame_of(encoded(image))
    with pytest.raises(BadImage, match="only one colour"):
        picture_frame_of(encoded(image.convert("RGB"), "JPEG", quality=30))


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1), st.sampled_from([2, 40, 256]))
@settings(deadline=None)
def test_any_pixels_give_a_frame_or_are_refused(height: int, width: int, seed: int, levels: int) -> None:
    random = np.random.default_rng(seed)
    pixels = random.integers(0, levels, (height, width, 4)).astype(np.uint8)
    pixels[pixels[..., 3] == 0] = 0
    try:
        frame = picture_frame_of_pixels(pixels)
    except BadImage:
        return
    assert (frame.shape, frame.dtype, frame.max()) == ((28, 28), np.uint8, 255)
