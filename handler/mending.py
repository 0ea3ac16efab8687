"""Files that browsers show and Pillow refuses for what no pixel needs: texts, profiles, remarks of cameras.

Such a file is written anew without them, and decoded once more. What EXIF says of its rotation, which is a
remark, too, is put back. Whatever can be decoded as it is stays as it is, unless Pillow turns it otherwise.

Sources: PNG, https://www.w3.org/TR/png-3/; JPEG, ITU-T T.81, annex B; WebP, RFC 9649;
AVIF, ISO/IEC 14496-12, 8.11.6; TIFF 6.0, sections 2 and 8 to 22.
"""

import re
import struct
import zlib
from contextlib import suppress

import numpy as np

from handler.bad_image import BadImage
from handler.bitfields import png_of_bitfields
from handler.decode import decode_reduced
from handler.deep_tiff import BEGINNINGS, as_it_says
from handler.png import SIGNATURE
from handler.rotation import (
    EXIF_BEGINNING,
    PNG_EXIF,
    exif_of,
    is_turned_by_xmp,
    is_turned_unseen,
    orientation_in,
)

# Without these a PNG's pixels are others, or none. The transparency is left out where it is broken.
PNG_NEEDED = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
PNG_TRANSPARENCY = b"tRNS"
# Markers of a JPEG: where the pixels begin, what has no length, and what applications say. Of that, Adobe's
# names the colours; so does JFIF's, whose segments are of at least so many bytes.
SCAN, ALONE, APPLICATIONS, COMMENT = 0xDA, {0x01, *range(0xD0, 0xD9)}, range(0xE0, 0xF0), 0xFE
JPEG_EXIF, JFIF, ADOBE = 0xE1, 0xE0, 0xEE
LEAST_BYTES = {JFIF: 16, ADOBE: 14}
# A JPEG's last bytes, which some cameras leave out; up to which size it is looked for what else is missing.
END, MOST_ENDLESS_BYTES, MORE = b"\xff\xd9", 1 << 20, b"\x55\xaa" * 64
# Which of a WebP's chunks are no pixels, and the bits that announce them.
WEBP_REMARKS = {b"ICCP": 0x20, b"EXIF": 0x08, b"XMP ": 0x04}
# An AVIF's item of EXIF data: its name is all that decoders know it by.
AVIF_EXIF = re.compile(rb"(infe[\x02\x03]\0\0.(?:..|....)\0\0)Exif", re.DOTALL)
# And that of XMP: its type's.
AVIF_XMP, AVIF_NO_XMP = b"application/rdf+xml", b"application/rdf+non"
# The tags of a TIFF's first directory that its pixels need: sizes, layout, compression, colours, rotation.
TIFF_NEEDED = {
    *range(254, 267), 273, 274, 277, 278, 279, 284, 292, 293, 317, 320, *range(322, 326), *range(330, 340),
    347, *range(512, 533),
}  # fmt: skip


def decode_mended(payload: bytes) -> tuple[np.ndarray, int]:
    """Return the picture, and by which factor it was reduced, as `handler.decode.decode_reduced` does.

    A BMP that is transparent throughout is opaque: programs leave noughts where they have no alpha. Pictures
    are turned as their EXIF says, in JPEG and PNG also where it is broken before it says it, not as XMP says.

    Raises:
        BadImage: as `decode_reduced` does, of the file as it came.
    """
    pixels, factor = _decoded(payload)
    return as_it_says(payload, pixels, factor) if payload.startswith(BEGINNINGS) else (pixels, factor)


def _decoded(payload: bytes) -> tuple[np.ndarray, int]:
    try:
        pixels, factor = decode_reduced(payload)
        if (payload[:2] != b"BM" or pixels.any()) and not _is_turned_otherwise(payload):
            return pixels, factor
        first = None
    except BadImage as error:
        first = error
    written = _written_anew(payload)
    if written is not None:
        with suppress(BadImage):
            if written != payload:
                return decode_reduced(written)
        with suppress(BadImage):
            if payload[:2] == b"\xff\xd8" and END not in written:
                return _ended(written)
    if first is not None:
        raise first
    return pixels, factor


def _is_turned_otherwise(payload: bytes) -> bool:
    """Tell whether Pillow turns a picture otherwise than browsers do."""
    return is_turned_unseen(payload) or is_turned_by_xmp(payload, _written_anew)


def _written_anew(payload: bytes) -> bytes | None:
    """Return a file without what its pixels do not need; None where nothing is known of its format."""
    if payload.startswith(SIGNATURE):
        return _png(payload)
    if payload[:3] == b"\xff\xd8\xff":
        return _jpeg(payload)
    if payload[:4] == b"RIFF" and payload[8:12] == b"WEBP":
        return _webp(payload)
    if payload[4:8] == b"ftyp":
        return AVIF_EXIF.sub(rb"\g<1>none", payload, count=1).replace(AVIF_XMP, AVIF_NO_XMP)
    if payload.startswith(BEGINNINGS):
        return _tiff(payload)
    return png_of_bitfields(payload)


