"""PNG files of the kinds that drawings come in -> pixels, several times as fast as Pillow.

Browsers and drawing programs send PNG, and most of what decoding costs is to undo its compression and its
filters. Other formats, rarer kinds of PNG, and every file that is not entirely in order are left to
`decode.py`, which also has the words for what is wrong. Both give the same pixels.

Source: Portable Network Graphics, third edition, https://www.w3.org/TR/png-3/.
"""

import struct

import deflate
import numpy as np
from numba import njit

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Bytes a pixel, by colour type; palettes are left to Pillow.
PIXEL_BYTES = {0: 1, 2: 3, 4: 2, 6: 4}
# What these change about the pixels (one colour's transparency, rotation, animation) is left to Pillow.
LEFT_TO_PILLOW = {b"tRNS", b"eXIf", b"acTL"}
# A chunk whose name begins with a capital must be understood, says the standard; these are.
UNDERSTOOD = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
# Four bytes in one word, added without carrying from one into the next: seven bits of each, then the eighth.
LOW_BITS, HIGH_BITS, ALL_BUT_LOWEST = np.uint32(0x7F7F7F7F), np.uint32(0x80808080), np.uint32(0xFEFEFEFE)


def read_png(payload: bytes, max_side_px: int) -> np.ndarray | None:
    """Return the picture as `decode` does, or None for whatever Pillow should see.

    Lengths and checksums are checked before anything of the size that a file claims is allocated.

    Args:
        payload: a whole file.
        max_side_px: larger pictures are left to Pillow, too.
    """
    parts = _parts(payload)
    if parts is None:
        return None
    header, compressed = parts
    width, height, depth, colour_type, compression, filtering, interlacing = struct.unpack(">2I5B", header)
    pixel_bytes = PIXEL_BYTES.get(colour_type)
    if pixel_bytes is None or (depth, compression, filtering, interlacing) != (8, 0, 0, 0):
        return None
    if not (2 <= width <= max_side_px and 2 <= height <= max_side_px):
        return None
    line = 1 + width * pixel_bytes
    try:
        lines = deflate.zlib_decompress(compressed, height * line)
    except deflate.DeflateError:
        return None
    if len(lines) != height * line:
        return None
    # A pixel of one to four bytes is read as one word, so the last one's word ends up to three bytes later.
    if pixel_bytes < 4:
        lines += b"\0\0\0"
    residuals = np.ndarray((height, width), "<u4", lines, offset=1, strides=(line, pixel_bytes))
    pixels = np.empty((height, width), np.uint32)
    if not _unfilter(np.ndarray((height, line), np.uint8, lines), residuals, pixel_bytes, pixels):
        return None
    return pixels.view(np.uint8).reshape(height, width, 4)


def _parts(payload: bytes) -> tuple[bytes, bytes] | None:
    """Return a file's header and compressed data; None when it is not in order, or not simple."""
    if not payload.startswith(SIGNATURE):
        return None
    header, compressed, at = b"", [], len(SIGNATURE)
    while at + 12 <= len(payload):
        length, kind = struct.unpack_from(">I4s", payload, at)
        body, end = at + 8, at + 8 + length
        if end + 4 > len(payload):
            return None
        if deflate.crc32(payload[at + 4 : end]) != int.from_bytes(payload[end : end + 4], "big"):
            return None
        if kind in LEFT_TO_PILLOW or (kind[:1].isupper() and kind not in UNDERSTOOD):
            return None
        if (kind == b"IHDR") != (at == len(SIGNATURE)):
            return None
        if kind == b"IHDR":
            header = payload[body:end]
        elif kind == b"IDAT":
            compressed.append(payload[body:end])
        elif kind == b"IEND":
            whole = len(header) == 13 and compressed
            return (
                (header, compressed[0] if len(compressed) == 1 else b"".join(compressed)) if whole else None
            )
        at = end + 4
    return None


