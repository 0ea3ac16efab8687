"""What is fuzzed: each takes any bytes, and fails where the code does what it should never do."""

import io
import itertools
import json
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress

import numpy as np
from PIL import Image

from handler.bad_image import BadImage
from handler.decode import WORK_SIDE_PX
from handler.frame import framed
from handler.mending import decode_mended
from handler.picture import picture_framed
from handler.png import PIXEL_BYTES, SIGNATURE, read_png
from handler.request import image_bytes
from tests.fuzz import guarded

# Larger pictures teach nothing new, and take their time.
SIDE_PX = 24
# What a request's field can be called.
NAMES = ("body", "data", "image", "")


def png(recipe: bytes) -> None:
    """Read a PNG file whose checksums are right: with Pillow's pixels, or not at all.

    Args:
        recipe: colour type, width, height, how the data is cut into chunks, what is wrong with the header
            (nothing, mostly), and then the lines as they are before compression.
    """
    if len(recipe) < 6:
        return
    kind, width, height, parts, fault, value = recipe[:6]
    colour_type = sorted(PIXEL_BYTES)[kind % 4]
    width, height = 1 + width % SIDE_PX, 1 + height % SIDE_PX
    line = 1 + width * PIXEL_BYTES[colour_type]
    lines = bytearray(recipe[6:] if fault & 8 else recipe[6 : 6 + line * height].ljust(line * height, b"\0"))
    for start in range(0, len(lines), line):
        lines[start] %= 5 if not fault & 16 else 7
    fields = [width, height, 8, colour_type, 0, 0, 0]
    if fault & 7 == 7:
        fields[value % 7] = value
    body = zlib.compress(bytes(lines), 1)
    cuts = [len(body) * cut // (1 + parts % 5) for cut in range(2 + parts % 5)]
    chunks = [(b"IHDR", struct.pack(">2I5B", *fields))]
    chunks += [(b"IDAT", body[start:end]) for start, end in itertools.pairwise(cuts)]
    file = SIGNATURE + b"".join(_chunk(*chunk) for chunk in [*chunks, (b"IEND", b"")])
    found = read_png(file, WORK_SIDE_PX)
    if found is None:
        return
    expected = np.array(Image.open(io.BytesIO(file)).convert("RGBA"))
    expected[expected[..., 3] == 0] = 0
    assert found.shape == expected.shape
    assert (found == expected).all()


def picture(file: bytes) -> None:
    """Read an image file: to a frame, or to a refusal in one line."""
    try:
        pixels = decode_mended(file)[0]
    except BadImage as error:
        _check_words(error)
        return
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3
    assert pixels.shape[2] == 4
    assert 1 <= max(pixels.shape[:2]) <= WORK_SIDE_PX
    for framing in (framed, picture_framed):
        try:
            frame, place = framing(pixels)
        except BadImage as error:
            _check_words(error)
            continue
        assert (frame.shape, frame.dtype, frame.max()) == ((28, 28), np.uint8, 255)
        assert np.isfinite(place()).all()


def request(fields: bytes) -> None:
    """Find the image in a request: to bytes, or to a refusal in one line.

    Args:
        fields: how many fields it has and what they are called; then their values, apart by "|": as
            TorchServe hands them over, bytes, text, or what JSON makes of them.
    """
    if not fields:
        return
    row: dict[str, object] = {}
    for number, value in enumerate(fields[1:].split(b"|")[:3]):
        kind = (fields[0] >> 2 * number) & 3
        name = NAMES[(fields[0] + number) % len(NAMES)]
        row[name] = bytearray(value)
        if kind == 1:
            row[name] = value.decode("utf-8", "replace")
        elif kind == 2:
            # What is no JSON, TorchServe passes on as it came.
            with suppress(ValueError, RecursionError):
                row[name] = json.loads(value)
        elif kind == 3:
            row[name] = {"image": value.decode("utf-8", "replace")}
    try:
        assert isinstance(image_bytes(row), bytes)
    except BadImage as error:
        _check_words(error)


def mended(file: bytes) -> bytes:
    """Return a PNG file with its lengths and checksums made right, so that what is inside is looked at."""
    if not file.startswith(SIGNATURE):
        return file
    chunks, at = [SIGNATURE], len(SIGNATURE)
    while at + 8 <= len(file):
        length, kind = struct.unpack_from(">I4s", file, at)
        body = file[at + 8 : at + 8 + length]
        chunks.append(_chunk(kind, body))
        at += 12 + len(body)
    return b"".join(chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _check_words(error: BadImage) -> None:
    words = str(error)
    assert words
    assert len(words) < 600
    assert "\n" not in words
    json.dumps(error.answer()).encode()


TARGETS: dict[str, Callable[[bytes], None]] = {
    "png": png,
    "picture": picture,
    "request": request,
    "form": guarded.form,
    "connection": guarded.connection,
}