def _png(payload: bytes) -> bytes:
    header, others, orientation, at = b"", [], None, len(SIGNATURE)
    while at + 12 <= len(payload):
        length, kind = struct.unpack_from(">I4s", payload, at)
        chunk, body = payload[at : at + 12 + length], payload[at + 8 : at + 8 + length]
        at += 12 + length
        if kind == b"IDAT" and at > len(payload):
            return payload  # truncated, and twice is no better
        if kind == b"IHDR" and not header:
            header = chunk
        elif kind in PNG_NEEDED or (kind == PNG_TRANSPARENCY and chunk == _png_chunk(kind, body)):
            others.append(chunk)
        elif kind == PNG_EXIF:
            orientation = orientation_in(body)
        if kind == b"IEND":
            break
    if orientation:
        others.insert(0, _png_chunk(PNG_EXIF, exif_of(orientation)))
    return SIGNATURE + header + b"".join(others)


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _jpeg(payload: bytes) -> bytes:
    kept, orientation, at = [], None, 2
    while 0 <= (at := payload.find(b"\xff", at)) <= len(payload) - 4:  # what lies between is skipped
        marker, length = struct.unpack_from(">BH", payload, at + 1)
        if marker in (0x00, 0xFF) or marker in ALONE:
            at += 1 if marker == 0xFF else 2
            continue
        if marker == SCAN:
            kept.append(payload[at:])
            break
        segment = payload[at : at + 2 + length]
        at += len(segment)
        if marker == JPEG_EXIF and segment[4:10] == EXIF_BEGINNING:
            orientation = orientation or orientation_in(segment[10:])
        if marker in APPLICATIONS:
            if len(segment) - 2 >= LEAST_BYTES.get(marker, 1 << 16):
                kept.append(segment)
        elif marker != COMMENT:
            kept.append(segment)
    exif = EXIF_BEGINNING + exif_of(orientation) if orientation else b""
    remark = struct.pack(">BBH", 0xFF, JPEG_EXIF, 2 + len(exif)) + exif if exif else b""
    return payload[:2] + remark + b"".join(kept)


def _ended(written: bytes) -> tuple[np.ndarray, int]:
    """Return the picture of a JPEG of which the end alone is missing.

    Decoders fill up what is missing of the pixels, and take whatever comes in its place. Where nothing is
    missing, more bytes change nothing.

    Raises:
        BadImage: more is missing, or it is too large to find out.
    """
    if len(written) > MOST_ENDLESS_BYTES:
        raise BadImage
    pixels, factor = decode_reduced(written + END)
    if not np.array_equal(decode_reduced(written + MORE + END)[0], pixels):
        raise BadImage
    return pixels, factor


def _webp(payload: bytes) -> bytes:
    kept, orientation, at = [], None, 12
    while at + 8 <= len(payload):
        kind, length = struct.unpack_from("<4sI", payload, at)
        chunk, body = payload[at : at + 8 + length + length % 2], payload[at + 8 : at + 8 + length]
        if at + 8 + length > len(payload):
            return payload  # truncated, and twice is no better
        at += len(chunk)
        if kind == b"EXIF":
            orientation = orientation_in(body.removeprefix(EXIF_BEGINNING))
        elif kind not in WEBP_REMARKS:
            kept.append(chunk)
    if sum(map(len, kept)) + 12 == len(payload) == int.from_bytes(payload[4:8], "little") + 8:
        return payload
    if kept and kept[0][:4] == b"VP8X" and len(kept[0]) > 8:
        flags = kept[0][8] & ~sum(WEBP_REMARKS.values())
        if orientation:
            exif = exif_of(orientation)
            kept.append(struct.pack("<4sI", b"EXIF", len(exif)) + exif)
            flags |= WEBP_REMARKS[b"EXIF"]
        kept[0] = kept[0][:8] + bytes((flags,)) + kept[0][9:]
    body = b"WEBP" + b"".join(kept)
    return struct.pack("<4sI", b"RIFF", len(body)) + body


def _tiff(payload: bytes) -> bytes:
    order = "<" if payload[:2] == b"II" else ">"
    start = int.from_bytes(payload[4:8], "little" if order == "<" else "big")
    if start + 2 > len(payload):
        return payload
    first, count = start + 2, struct.unpack_from(order + "H", payload, start)[0]
    end = first + 12 * count
    entries = [payload[at : at + 12] for at in range(first, end, 12)]
    kept = [entry for entry in entries if struct.unpack_from(order + "H", entry + bytes(2))[0] in TIFF_NEEDED]
    directory = struct.pack(order + "H", len(kept)) + b"".join(kept)
    return payload[:start] + directory.ljust(end + 4 - start, b"\0") + payload[end + 4 :]