@njit(cache=True, nogil=True, error_model="numpy")
def _unfilter(lines, residuals, pixel_bytes, pixels):  # type: ignore[no-untyped-def]
    """Undo each line's filter (section 9 of the standard), then make RGBA; False if a filter does not exist.

    Drawings are mostly flat, and most residuals zero: those pixels cost a comparison and a copy.

    Args:
        lines: uint8 (height, 1 + width * pixel_bytes), before each line its filter, its way of prediction.
        residuals: uint32 (height, width), what is left of each pixel after prediction: `lines` once more, a
            pixel's bytes lowest.
        pixel_bytes: how many those are.
        pixels: uint32 (height, width), written: RGBA, red lowest.
    """
    height, width = pixels.shape
    as_bytes = pixels.view(np.uint8)
    mask = np.uint32((1 << 8 * pixel_bytes) - 1)
    zero = np.uint32(0)
    for y in range(height):
        kind = lines[y, 0]
        left = upper_left = zero
        if kind == 0 or (kind == 2 and y == 0):  # None; Up, with nothing above
            for x in range(width):
                pixels[y, x] = residuals[y, x] & mask
        elif kind == 1 or (kind == 4 and y == 0):  # Sub; Paeth's prediction on the first line is the same
            for x in range(width):
                residual = residuals[y, x] & mask
                if residual != zero:
                    left = _sum(left, residual)
                pixels[y, x] = left
        elif kind == 2 and pixel_bytes == 4:  # Up, as browsers write every line: 32 or 64 bytes at a time
            now, before, line = as_bytes[y], as_bytes[y - 1], lines[y, 1:]
            for byte in range(now.size):
                now[byte] = before[byte] + line[byte]
        elif kind == 2:
            for x in range(width):
                pixels[y, x] = _sum(pixels[y - 1, x], residuals[y, x] & mask)
        elif kind == 3:  # Average
            for x in range(width):
                above = pixels[y - 1, x] if y else zero
                mean = (left & above) + (((left ^ above) & ALL_BUT_LOWEST) >> np.uint32(1))
                left = _sum(mean, residuals[y, x] & mask)
                pixels[y, x] = left
        elif kind == 4:  # Paeth
            for x in range(width):
                above, residual = pixels[y - 1, x], residuals[y, x] & mask
                predicted = above if left == upper_left else _paeth(left, above, upper_left)
                left = predicted if residual == zero else _sum(predicted, residual)
                pixels[y, x] = left
                upper_left = above
        else:
            return False
        if y:
            _to_rgba(pixels[y - 1], pixel_bytes)
    _to_rgba(pixels[height - 1], pixel_bytes)
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def _to_rgba(line, pixel_bytes):  # type: ignore[no-untyped-def]
    """Make RGBA of a line's pixels of one to four bytes, in place; the fully transparent become 0 throughout.

    Done line by line, while each is in the processor's nearest cache, and one behind the filters, which look
    at the line above as it was.
    """
    opaque, grey = np.uint32(0xFF000000), np.uint32(0x010101)
    for x in range(line.size):
        value = line[x]
        if pixel_bytes == 1:
            value = value * grey | opaque
        elif pixel_bytes == 2:
            value = (value & np.uint32(0xFF)) * grey | (value >> np.uint32(8)) << np.uint32(24)
        elif pixel_bytes == 3:
            value |= opaque
        line[x] = value if value & opaque else np.uint32(0)


@njit(cache=True, nogil=True, inline="always")
def _sum(a, b):  # type: ignore[no-untyped-def]
    """Return the sums of four bytes each, modulo 256."""
    return ((a & LOW_BITS) + (b & LOW_BITS)) ^ ((a ^ b) & HIGH_BITS)


@njit(cache=True, nogil=True, error_model="numpy")
def _paeth(left, above, upper_left):  # type: ignore[no-untyped-def]
    """Return for each of four bytes the neighbour that is nearest to left + above - upper left."""
    nearest = np.uint32(0)
    for shift in (np.uint32(0), np.uint32(8), np.uint32(16), np.uint32(24)):
        a = np.int32((left >> shift) & np.uint32(0xFF))
        b = np.int32((above >> shift) & np.uint32(0xFF))
        c = np.int32((upper_left >> shift) & np.uint32(0xFF))
        by_a, by_b, by_c = abs(b - c), abs(a - c), abs(a + b - c - c)
        best = a if by_a <= by_b and by_a <= by_c else (b if by_b <= by_c else c)
        nearest |= np.uint32(best) << shift
    return nearest
