"""What no pixel of a file needs does not keep it from being read."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from handler import mending
from handler.bad_image import BadImage
from handler.decode import decode_reduced
from handler.mending import decode_mended
from tests.handler.odd.files import FILES
from tests.handler.odd.jpeg import jpeg, jpeg_exif
from tests.handler.odd.picture import ODD_ENTRIES, RGB, exif

BROKEN = [
    "PNG: palette with a broken transparency",
    "PNG: text with a wrong checksum",
    "PNG: compressed text of an unknown method",
    "PNG: much compressed text",
    "PNG: EXIF that is none",
    "PNG: EXIF that is none, after the pixels",
    "PNG: EXIF with a wrong checksum",
    "PNG: profile with a wrong checksum",
    "PNG: profile of an unknown method",
    "PNG: large profile",
    "PNG: gamma with a wrong checksum",
    "PNG: gamma of nothing",
    "PNG: private chunk with a wrong checksum",
    "PNG: chromaticities of five bytes",
    "PNG: sRGB of nothing",
    "PNG: resolution of three bytes",
    "PNG: animation control of two bytes",
    "JPEG: profile without its count",
    "JPEG: JFIF of five bytes",
    "JPEG: no end",
    "JPEG: progressive, no end",
    "WebP: EXIF that is none",
    "AVIF: EXIF that is none",
    "WebP: length nought",
    "WebP: length too small",
    "WebP: length too large",
    "BMP: 4444, V4, alpha 0",
    "BMP: 4444, V5, alpha 255",
    "BMP: RGBX, V4, alpha 0",
    "BMP: 10 bits each, V5, alpha 0",
]
TURNED = [
    "PNG: turned, EXIF entry: negative",
    "PNG: turned, with broken text",
    "JPEG: turned, EXIF entry: negative",
    "WebP: turned, with an odd EXIF entry",
    "TIFF: turned, entry: beyond the file",
    "TIFF: turned, entry: endless",
]
BEYOND = ("beyond the file", "endless")
# Pillow decodes these, and stops reading their remarks before it comes to the rotation.
UNSEEN = [
    f"{kind}: turned, EXIF entry: {name}"
    for kind in ("PNG", "JPEG")
    for name in ("beyond the file", "endless")
]
BY_EXIF = "JPEG: turned, 3, and otherwise by XMP"
XMP = [f"{kind}: turned by XMP alone" for kind in ("PNG", "JPEG", "WebP", "AVIF", "TIFF")]
CLEAR = [name for name in FILES if name.startswith("BMP: ") and name.endswith("alpha 0") and "A, V" in name]


def off(name: str, turns: int = 0) -> float:
    """Return the mean difference of a file's pixels from the picture's, in levels."""
    pixels, reduction = decode_mended(FILES[name])
    assert reduction == 1
    assert (pixels[..., 3] == 255).all()
    return float(np.abs(pixels[..., :3].astype(int) - np.rot90(RGB, turns)).mean())


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_is_broken_where_no_pixel_lies_is_read(name: str) -> None:
    with pytest.raises(BadImage):
        decode_reduced(FILES[name])
    assert off(name) < 10


@pytest.mark.parametrize("name", TURNED)
def test_its_rotation_stays(name: str) -> None:
    with pytest.raises(BadImage):
        decode_reduced(FILES[name])
    assert off(name, turns=-1) < 10


@pytest.mark.parametrize("name", UNSEEN)
def test_a_rotation_behind_a_broken_remark_is_seen(name: str) -> None:
    assert decode_reduced(FILES[name])[0].shape != decode_mended(FILES[name])[0].shape
    assert off(name, turns=-1) < 10


@pytest.mark.parametrize("name", XMP)
def test_xmp_turns_no_picture(name: str) -> None:
    assert decode_reduced(FILES[name])[0].shape != decode_mended(FILES[name])[0].shape
    assert off(name) < 10


def test_exif_turns_a_picture_whatever_xmp_says() -> None:
    assert off(BY_EXIF, turns=2) < 10


def test_a_thumbnail_s_rotation_is_not_the_pictures() -> None:
    tag = struct.pack("<HHII", 0x0128, 3, 1, 2)
    turned = struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0)
    remark = b"II*\0\x08\0\0\0" + b"\1\0" + tag + struct.pack("<I", 32)
    remark = remark.ljust(32, b"\0") + b"\1\0" + turned + bytes(4)
    file = io.BytesIO()
    Image.new("RGB", (40, 20), "white").save(file, "JPEG", exif=b"Exif\0\0" + remark)
    assert decode_mended(file.getvalue())[0].shape == decode_reduced(file.getvalue())[0].shape == (20, 40, 4)


def test_what_is_decoded_stays_whatever_pillow_says_of_its_remarks() -> None:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "white").save(file, "PNG")
    whole = file.getvalue()
    odd = b""
    for kind, body in ((b"pHYs", b"\0\0\0"), (b"tEXt", b"eXIf" + exif(6))):
        odd += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    assert decode_mended(whole[:33] + odd + whole[33:])[0].shape == (8, 8, 4)


def test_a_long_bmp_is_refused_as_it_was() -> None:
    header = struct.pack("<2sIHHI", b"BM", 0, 0, 0, 66)
    header += struct.pack("<IiiHHIIiiII", 40, 1, 2_000_000, 1, 16, 3, 0, 0, 0, 0, 0)
    header += struct.pack("<III", 0xF800, 0x07E0, 0x001F)
    with pytest.raises(BadImage, match="px a side"):
        decode_mended(header + bytes(4 * 2_000_000))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_rotation_stays(orientation: int) -> None:
    whole = decode_reduced(jpeg(jpeg_exif(exif(orientation))))[0]
    odd = jpeg(jpeg_exif(exif(orientation, ODD_ENTRIES["negative"])))
    assert (decode_mended(odd)[0] == whole).all()


@pytest.mark.parametrize("name", CLEAR)
def test_a_bmp_that_is_transparent_throughout_is_opaque(name: str) -> None:
    assert not decode_reduced(FILES[name])[0].any()
    assert off(name) < 1


def test_a_bmp_that_is_half_transparent_stays_so() -> None:
    assert (decode_mended(FILES["BMP: BGRA, V5, alpha 128"])[0][..., 3] == 128).all()


def test_what_can_be_decoded_as_it_is_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mending, "_written_anew", None)
    for name in FILES.keys() - {*BROKEN, *TURNED, *UNSEEN, *XMP, BY_EXIF, *CLEAR}:
        try:
            expected = decode_reduced(FILES[name])[0]
        except BadImage:
            continue
        assert (decode_mended(FILES[name])[0] == expected).all(), name


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WebP", "GIF", "BMP"])
def test_half_a_file_is_refused_as_it_was(kind: str) -> None:
    half = FILES[f"{kind}: half of the file"]
    with pytest.raises(BadImage) as first:
        decode_reduced(half)
    with pytest.raises(BadImage, match="truncated or corrupt") as error:
        decode_mended(half)
    assert str(error.value) == str(first.value)


@pytest.mark.parametrize("missing", [20, 60, 200, 600])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_of_which_more_is_missing_than_its_end_is_refused(missing: int, progressive: bool) -> None:
    with pytest.raises(BadImage, match="truncated or corrupt"):
        decode_mended(jpeg(progressive=progressive)[:-missing])


def test_what_would_be_written_as_it_came_is_not_decoded_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = []

    def counting(payload: bytes) -> tuple[np.ndarray, int]:
        decoded.append(payload)
        return decode_reduced(payload)

    monkeypatch.setattr(mending, "decode_reduced", counting)
    for kind in ("PNG", "WebP", "GIF", "BMP"):
        with pytest.raises(BadImage):
            decode_mended(FILES[f"{kind}: half of the file"])
    assert len(decoded) == 4
