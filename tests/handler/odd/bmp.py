"""BMP files of every kind."""

import struct

import numpy as np

from tests.handler.odd.picture import COLOURS, EXTREMES, GREY, HEIGHT, INDICES, RGB, WIDTH


def bmp(
    bits: int,
    lines: np.ndarray | bytes,
    *,
    header_bytes: int = 40,
    compression: int = 0,
    masks: tuple[int, ...] = (),
    palette: bytes = b"",
    top_down: bool = False,
) -> bytes:
    """Return a BMP file; `lines` are its padded lines from the top, or its compressed data."""
    data = lines if isinstance(lines, bytes) else (lines if top_down else lines[::-1]).tobytes()
    height = -HEIGHT if top_down else HEIGHT
    if header_bytes == 12:
        header = struct.pack("<I4H", 12, WIDTH, HEIGHT, 1, bits)
    else:
        header = struct.pack(
            "<IiiHHIIiiII", header_bytes, WIDTH, height, 1, bits, compression, len(data), 0, 0, 0, 0
        )
        header += struct.pack(f"<{len(masks)}I", *masks)
        header = header.ljust(header_bytes, b"\0")
    start = 14 + len(header) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + header + palette + data


def _padded(lines: np.ndarray) -> np.ndarray:
    flat = lines.reshape(len(lines), -1).view(np.uint8).reshape(len(lines), -1)
    return np.pad(flat, ((0, 0), (0, -flat.shape[1] % 4)))


def _run_lengths(indices: np.ndarray) -> bytes:
    """Return 8-bit run-length encoded lines, from the bottom."""
    data = bytearray()
    for line in indices[::-1]:
        for value in line:
            data += bytes((1, int(value)))
        data += b"\0\0"
    return bytes(data + b"\0\1")


def packed(masks: tuple[int, ...], alpha: int, kind: str) -> np.ndarray:
    """Return the picture's pixels with each colour's bits where its mask has them."""
    values = np.zeros(GREY.shape, np.uint32)
    for level, mask in zip((*np.moveaxis(RGB, -1, 0), np.full_like(GREY, alpha)), masks, strict=False):
        if mask:
            lowest = (mask & -mask).bit_length() - 1
            values |= (level.astype(np.uint32) * (mask >> lowest) // 255) << lowest
    return _padded(values.astype(kind))


def bmps() -> dict[str, bytes]:
    bgr = RGB[..., ::-1]
    quads = b"".join(COLOURS[i : i + 3][::-1] + b"\0" for i in range(0, 48, 3))
    triples = b"".join(COLOURS[i : i + 3][::-1] for i in range(0, 48, 3))
    eight = _padded(INDICES.astype(np.uint8))
    four = _padded(
        np.packbits(np.unpackbits(INDICES[..., None], axis=-1)[..., 4:].reshape(HEIGHT, -1), axis=-1)
    )
    two_colours = b"\x20\x10\0\0\xf0\xff\xff\0"
    files = {
        "1 bit": bmp(1, _padded(np.packbits(EXTREMES > 0, axis=-1)), palette=two_colours),
        "4 bits": bmp(4, four, palette=quads + bytes(0)),
        "8 bits": bmp(8, eight, palette=quads.ljust(1024, b"\0")),
        "8 bits, from the top": bmp(8, eight, palette=quads.ljust(1024, b"\0"), top_down=True),
        "8 bits, run lengths": bmp(8, _run_lengths(INDICES), compression=1, palette=quads.ljust(1024, b"\0")),
        "24 bits": bmp(24, _padded(bgr.copy())),
        "24 bits, from the top": bmp(24, _padded(bgr.copy()), top_down=True),
        "24 bits, OS/2": bmp(24, _padded(bgr.copy()), header_bytes=12),
        "4 bits, OS/2": bmp(4, four, header_bytes=12, palette=triples),
        "32 bits": bmp(32, packed((0xFF0000, 0xFF00, 0xFF), 0, "<u4")),
        "16 bits": bmp(16, packed((0x7C00, 0x3E0, 0x1F), 0, "<u2")),
    }
    layouts: dict[str, tuple[int, str, tuple[int, ...]]] = {
        "565": (16, "<u2", (0xF800, 0x7E0, 0x1F, 0)),
        "4444": (16, "<u2", (0x0F00, 0xF0, 0x0F, 0xF000)),
        "1555": (16, "<u2", (0x7C00, 0x3E0, 0x1F, 0x8000)),
        "BGRA": (32, "<u4", (0xFF0000, 0xFF00, 0xFF, 0xFF000000)),
        "RGBA": (32, "<u4", (0xFF, 0xFF00, 0xFF0000, 0xFF000000)),
        "RGBX": (32, "<u4", (0xFF, 0xFF00, 0xFF0000, 0)),
        "10 bits each": (32, "<u4", (0x3FF00000, 0xFFC00, 0x3FF, 0)),
    }
    for name, (bits, kind, masks) in layouts.items():
        for header_bytes in (108, 124):
            for alpha in (0, 128, 255) if masks[3] else (0,):
                lines = packed(masks, alpha, kind)
                files[f"{name}, V{header_bytes // 27 + header_bytes // 124}, alpha {alpha}"] = bmp(
                    bits, lines, header_bytes=header_bytes, compression=3, masks=masks
                )
    files["565, V3"] = bmp(16, packed((0xF800, 0x7E0, 0x1F), 0, "<u2"), compression=3,
                           palette=struct.pack("<3I", 0xF800, 0x7E0, 0x1F))  # fmt: skip
    files["half of the file"] = files["24 bits"][:2000]
    return {f"BMP: {name}": file for name, file in files.items()}
