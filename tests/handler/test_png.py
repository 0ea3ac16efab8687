"""The fast way of reading PNG: the same pixels as Pillow's, or none."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from handler.decode import WORK_SIDE_PX, _by_pillow, decode
from handler.frame import frame_of_pixels
from handler.png import SIGNATURE, read_png
from training.data.drawing import STROKES, drawing, encoded, png

COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # by bytes a pixel


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def file_of(pixels: np.ndarray, filters: list[int], **header: int) -> bytes:
    """Return a PNG file whose lines have the given filters in turn, written by the book.

    Args:
        pixels: uint8 (height, width, 1..4).
        filters: 0 None, 1 Sub, 2 Up, 3 Average, 4 Paeth.
        header: other values for its last fields.
    """
    height, width, size = pixels.shape
    padded = np.zeros((height + 1, (width + 1) * size), int)
    padded[1:, size:] = pixels.reshape(height, -1)
    lines = []
    for y in range(height):
        now, left = padded[y + 1, size:], padded[y + 1, :-size]
        above, upper_left = padded[y, size:], padded[y, :-size]
        kind = filters[y % len(filters)]
        guess = left + above - upper_left
        by_left, by_above, by_corner = (abs(guess - one) for one in (left, above, upper_left))
        nearest = np.where(
            (by_left <= by_above) & (by_left <= by_corner),
            left,
            np.where(by_above <= by_corner, above, upper_left),
        )
        predicted = [np.zeros_like(now), left, above, (left + above) // 2, nearest, nearest][kind]
        lines.append(bytes([kind]) + ((now - predicted) % 256).astype(np.uint8).tobytes())
    fields = {"depth": 8, "colours": COLOUR_TYPES[size], "compression": 0, "filtering": 0, "interlacing": 0}
    head = struct.pack(">2I5B", width, height, *{**fields, **header}.values())
    body = zlib.compress(b"".join(lines))
    # Two parts: files from browsers have many.
    parts = chunk(b"IDAT", body[:7]) + chunk(b"IDAT", body[7:])
    return SIGNATURE + chunk(b"IHDR", head) + parts + chunk(b"IEND", b"")


def by_pillow(file: bytes) -> np.ndarray:
    pixels = np.array(Image.open(io.BytesIO(file)).convert("RGBA"))
    pixels[pixels[..., 3] == 0] = 0
    return pixels


@pytest.mark.parametrize("size", COLOUR_TYPES)
@pytest.mark.parametrize("kind", [*range(5), "mixed"])
def test_every_filter_and_colour_type_is_undone(size: int, kind: int | str) -> None:
    mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[size]
    drawn = np.asarray(drawing("3", pen=(20, 90, 200, 170), paper=(250, 240, 230, 128)).convert(mode))
    filters = [0, 1, 2, 3, 4, 4, 2, 1] if kind == "mixed" else [int(kind)]
    file = file_of(drawn.reshape(280, 280, size), filters)
    found = read_png(file, WORK_SIDE_PX)
    assert found is not None
    assert (found == by_pillow(file)).all()


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_noise_is_read_as_pillow_reads_it(data: st.DataObject) -> None:
    height, width, size = (
        data.draw(st.integers(2, 20)),
        data.draw(st.integers(2, 20)),
        data.draw(st.integers(1, 4)),
    )
    # Few values, so that neighbours are often equal: that is where the shortcuts are.
    pixels = np.random.default_rng(data.draw(st.integers(0, 2**32))).integers(
        0, data.draw(st.sampled_from([2, 3, 256])), (height, width, size), np.uint8
    )
    file = file_of(
        pixels * data.draw(st.sampled_from([1, 127])), data.draw(st.lists(st.integers(0, 4), min_size=1))
    )
    found = read_png(file, WORK_SIDE_PX)
    assert found is not None
    assert (found == by_pillow(file)).all()


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize("digit", STROKES)
def test_both_ways_give_the_same_frame(mode: str, digit: str) -> None:
    file = encoded(drawing(digit).convert(mode))
    fast, (slow, _) = read_png(file, WORK_SIDE_PX), _by_pillow(file)
    assert fast is not None
    assert (frame_of_pixels(fast) == frame_of_pixels(slow)).all()


@pytest.mark.parametrize(
    "file",
    [
        encoded(drawing("7").quantize(16)),
        encoded(drawing("7").convert("1")),
        encoded(Image.fromarray(np.asarray(drawing("7").convert("L"), np.uint16) * 257)),
        encoded(drawing("7").convert("L"), transparency=255),
        encoded(drawing("7", side_px=WORK_SIDE_PX + 1).convert("L")),
        encoded(drawing("7").crop((0, 0, 280, 1))),
    ],
    ids=["palette", "bilevel", "16 bits", "one transparent colour", "large", "one line"],
)
def test_rarer_kinds_are_left_to_pillow(file: bytes) -> None:
    assert read_png(file, WORK_SIDE_PX) is None
    assert decode(file).shape[2] == 4


def test_rotation_is_left_to_pillow() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    file = encoded(drawing("7"), exif=exif)
    assert read_png(file, WORK_SIDE_PX) is None
    assert (decode(file)[..., 0] == np.rot90(np.asarray(drawing("7"))[..., 0], -1)).all()


GREY = np.full((4, 4, 1), 200, np.uint8)
GOOD = file_of(GREY, [0])


@pytest.mark.parametrize(
    "file",
    [
        b"",
        SIGNATURE,
        GOOD[:-1],
        GOOD.replace(b"IEND", b"iEND"),
        GOOD[:45] + bytes([GOOD[45] ^ 1]) + GOOD[46:],
        SIGNATURE + chunk(b"IDAT", b"") + GOOD[8:],
        SIGNATURE + struct.pack(">I", 2**31) + GOOD[12:],
        GOOD.replace(GOOD[-12:], chunk(b"NEED", b"") + GOOD[-12:]),
        file_of(GREY, [5]),
        file_of(GREY, [0], interlacing=1),
        file_of(GREY, [0], compression=1),
        SIGNATURE + chunk(b"IHDR", struct.pack(">2I5B", 2000, 2000, 8, 6, 0, 0, 0)) + GOOD[33:],
    ],
    ids=["nothing", "signature", "cut off", "checksum of a name", "flipped bit", "data first",
         "endless chunk", "unknown and needed", "filter 5", "interlaced", "compression 1",
         "less data than claimed"],
)  # fmt: skip
def test_whatever_is_not_in_order_is_left_to_pillow(file: bytes) -> None:
    assert read_png(GOOD, WORK_SIDE_PX) is not None
    assert read_png(file, WORK_SIDE_PX) is None


def test_the_projects_own_drawings_take_the_fast_way() -> None:
    assert all(read_png(png(digit), WORK_SIDE_PX) is not None for digit in STROKES)
