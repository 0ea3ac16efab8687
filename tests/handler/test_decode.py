"""Every kind of file that people send, and the broken ones."""

import struct
import tracemalloc
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from handler.bad_image import BadImage
from handler.decode import MAX_PIXELS, MAX_PIXELS_OF, WORK_SIDE_PX, decode
from training.data.drawing import drawing, encoded, png

SEVEN = drawing("7")
HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
FORM = (
    b"------------------------d74496d66958873e\r\nContent-Type: image/png\r\nContent-Disposition: form-data; "
    b'name="data"\r\n\r\n\x89PNG'
)


def _deep(image: Image.Image) -> Image.Image:
    """Return a picture of 16 bits a pixel."""
    return Image.fromarray(np.asarray(image.convert("L"), dtype=np.uint16) * 257)


@pytest.mark.parametrize(
    ("payload", "tolerance"),
    [
        (encoded(SEVEN), 0),
        (encoded(SEVEN.convert("L")), 0),
        (encoded(SEVEN.convert("1")), 255),
        (encoded(SEVEN.quantize(256)), 0),
        (encoded(SEVEN.convert("LA")), 0),
        (encoded(_deep(SEVEN)), 0),
        (encoded(SEVEN, "BMP"), 0),
        (encoded(SEVEN, "PPM"), 0),
        (encoded(SEVEN, "TIFF"), 0),
        (encoded(SEVEN, "WEBP", lossless=True), 0),
        (encoded(SEVEN, "JPEG", quality=95), 60),
        (encoded(SEVEN.convert("CMYK"), "JPEG", quality=95), 60),
        (encoded(SEVEN, "GIF"), 0),
    ],
    ids=["RGB", "L", "bilevel", "palette", "LA", "16 bits", "BMP", "PPM", "TIFF", "WebP", "JPEG",
         "CMYK JPEG", "GIF"],
)  # fmt: skip
def test_every_format_gives_the_same_pixels(payload: bytes, tolerance: int) -> None:
    pixels = decode(payload)
    assert pixels.dtype == np.uint8
    assert pixels.shape == (280, 280, 4)
    assert (pixels[..., 3] == 255).all()
    difference = np.abs(pixels[..., :3].astype(int) - np.asarray(SEVEN, dtype=int))
    assert difference.max() <= tolerance
    assert difference.mean() < 6


def test_what_lies_below_transparent_pixels_does_not_count() -> None:
    image = Image.new("RGBA", (2, 1), (200, 10, 99, 0))
    image.putpixel((1, 0), (100, 200, 50, 128))
    assert decode(encoded(image)).tolist() == [[[0, 0, 0, 0], [100, 200, 50, 128]]]


def test_an_animation_gives_its_first_frame() -> None:
    payload = encoded(SEVEN, "GIF", save_all=True, append_images=[drawing("1"), drawing("0")])
    assert (decode(payload)[..., 0] == np.asarray(SEVEN)[..., 0]).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_undone(orientation: int) -> None:
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    stored = SEVEN.transpose(undo[orientation]) if orientation in undo else SEVEN
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = decode(encoded(stored, "JPEG", quality=95, exif=exif))
    assert np.abs(upright[..., 0].astype(int) - np.asarray(SEVEN)[..., 0]).mean() < 2


def test_a_large_photo_is_reduced() -> None:
    pixels = decode(encoded(Image.new("RGB", (6000, 3000), "white"), "JPEG"))
    assert max(pixels.shape[:2]) <= WORK_SIDE_PX
    assert pixels.shape[1] == 2 * pixels.shape[0]


