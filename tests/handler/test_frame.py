"""What must not change the frame: size, place, polarity, colours, light, the pen's width."""

import cv2
import numpy as np
import pytest
from PIL import Image

from handler.bad_image import BadImage
from handler.frame import BOX_PX, CENTRE_PX, frame_of, frame_of_pixels, to_frame
from training.data.drawing import STROKES, drawing, encoded, png
from training.data.frames import as_pixels
from training.data.sets import mnist_images

PLAIN = {digit: frame_of(png(digit)) for digit in STROKES}


def likeness(first: np.ndarray, second: np.ndarray) -> float:
    """Return the correlation of two frames seen slightly out of focus, 1 when they are equal."""
    a, b = (cv2.GaussianBlur(frame.astype(float), (0, 0), 1.5) for frame in (first, second))
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


@pytest.mark.parametrize("digit", STROKES)
def test_a_frame_follows_mnists_protocol(digit: str) -> None:
    frame = PLAIN[digit].astype(float)
    assert frame.shape == (28, 28)
    assert frame.max() == 255
    rows, columns = np.flatnonzero(frame.sum(1)), np.flatnonzero(frame.sum(0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == BOX_PX
    for axis in (0, 1):
        centre = (frame.sum(axis=1 - axis) * (np.arange(28) + 0.5)).sum() / frame.sum()
        assert abs(centre - CENTRE_PX) <= 0.51


@pytest.mark.parametrize("digit", STROKES)
@pytest.mark.parametrize(
    ("name", "options", "at_least"),
    [
        ("inverted", {"pen": (255, 255, 255), "paper": (0, 0, 0)}, 0.999),
        ("red on green", {"pen": (220, 30, 30), "paper": (40, 160, 60)}, 0.999),
        ("grey on grey", {"pen": (150, 150, 150), "paper": (120, 120, 120)}, 0.99),
        ("black on nothing", {"pen": (0, 0, 0, 255), "paper": (0, 0, 0, 0)}, 0.999),
        ("white on nothing", {"pen": (255, 255, 255, 255), "paper": (255, 255, 255, 0)}, 0.999),
        ("small, in a corner", {"side_px": 900, "pen_px": 5, "box": (0.02, 0.9, 0.08)}, 0.93),
        ("large", {"side_px": 1200, "pen_px": 75}, 0.93),
        ("few pixels", {"side_px": 40, "pen_px": 2.6}, 0.9),
        ("thinner", {"pen_px": 10}, 0.88),
        ("thicker", {"pen_px": 28}, 0.93),
    ],
)
def test_how_it_was_drawn_does_not_change_the_frame(
    digit: str, name: str, options: dict[str, object], at_least: float
) -> None:
    assert likeness(PLAIN[digit], frame_of(png(digit, **options))) >= at_least


@pytest.mark.parametrize("digit", STROKES)
def test_colours_below_transparency_do_not_change_the_frame(digit: str) -> None:
    pixels = np.asarray(drawing(digit, pen=(0, 0, 0, 255), paper=(0, 0, 0, 0))).copy()
    pixels[pixels[..., 3] == 0, :3] = np.random.default_rng(0).integers(0, 256, 3)
    assert likeness(PLAIN[digit], frame_of(encoded(Image.fromarray(pixels)))) >= 0.999


def _lit(digit: str, light: np.ndarray, noise: float = 2.0) -> bytes:
    """Return a photo, JPEG, of a digit on paper below this light: float (280, 280), 0..1."""
    pixels = np.asarray(drawing(digit, pen=(40, 40, 60), paper=(235, 230, 220), pen_px=12), dtype=float)
    pixels = pixels * light[..., None] + np.random.default_rng(1).normal(0, noise, pixels.shape)
    return encoded(Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)), "JPEG", quality=80)


Y, X = np.mgrid[0:1:280j, 0:1:280j]


@pytest.mark.parametrize("digit", STROKES)
@pytest.mark.parametrize(
    ("name", "light"),
    [
        ("even", np.full((280, 280), 0.9)),
        ("gradient", 0.35 + 0.6 * X),
        ("vignette", 1 - 0.7 * ((X - 0.5) ** 2 + (Y - 0.5) ** 2)),
        ("shadow's edge", np.where(X + 0.3 * Y > 0.6, 0.95, 0.6)),
    ],
)
def test_uneven_light_does_not_change_the_frame(digit: str, name: str, light: np.ndarray) -> None:
    light = cv2.GaussianBlur(light, (0, 0), 4)
    assert likeness(frame_of(png(digit, pen_px=12)), frame_of(_lit(digit, light))) >= 0.88


def test_specks_do_not_move_the_box() -> None:
    image = drawing("3")
    for place in ((5, 5), (270, 8), (9, 272)):
        image.paste((0, 0, 0), (*place, place[0] + 3, place[1] + 3))
    assert likeness(PLAIN["3"], frame_of(encoded(image))) >= 0.99


def test_strong_jpeg_compression_does_not_change_the_frame() -> None:
    for digit in STROKES:
        assert likeness(PLAIN[digit], frame_of(encoded(drawing(digit), "JPEG", quality=8))) >= 0.88


@pytest.mark.parametrize("tone", [0, 128, 255])
@pytest.mark.parametrize("size", [(1, 1), (1, 50), (3, 3), (280, 280), (2000, 50)])
def test_blank_paper_is_a_bad_image(tone: int, size: tuple[int, int]) -> None:
    with pytest.raises(BadImage, match="Nothing is drawn"):
        frame_of(encoded(Image.new("L", size, tone)))


def test_a_photo_of_blank_paper_is_a_bad_image() -> None:
    light = 0.5 + 0.4 * X - 0.2 * (Y - 0.5) ** 2
    noisy = 230 * light[..., None] + np.random.default_rng(2).normal(0, 3, (280, 280, 3))
    for quality in (95, 50):
        photo = encoded(Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)), "JPEG", quality=quality)
        with pytest.raises(BadImage, match="Nothing is drawn"):
            frame_of(photo)


def test_full_transparency_is_blank_whatever_lies_below() -> None:
    pixels = np.asarray(drawing("5").convert("RGBA")).copy()
    pixels[..., 3] = 0
    with pytest.raises(BadImage, match="Nothing is drawn"):
        frame_of(encoded(Image.fromarray(pixels)))


@pytest.mark.parametrize("shape", [(1, 1), (1, 80), (80, 1), (3, 5), (80, 80), (20, 20)])
def test_ink_of_any_shape_fits_the_frame(shape: tuple[int, int]) -> None:
    frame = to_frame(np.ones(shape, np.float32))
    assert frame.shape == (28, 28)
    assert frame.max() == 255


def test_pictures_of_noise_give_a_frame_or_a_refusal() -> None:
    random = np.random.default_rng(3)
    for size in ((1, 2), (2, 1), (2, 2), (5, 3), (28, 28), (300, 200)):
        for _ in range(20):
            pixels = random.integers(0, 256, (*size, 4), dtype=np.uint8)
            try:
                assert frame_of(encoded(Image.fromarray(pixels))).shape == (28, 28)
            except BadImage:
                continue


@pytest.mark.mnist
def test_mnists_own_frames_come_back_almost_unchanged(mnist_dir) -> None:
    images, _ = mnist_images(mnist_dir, train=False)
    alike = [likeness(image, frame_of_pixels(as_pixels(image))) for image in images[:300]]
    assert np.mean(alike) > 0.99
    assert np.quantile(alike, 0.02) > 0.93
