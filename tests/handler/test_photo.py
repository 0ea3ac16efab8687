"""Photographs -> frames in colour."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from handler.bad_image import BadImage
from handler.fingerprint import preprocessing_fingerprint
from handler.framings import frame_of_file, frame_shape, framing_of
from handler.mending import decode_mended
from handler.occlusion import explain_photo
from training.archive.profile import swapped_profile

RED, BLUE = (220, 40, 30), (20, 60, 200)


def halves(width: int = 120, height: int = 80) -> Image.Image:
    """A picture whose left is red and whose right is blue."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (width // 2, 0, width, height))
    return image


def file(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_a_frame_is_the_middle_square_in_colour() -> None:
    frame = frame_of_file(file(halves()), "photo-40")
    assert (frame.shape, frame.dtype) == ((40, 40, 3), np.uint8)
    assert frame[:, 0].tolist() == [list(RED)] * 40
    assert frame[:, -1].tolist() == [list(BLUE)] * 40
    _, place = framing_of("photo-40")(decode_mended(file(halves()))[0], b"")
    assert place() == (20.0, 0.0, 80.0)


def test_a_letterboxed_frame_holds_all_of_the_picture_on_gray() -> None:
    frame = frame_of_file(file(halves()), "photo-60-whole")
    assert frame[0, 0].tolist() == frame[-1, -1].tolist() == [124, 116, 104]
    assert frame[30, 0].tolist() == list(RED)
    _, place = framing_of("photo-60-whole")(decode_mended(file(halves()))[0], b"")
    assert place() == (0.0, -20.0, 120.0)


def test_a_picture_of_the_frames_size_is_not_touched() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    assert (frame_of_file(file(Image.fromarray(pixels)), "photo-32") == pixels).all()


def test_shrinking_averages_and_does_not_pick() -> None:
    stripes = np.zeros((128, 128, 3), np.uint8)
    stripes[:, ::2] = 255
    stripes[:, 64:] //= 2
    frame = frame_of_file(file(Image.fromarray(stripes)), "photo-32")
    assert np.abs(frame[:, :16].astype(int) - 128).max() <= 1
    assert np.abs(frame[:, 16:].astype(int) - 64).max() <= 1


def test_a_picture_is_turned_as_its_exif_says() -> None:
    exif = Image.Exif()
    exif[274] = 6
    frame = frame_of_file(file(halves().transpose(Image.Transpose.ROTATE_90), exif=exif), "photo-40")
    assert (frame == frame_of_file(file(halves()), "photo-40")).all()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_a_profile_of_its_colours_is_heeded(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    frame = frame_of_file(file(halves(), kind, icc_profile=swapped_profile(), **options), "photo-40")
    red, green, blue = frame[0, 0].tolist()
    assert green > 150
    assert green > 2 * red
    assert abs(blue - RED[2]) < 12


def test_an_srgb_profile_and_one_that_is_broken_change_nothing() -> None:
    plain = frame_of_file(file(halves()), "photo-40").astype(int)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (srgb, swapped_profile()[:150], b"nothing"):
        frame = frame_of_file(file(halves(), icc_profile=profile), "photo-40")
        assert np.abs(frame - plain).max() <= 1


def test_what_is_transparent_lies_on_white() -> None:
    image = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    image.paste((*RED, 255), (0, 0, 32, 64))
    frame = frame_of_file(file(image), "photo-32")
    assert frame[0, -1].tolist() == [255, 255, 255]
    assert frame[0, 0].tolist() == list(RED)


def test_a_picture_of_one_colour_is_refused() -> None:
    with pytest.raises(BadImage, match="only one colour"):
        frame_of_file(file(Image.new("RGB", (50, 50), RED)), "photo-32")


@pytest.mark.parametrize("name", ["photo", "photo-31", "photo-385", "photo-64-crop", "cubist"])
def test_other_names_are_no_framings(name: str) -> None:
    with pytest.raises(KeyError):
        frame_shape(name)


def test_side_and_letterbox_are_in_the_fingerprint() -> None:
    names = ("photo-32", "photo-64", "photo-64-whole")
    assert len({preprocessing_fingerprint(framing=name) for name in names}) == len(names)


def test_an_explanation_finds_the_part_that_was_read() -> None:
    def reads_the_upper_left(frames: np.ndarray) -> np.ndarray:
        red = frames[:, :12, :12, 0].mean(axis=(1, 2)) / 255
        return np.stack([red, 1 - red], axis=1)

    frame = np.full((48, 48, 3), 30, np.uint8)
    frame[:12, :12, 0] = 240
    found = explain_photo(frame, reads_the_upper_left)
    assert (found.label, found.runner_up) == (0, 1)
    assert np.unravel_index(found.importance.argmax(), (28, 28)) <= (7, 7)
    assert found.importance[:7, :7].min() > 10 * np.abs(found.importance[14:, 14:]).max()
    assert found.tip.min() < 0
    assert found.tip.max() == 0