def _png_that_claims(width: int, height: int) -> bytes:
    """Return a PNG whose header promises a size that its data does not hold."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(bytes(1000))), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(("width", "height"), [(20_000, 20_000), (9_000, 9_000), (30_000, 10), (10, 30_000)])
def test_a_huge_picture_is_refused_before_it_is_decoded(width: int, height: int) -> None:
    payload = _png_that_claims(width, height)
    # Pillow refuses the largest before it says of which format they are.
    most = MAX_PIXELS if width * height > 2 * Image.MAX_IMAGE_PIXELS else MAX_PIXELS_OF["PNG"]
    tracemalloc.start()
    try:
        with pytest.raises(BadImage, match=f"at most {most:,} px"):
            decode(payload)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"", "The 0 bytes sent are"),
        (b"hello, world", "plain text"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\xef\xbb\xbf<svg/>", "SVG"),
        (b"<!-- Generator: Sketch -->\n<svg/>", "SVG"),
        (b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "..."><svg/>', "SVG"),
        (b"<!DOCTYPE html><svg/>", "a web page"),
        (b"<html><svg/>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:", "Git LFS"),
        (b"\x93NUMPY\1\0", "NumPy"),
        (b"\0\5\x16\7\0\2\0\0Mac OS X        ", "macOS"),
        (b"MM\0+\0\x08\0\0", "a TIFF file that is broken or of an unsupported kind"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"\x00\x00\x00\x18ftypheic....", "HEIC"),
        *((b"\0\0\0\x18ftyp" + brand + b"....", "HEIC") for brand in HEIC),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "broken beginning of an AVIF"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "broken beginning of an AVIF"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", "a video or a similar file (brand mp42)"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0", "(brand qt)"),
        (b"\0\0\0\x18ftypcrx \0\0\0\0", "raw photo"),
        (b"\0\0\1\0\1\0", "an icon (ICO)"),
        (b"PK\3\4....", "ZIP"),
        (b"RIFF\0\0\0\0AVI LIST", "a sound or video file (WAV, AVI)"),
        (b"RIFF\0\0\0\0WEB", "broken beginning of a WebP"),
        (b"P7\nWIDTH 2\n", "a PAM picture"),
        (cv2.imencode(".tiff", np.eye(9))[1].tobytes(), "of an unsupported kind (save it with 8 or 16"),
        (FORM, "whose boundary is missing from its Content-Type (it must be multipart/form-data; b"),
        (FORM.replace(b"\r\n", b"\n"), "a multipart form whose boundary is missing"),
        (bytes(range(256)), "not an image in a known format"),
        (png("7")[:-200], "truncated or corrupt"),
        (png("7")[:30], "broken beginning of a PNG"),
        (encoded(SEVEN, "JPEG")[:-400], "truncated or corrupt"),
        (_png_that_claims(500, 500), "truncated or corrupt"),
    ],
)
def test_what_is_no_image_is_told_so(payload: bytes, words: str) -> None:
    with pytest.raises(BadImage) as error:
        decode(payload)
    assert words in str(error.value)
    assert "0x" not in str(error.value), "no memory addresses in answers"


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_random_bytes_are_a_bad_image_and_nothing_worse(payload: bytes) -> None:
    with pytest.raises(BadImage):
        decode(payload)


WHOLE = {
    "PNG": png("7"),
    "JPEG": encoded(SEVEN, "JPEG"),
    "GIF": encoded(SEVEN, "GIF"),
    "WEBP": encoded(SEVEN, "WEBP"),
    "BMP": encoded(SEVEN.resize((40, 40)), "BMP"),
    "TIFF": encoded(SEVEN, "TIFF", compression="tiff_lzw"),
}


@given(name=st.sampled_from(sorted(WHOLE)), data=st.data())
@settings(max_examples=300, deadline=None)
def test_a_damaged_file_is_read_or_refused_and_nothing_worse(name: str, data: st.DataObject) -> None:
    payload = bytearray(WHOLE[name])
    for _ in range(data.draw(st.integers(1, 8))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    try:
        pixels = decode(bytes(payload[: data.draw(st.integers(1, len(payload)))]))
    except BadImage:
        return
    assert pixels.ndim == 3
    assert pixels.shape[2] == 4
