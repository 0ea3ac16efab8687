"""Pictures that cost far more than their size says, by the name of what makes them so.

Each is what a stranger could send: at most 16 MiB.
"""

import base64
import io
import json
import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFile

from handler.png import SIGNATURE
from tests.handler.test_png import chunk
from training.data.drawing import drawing

MOST_BYTES = 16 * 1024**2 - 1000
SMALL = drawing("7", side_px=64)


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    """Return an image file's bytes, also where Pillow thinks that they should be fewer."""
    file, usual = io.BytesIO(), ImageFile.MAXBLOCK
    ImageFile.MAXBLOCK = 1 << 26
    try:
        image.save(file, format, **options)
    finally:
        ImageFile.MAXBLOCK = usual
    return file.getvalue()


def blank(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Return a picture without anything on it, which is a few KB in most formats."""
    return Image.new(mode, (width, height))


def noise(width: int, height: int, channels: int = 3) -> Image.Image:
    """Return a picture that no format makes small."""
    values = np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)
    return Image.fromarray(values)


def _repeated(piece: bytes, file: bytes, before: bytes) -> bytes:
    """Return the file with a piece as often as it may be, in front of where `before` begins."""
    at = file.index(before)
    return file[:at] + piece * ((MOST_BYTES - len(file)) // len(piece)) + file[at:]


def _png(width: int, height: int, line: bytes, interlaced: bool = False, depth: int = 8) -> bytes:
    """Return a PNG of RGBA whose lines are all alike, filter and all."""
    raw = line * height
    if interlaced:
        sides = (
            (0, 0, 8, 8),
            (4, 0, 8, 8),
            (0, 4, 4, 8),
            (2, 0, 4, 4),
            (0, 2, 2, 4),
            (1, 0, 2, 2),
            (0, 1, 1, 2),
        )
        raw = b"".join(
            line[: 1 + -(-(width - left) // right) * depth // 2] * -(-(height - top) // down)
            for left, top, right, down in sides
        )
    header = struct.pack(">2I5B", width, height, depth, 6, 0, 0, int(interlaced))
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw, 9))
    return SIGNATURE + parts + chunk(b"IEND", b"")


def png_chunks(piece: bytes) -> bytes:
    return _repeated(piece, encoded(SMALL, "PNG"), encoded(SMALL, "PNG")[33:41])


def png_paeth(depth: int = 8, interlaced: bool = False) -> bytes:
    line = b"\4" + bytes(range(256)) * (4096 * depth // 2 // 256)
    return _png(4096, 3072, line, interlaced, depth)


def jpeg_segments(piece: bytes) -> bytes:
    return _repeated(piece, encoded(SMALL, "JPEG"), b"\xff\xe0")


def jpeg_scans() -> bytes:
    """Return a progressive JPEG with its last scan again and again: each goes over the whole picture."""
    file = encoded(blank(4096, 3072), "JPEG", progressive=True)
    last = file[file.rindex(b"\xff\xda") : -2]
    return file[:-2] + last * (500_000 // len(last)) + file[-2:]


def _tiff(width: int, height: int, data: bytes, **others: tuple[int, int, int, int]) -> bytes:
    """Return an uncompressed TIFF of 8-bit grey; `data` begins at byte 8, further tags have any names."""
    tags = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (277, 3, 1, 1),
    ]
    tags = sorted([*tags, *others.values()])
    head = b"II*\0" + struct.pack("<I", 8 + len(data)) + data + struct.pack("<H", len(tags))
    return head + b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)


def tiff_tiles(side: int = 1024) -> bytes:
    """Return a TIFF whose tiles have one pixel each, all of them the same byte of the file."""
    count = side**2
    data = struct.pack("<I", 8) * count + struct.pack("<I", 1) * count
    where, how_many = (324, 4, count, 8), (325, 4, count, 8 + 4 * count)
    return _tiff(side, side, data, w=(322, 3, 1, 1), h=(323, 3, 1, 1), at=where, bytes=how_many)


def tiff_tags() -> bytes:
    """Return a TIFF with thousands of texts, all of them the same 15 MB of the file."""
    size = 15_000_000
    texts = {str(tag): (tag, 2, size, 8) for tag in range(40_000, 60_000)}
    return _tiff(8, 8, bytes(size), at=(273, 4, 1, 8), bytes=(279, 4, 1, 64), **texts)


def bmp_runs() -> bytes:
    """Return a BMP whose runs have one pixel each."""
    runs = b"\1\1" * 7_500_000
    header = struct.pack("<IiiHHIIiiII", 40, 4000, 3000, 1, 8, 1, len(runs), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 1078 + len(runs), 0, 0, 1078) + header + bytes(1024) + runs


def _in_text(name: str) -> bytes:
    return base64.b64encode(COSTLY[name]()[:MOST_IN_TEXT])


FLOATS = Image.fromarray(np.full((4320, 7680), 0.5, np.float32))
COSTLY: dict[str, Callable[[], bytes]] = {
    "PNG: chunks": lambda: png_chunks(chunk(b"teSt", b"")),
    "PNG: texts": lambda: png_chunks(chunk(b"tEXt", b"a\0b")),
    "PNG: compressed texts": lambda: png_chunks(chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(900_000)))),
    "PNG: empty data": lambda: png_chunks(chunk(b"IDAT", b"")),
    "PNG: predicted": png_paeth,
    "PNG: predicted, 16 bits": lambda: png_paeth(16),
    "PNG: interlaced": lambda: png_paeth(interlaced=True),
    "PNG: palette": lambda: encoded(blank(4096, 3072, "P"), "PNG"),
    "JPEG: comments": lambda: jpeg_segments(b"\xff\xfe\0\2"),
    "JPEG: profiles": lambda: jpeg_segments(b"\xff\xe2\0\x10ICC_PROFILE\0\1\1"),
    "JPEG: fill bytes": lambda: jpeg_segments(b"\xff"),
    "JPEG: scans": jpeg_scans,
    "JPEG: progressive": lambda: encoded(noise(2400, 2400), "JPEG", quality=95, progressive=True),
    "JPEG: panorama": lambda: encoded(blank(16_384, 3072), "JPEG"),
    "JPEG: CMYK": lambda: encoded(blank(6144, 4096, "CMYK"), "JPEG"),
    "GIF: comments": lambda: _repeated(b"!\xfe\1a\0", encoded(SMALL, "GIF"), b",\0\0\0\0"),
    "GIF: extensions": lambda: _repeated(b"!\xf9\4\0\0\0\0\0", encoded(SMALL, "GIF"), b",\0\0\0\0"),
    "GIF: large": lambda: encoded(blank(4096, 3072, "P"), "GIF"),
    "WebP: noise": lambda: encoded(noise(1400, 1400, 4), "WEBP", quality=100, method=0),
    "WebP: lossless": lambda: encoded(blank(2048, 1536, "RGBA"), "WEBP", lossless=True, method=0),
    "AVIF: noise": lambda: encoded(noise(2048, 1024, 4), "AVIF", speed=10, quality=90),
    "AVIF: blank": lambda: encoded(blank(2048, 1024), "AVIF", speed=10),
    "BMP: runs": bmp_runs,
    "TIFF: tiles of a pixel": tiff_tiles,
    "TIFF: the same text": tiff_tags,
    "TIFF: LZMA": lambda: encoded(blank(3072, 3072), "TIFF", compression="lzma"),
    "TIFF: fax": lambda: encoded(noise(3072, 3072).convert("1"), "TIFF", compression="group4"),
    "TIFF: floats": lambda: encoded(FLOATS.resize((2048, 2048)), "TIFF", compression="tiff_adobe_deflate"),
    "TIFF: pages": lambda: encoded(SMALL, "TIFF", save_all=True, append_images=[SMALL] * 300),
    "PNM: digits": lambda: b"P3\n1600 1600\n255\n" + b"1 " * 7_600_000,
    "PNM: comments": lambda: b"P6\n" + b"#\n" * 8_000_000 + b"64 64\n255\n" + bytes(64 * 64 * 3),
}
# The same in text, which has to be made bytes first: in so much of it there is room for three quarters.
MOST_IN_TEXT = MOST_BYTES // 4 * 3 - 200_000
IN_TEXT: dict[str, Callable[[], object]] = {
    "JSON: base64": lambda: {"image": _in_text("PNG: chunks").decode()},
    "JSON: data URL": lambda: {"image": "data:image/bmp;base64," + _in_text("BMP: runs").decode()},
    "JSON: not taken apart": lambda: json.dumps({"image": _in_text("PNM: comments").decode()}).encode(),
    "base64 in lines": lambda: base64.encodebytes(COSTLY["JPEG: comments"]()[:MOST_IN_TEXT]),
    "base64 that ends broken": lambda: _in_text("BMP: runs") + b"!",
}
# What was seen to hold a server up for a minute: 2 to 5 s of a worker each.
TOO_LARGE: dict[str, Callable[[], bytes]] = {
    "TIFF: floats, 8K": lambda: encoded(FLOATS, "TIFF", compression="tiff_adobe_deflate"),
    "AVIF, 8K": lambda: encoded(blank(7680, 4320), "AVIF", speed=10),
    "WebP, 8K": lambda: encoded(blank(7680, 4320), "WEBP", lossless=True, method=0),
    "PNG of 16 bits, 8K": lambda: encoded(Image.fromarray(np.ones((4320, 7680), np.uint16)), "PNG"),
}
