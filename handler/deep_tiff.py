"""TIFF files of over 8 bits a value that Pillow reads without a complaint, but not as they say.

It heeds that 0 is white, and that red, green and blue come one after the other, only where values have 8
bits. Scanners write the former; Photoshop ("Per Channel") and GDAL the latter.

Source: TIFF 6.0, sections 3 to 8.
"""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from handler.decode import decode_reduced

BEGINNINGS = (b"II*\0", b"MM\0*")
# Tags, and the values of them that matter here.
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, OFFSETS, ORIENTATION, COUNTS, PLANAR = (
    256, 257, 258, 259, 262, 273, 274, 279, 284,
)  # fmt: skip
UNCOMPRESSED, WHITE_IS_0, RGB, PLANES = 1, 0, 2, 2
COLOURS_OF_16_BITS = (16, 16, 16)


def as_it_says(payload: bytes, pixels: np.ndarray, factor: int) -> tuple[np.ndarray, int]:
    """Return a TIFF's picture, and by which factor it was reduced, from what `decode_reduced` made of it."""
    try:
        image = TiffImageFile(io.BytesIO(payload))
        mode, tags = image.mode, dict(image.tag_v2)
        if tags.get(PHOTOMETRIC) == WHITE_IS_0 and (mode == "F" or mode.startswith("I")):
            return np.dstack([255 - pixels[..., :3], pixels[..., 3]]), factor
        interleaved = _interleaved(payload, tags)
        return (pixels, factor) if interleaved is None else decode_reduced(interleaved)
    except Exception:
        # Pillow's readers raise whatever they meet in tags: what was decoded stays as it is.
        return pixels, factor


def _interleaved(payload: bytes, tags: Mapping[int, Any]) -> bytes | None:
    """Return a file of 8 bits a value with the same picture, None where planes of 16 bits are no matter."""
    if (tags.get(PLANAR), tags.get(PHOTOMETRIC), tags.get(BITS)) != (PLANES, RGB, COLOURS_OF_16_BITS):
        return None
    if tags.get(COMPRESSION, UNCOMPRESSED) != UNCOMPRESSED:
        return None  # libtiff undoes the rest, and heeds it
    if sum(tags[COUNTS]) != 2 * len(COLOURS_OF_16_BITS) * tags[WIDTH] * tags[HEIGHT]:
        return None
    strips = zip(tags[OFFSETS], tags[COUNTS], strict=True)
    values = b"".join(payload[start : start + count] for start, count in strips)
    planes = np.frombuffer(values, "<u2" if payload[:2] == b"II" else ">u2")
    levels = (planes.reshape(len(COLOURS_OF_16_BITS), tags[HEIGHT], tags[WIDTH]) >> 8).astype(np.uint8)
    file = io.BytesIO()
    upright = {ORIENTATION: tags.get(ORIENTATION, 1)}
    Image.fromarray(np.ascontiguousarray(np.moveaxis(levels, 0, -1))).save(file, "TIFF", tiffinfo=upright)
    return file.getvalue()
