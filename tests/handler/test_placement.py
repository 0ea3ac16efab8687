"""Where the frame lies in the picture: drawings whose place is known, found again."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from handler.decode import WORK_SIDE_PX, decode_reduced
from handler.frame import frame_of, frame_of_pixels
from handler.framings import FRAMINGS
from handler.model import Framed
from training.data import paint
from training.data.drawing import STROKES, drawing, encoded
from training.data.strokes import Drawn

# What a map may lie beside its drawing, in pixels of the frame.
TOLERANCE_PX = 1.5
DIGITS = [
    Drawn(int(digit), 0, tuple(np.array(stroke, np.float32) for stroke in strokes))
    for digit, strokes in STROKES.items()
]


def errors_px(file: bytes, cover: np.ndarray, framing: str = "ink") -> np.ndarray:
    """Return how far the ink's box lies beside the frame's, edge by edge, in pixels of the frame.

    Args:
        file: a picture.
        cover: (height, width), how much of each pixel of the picture is ink, 0..1.
        framing: a key of FRAMINGS.
    """
    pixels, reduction = decode_reduced(file)
    made = Framed(*FRAMINGS[framing](pixels), reduction)
    (place_left, place_top, side), frame = made.place(), made.frame
    left, top, width, height = cv2.boundingRect((cover > 0.4).astype(np.uint8))
    expected = np.array([left - place_left, top - place_top, width, height]) / (side / 28)
    expected[2:] += expected[:2]
    found = np.array(cv2.boundingRect((frame > 0.4 * frame.max()).astype(np.uint8)))
    found[2:] += found[:2]
    return np.abs(expected - found)


@pytest.mark.parametrize("kind", paint.KINDS)
def test_a_drawing_of_any_kind_is_found(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    covers: list[np.ndarray] = []
    rasterise = paint.rasterise

    def remembering(*arguments: object, **options: object) -> np.ndarray:
        covers.append(rasterise(*arguments, **options))  # type: ignore[arg-type]
        return covers[-1]

    monkeypatch.setattr(paint, "rasterise", remembering)
    for seed in range(3):
        for drawn in DIGITS:
            file = paint.KINDS[kind](drawn, np.random.default_rng([seed, drawn.label])).encoded()
            assert errors_px(file, covers[-1]).max() <= TOLERANCE_PX


def cover_of(image: Image.Image) -> np.ndarray:
    """Return how much of each pixel is black ink on white paper."""
    return 1 - np.asarray(image.convert("L"), np.float32) / 255


@pytest.mark.parametrize(
    "size", [(WORK_SIDE_PX, WORK_SIDE_PX), (2 * WORK_SIDE_PX + 5, 900), (900, 4 * WORK_SIDE_PX - 3)]
)
@pytest.mark.parametrize(("form", "options"), [("PNG", {}), ("JPEG", {"quality": 90})])
def test_a_large_picture_is_measured_in_its_own_pixels(
    size: tuple[int, int], form: str, options: dict[str, int]
) -> None:
    image = Image.new("RGB", size, "white")
    image.paste(drawing("4", side_px=700, pen_px=50), (size[0] - 750, size[1] - 720))
    file = encoded(image, form, **options)
    assert errors_px(file, cover_of(image)).max() <= TOLERANCE_PX


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_turned_photo_is_measured_as_it_is_seen(orientation: int) -> None:
    upright = Image.new("RGB", (2500, 1500), "white")
    upright.paste(drawing("4", side_px=800, pen_px=60), (1500, 300))
    turns = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    upright.transpose(turns[orientation]).save(buffer, "JPEG", exif=exif, quality=90)
    frame = frame_of(buffer.getvalue())
    assert (frame == frame_of_pixels(np.asarray(upright.convert("RGBA")))).mean() > 0.7
    assert errors_px(buffer.getvalue(), cover_of(upright)).max() <= TOLERANCE_PX


def test_specks_do_not_move_it() -> None:
    image = drawing("3", box=(0.5, 0.55, 0.3), pen_px=8)
    cover = cover_of(image)
    for corner in ((5, 5), (270, 8), (9, 272)):
        image.paste((0, 0, 0), (*corner, corner[0] + 2, corner[1] + 2))
    assert errors_px(encoded(image), cover).max() <= TOLERANCE_PX


@pytest.mark.parametrize("shape", [(1, 1), (1, 60), (60, 1), (90, 90), (3, 200)])
def test_shapes_without_any_form_are_found_too(shape: tuple[int, int]) -> None:
    """A full rectangle has nothing that tells one part of it from another."""
    image = Image.new("RGB", (300, 300), "white")
    image.paste((0, 0, 0), (40, 70, 40 + shape[0], 70 + shape[1]))
    assert errors_px(encoded(image), cover_of(image)).max() <= TOLERANCE_PX


@pytest.mark.parametrize("paper", ["white", "black"])
@pytest.mark.parametrize(
    "box", [(40, 70, 90, 200), (10, 180, 270, 230), (200, 20, 260, 70), (20, 5, 280, 290)]
)
def test_a_thing_is_found_in_its_picture(box: tuple[int, int, int, int], paper: str) -> None:
    image = Image.new("RGB", (300, 300), paper)
    image.paste((120, 110, 130), box)
    cover = (np.asarray(image) == (120, 110, 130)).all(axis=-1).astype(np.float32)
    assert errors_px(encoded(image), cover, "picture").max() <= TOLERANCE_PX


@pytest.mark.parametrize("pen", [(30, 60, 90, 255), (230, 250, 240, 255)])
def test_a_thing_on_nothing_is_found_too(pen: tuple[int, int, int, int]) -> None:
    image = Image.new("RGBA", (400, 250), (0, 0, 0, 0))
    image.paste(pen, (250, 60, 380, 140))
    assert errors_px(encoded(image), np.asarray(image)[..., 3] / 255, "picture").max() <= TOLERANCE_PX
