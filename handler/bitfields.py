"""BMP files that say by masks which bits of a pixel are which colour -> PNG files with the same pixels.

Pillow knows a few of these layouts; browsers read them all, and take a picture for opaque whose alpha is
nought throughout, as programs leave it that have none.

Source: Microsoft, "Bitmap Header Types" and BITMAPV4HEADER.
"""

import struct

import cv2
import numpy as np

BITFIELDS, ALPHA_BITFIELDS = 3, 6
# Where the pixels begin; then the header's length, width, height, planes, bits a pixel, and its compression.
START, HEADER = struct.Struct("<I"), struct.Struct("<IiiHHI")
START_AT, HEADER_AT, MASKS_AT = 10, 14, 54
# From this length on a header has a mask for alpha, too.
WITH_ALPHA_BYTES = 56
PIXEL_TYPES = {16: "<u2", 32: "<u4"}


def png_of_bitfields(payload: bytes) -> bytes | None:
    """Return a PNG file with the pixels of a BMP, or None where it is no whole one with masks."""
    if payload[:2] != b"BM" or len(payload) < MASKS_AT + 16:
        return None
    header_bytes, width, height, _, bits, compression = HEADER.unpack_from(payload, HEADER_AT)
    if header_bytes < 40 or compression not in (BITFIELDS, ALPHA_BITFIELDS) or bits not in PIXEL_TYPES:
        return None
    start, line_bytes = START.unpack_from(payload, START_AT)[0], (bits * width + 31) // 32 * 4
    if width < 1 or height == 0 or start + line_bytes * abs(height) > len(payload):
        return None
    values = np.ndarray(
        (abs(height), width), PIXEL_TYPES[bits], payload, start, (line_bytes, bits // 8)
    ).astype(np.uint32)
    *colours, alpha = struct.unpack_from("<4I", payload, MASKS_AT)
    if header_bytes < WITH_ALPHA_BYTES and compression != ALPHA_BITFIELDS:
        alpha = 0
    pixels = np.stack([_levels(values, mask) for mask in (*reversed(colours), alpha)], axis=-1)
    if not pixels[..., 3].any():
        pixels[..., 3] = 255
    upright = pixels if height < 0 else pixels[::-1]
    made, file = cv2.imencode(".png", upright, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return file.tobytes() if made else None  # no PNG is a million pixels long


def _levels(values: np.ndarray, mask: int) -> np.ndarray:
    """Return the bits below a mask as levels: uint8, 0..255."""
    if mask == 0:
        return np.zeros(values.shape, np.uint8)
    lowest = (mask & -mask).bit_length() - 1
    bits = (values & np.uint32(mask)) >> np.uint32(lowest)
    if mask >> lowest > 255:
        bits, mask = bits >> np.uint32((mask >> lowest).bit_length() - 8), 255 << lowest
    most = np.uint32(mask >> lowest)
    return ((bits * np.uint32(255) + most // np.uint32(2)) // most).astype(np.uint8)
