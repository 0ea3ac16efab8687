"""PNG files of every kind, and those that are not quite in order."""

import io
import struct
import zlib

import numpy as np

from tests.handler.odd.picture import (
    COLOURS,
    EXTREMES,
    GREY,
    INDICES,
    ODD_ENTRIES,
    ORIENTATIONS,
    PICTURE,
    RAMP,
    RGB,
    XMP,
    exif,
)


def chunk(kind: bytes, body: bytes = b"", crc: int | None = None) -> bytes:
    right = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", right if crc is None else crc)


def _lines(samples: np.ndarray, depth: int) -> bytes:
    """Return lines of samples (height, width, channels), each packed and before it "no filter"."""
    flat = samples.reshape(len(samples), -1)
    if depth == 16:
        packed = flat.astype(">u2").view(np.uint8)
    else:
        bits = np.unpackbits(flat.astype(np.uint8)[..., None], axis=-1)[..., 8 - depth :]
        packed = np.packbits(bits.reshape(len(flat), -1), axis=-1)
    return b"".join(b"\0" + line.tobytes() for line in packed)


ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))


def png(
    samples: np.ndarray,
    depth: int,
    colour_type: int,
    before: bytes = b"",
    after: bytes = b"",
    end: bytes | None = None,
    *,
    interlaced: bool = False,
    parts: int = 1,
) -> bytes:
    """Return a PNG file with chunks before and after its pixels; samples are as many bits as `depth` says."""
    samples = samples.reshape(*samples.shape[:2], -1)
    header = struct.pack(">2I5B", samples.shape[1], samples.shape[0], depth, colour_type, 0, 0, interlaced)
    passes = [samples[y::dy, x::dx] for y, x, dy, dx in ADAM7] if interlaced else [samples]
    body = zlib.compress(b"".join(_lines(one, depth) for one in passes if one.size))
    cuts = [len(body) * cut // parts for cut in range(parts + 1)]
    data = b"".join(chunk(b"IDAT", body[cuts[i] : cuts[i + 1]]) for i in range(parts))
    end = chunk(b"IEND") if end is None else end
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + data + after + end


PLTE = chunk(b"PLTE", COLOURS)


def with_chunks(before: bytes = b"", after: bytes = b"", end: bytes | None = None) -> bytes:
    """Return a PNG of a kind that `handler.png` leaves to Pillow, with these chunks."""
    return png(INDICES, 8, 3, before + PLTE, after, end)


def pngs() -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    alpha = RAMP[..., None]
    kinds = {"grey": (0, GREY), "grey and alpha": (4, np.dstack([GREY, alpha])),
             "RGB": (2, RGB), "RGBA": (6, np.dstack([RGB, alpha]))}  # fmt: skip
    for name, (colour_type, samples) in kinds.items():
        for interlaced in (False, True):
            way = ", interlaced" if interlaced else ""
            files[f"{name} of 8 bits{way}"] = png(samples, 8, colour_type, interlaced=interlaced)
            wide = samples.astype(np.uint16) * 257
            if colour_type == 0:
                wide = EXTREMES.astype(np.uint16) * 257
            files[f"{name} of 16 bits{way}"] = png(wide, 16, colour_type, interlaced=interlaced)
    for depth in (1, 2, 4):
        files[f"grey of {depth} bits"] = png(GREY >> (8 - depth), depth, 0)
        files[f"grey of {depth} bits, interlaced"] = png(GREY >> (8 - depth), depth, 0, interlaced=True)
        few = np.minimum(INDICES, (1 << depth) - 1)
        files[f"palette of {depth} bits"] = png(few, depth, 3, PLTE)
    files["palette of 8 bits, interlaced"] = png(INDICES, 8, 3, PLTE, interlaced=True)
    files["palette with transparency"] = png(INDICES, 8, 3, PLTE + chunk(b"tRNS", bytes([0, 90, 255, 7])))
    files["palette with a broken transparency"] = png(INDICES, 8, 3, PLTE + chunk(b"tRNS", bytes(3), crc=1))
    files["palette shorter than its indices"] = png(INDICES, 8, 3, chunk(b"PLTE", COLOURS[:-3]))
    files["grey with a transparent value"] = png(
        GREY, 8, 0, chunk(b"tRNS", struct.pack(">H", int(GREY[20, 40])))
    )
    files["RGB with a transparent colour"] = png(
        RGB, 8, 2, chunk(b"tRNS", struct.pack(">3H", *map(int, RGB[20, 40])))
    )
    files["12 of 16 bits filled"] = png(GREY.astype(np.uint16) * 16, 16, 0)
    for name, more in {
        "text with a wrong checksum": chunk(b"tEXt", b"Comment\0seven", crc=1),
        "text without a name": chunk(b"tEXt", b"\0\0"),
        "compressed text of an unknown method": chunk(b"zTXt", b"Comment\0\x05abc"),
        "compressed text that is none": chunk(b"zTXt", b"Comment\0\0abc"),
        "much compressed text": chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(3_000_000))),
        "international text of nothing": chunk(b"iTXt", b"Comment"),
        "EXIF that is none": chunk(b"eXIf", b"garbage"),
        "EXIF of nothing": chunk(b"eXIf"),
        "EXIF with a wrong checksum": chunk(b"eXIf", exif(1), crc=1),
        "profile with a wrong checksum": chunk(b"iCCP", b"x\0\0" + zlib.compress(b"profile"), crc=1),
        "profile of an unknown method": chunk(b"iCCP", b"x\0\1" + zlib.compress(b"profile")),
        "profile that is none": chunk(b"iCCP", b"x\0\0garbage"),
        "profile without an end to its name": chunk(b"iCCP", b"x" * 200),
        "large profile": chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(2_000_000))),
        "gamma with a wrong checksum": chunk(b"gAMA", struct.pack(">I", 45455), crc=1),
        "gamma of nothing": chunk(b"gAMA"),
        "gamma of two bytes": chunk(b"gAMA", b"\0\1"),
        "chromaticities of five bytes": chunk(b"cHRM", b"12345"),
        "sRGB of nothing": chunk(b"sRGB"),
        "resolution of three bytes": chunk(b"pHYs", b"123"),
        "private chunk with a wrong checksum": chunk(b"prIv", b"abc", crc=1),
        "time of two bytes": chunk(b"tIME", b"ab"),
        "background of nothing": chunk(b"bKGD"),
        "animation of no frames": chunk(b"acTL", struct.pack(">II", 0, 0)),
        "animation control of two bytes": chunk(b"acTL", b"ab"),
    }.items():
        files[name] = with_chunks(more)
    files["text with a wrong checksum after the pixels"] = with_chunks(after=chunk(b"tEXt", b"a\0b", crc=1))
    files["EXIF that is none, after the pixels"] = with_chunks(after=chunk(b"eXIf", b"garbage"))
    files["no end"] = with_chunks(end=b"")
    files["bytes after the end"] = with_chunks() + b"garbage" * 30
    files["palette beside RGB"] = png(RGB, 8, 2, PLTE)
    files["many small parts"] = png(RGB, 8, 2, parts=40)
    files["pixels with a wrong checksum"] = with_chunks().replace(_data_checksum(with_chunks()), bytes(4))
    files["half of the file"] = with_chunks()[: len(with_chunks()) // 2]
    animated = io.BytesIO()
    others = [PICTURE.rotate(180), PICTURE.rotate(90, expand=False)]
    PICTURE.save(animated, "PNG", save_all=True, append_images=others)
    files["animation"] = animated.getvalue()
    for orientation in ORIENTATIONS:
        files[f"turned, {orientation}"] = with_chunks(chunk(b"eXIf", exif(orientation)))
    for name, entry in ODD_ENTRIES.items():
        files[f"turned, EXIF entry: {name}"] = with_chunks(chunk(b"eXIf", exif(6, entry)))
    files["turned by XMP alone"] = with_chunks(chunk(b"iTXt", b"XML:com.adobe.xmp" + bytes(5) + XMP))
    files["turned, with broken text"] = with_chunks(chunk(b"eXIf", exif(6)) + chunk(b"tEXt", b"a\0b", crc=1))
    return {f"PNG: {name}": file for name, file in files.items()}


def _data_checksum(file: bytes) -> bytes:
    """Return the checksum of a PNG file's only data."""
    at = file.index(b"IDAT")
    end = at + 4 + int.from_bytes(file[at - 4 : at], "big")
    return file[end : end + 4]
