"""The one picture that all odd files show, turned unmistakably, and what may stand in their EXIF data."""

import io
import struct

import numpy as np
from PIL import Image

from training.data.drawing import drawing

WIDTH, HEIGHT = 48, 36
# A digit, dark on light, with a corner of another colour.
PICTURE = drawing("7", pen=(20, 40, 120), paper=(250, 240, 200), pen_px=40).resize((WIDTH, HEIGHT))
PICTURE.paste((200, 30, 30), (0, 0, 8, 6))
RGB = np.asarray(PICTURE)
GREY = np.asarray(PICTURE.convert("L"))
EXTREMES = np.where(GREY > 150, 255, 0).astype(np.uint8)  # that of 16 bits reach from 0 to 65,535
RAMP = np.broadcast_to(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, WIDTH))
ORIENTATIONS = range(1, 9)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def exif(orientation: int, *odd: bytes) -> bytes:
    """Return EXIF data from its byte order on; `odd` entries of 12 bytes, little-endian, come along."""
    entries = [struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0), *odd]
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + b"".join(sorted(entries)) + bytes(4)


# An entry of a kind that does not exist; a number below nought in place of one above; one that lies beyond
# the file; a count of four thousand million; a rational that is none.
ODD_ENTRIES = {
    "unknown type": struct.pack("<HHII", 0x9999, 77, 1, 5),
    "negative": struct.pack("<HHIi", 0x0128, 9, 1, -5),
    "beyond the file": struct.pack("<HHII", 0x010F, 2, 60, 0xFFFFFF00),
    "endless": struct.pack("<HHII", 0x010E, 2, 0xFFFFFFFF, 8),
    "broken directory": struct.pack("<HHII", 0x8769, 4, 1, 0xFFFF),
    "short as text": struct.pack("<HHI4s", 0x0131, 3, 2, b"\xff\xff\xff\xff"),
}


# What Adobe's programs leave where there is no EXIF data, or none any more.
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF>'
    b"</x:xmpmeta>"
)


def palette() -> tuple[np.ndarray, bytes]:
    """Return the picture as indices, uint8 (height, width), and the 16 colours that they mean."""
    image = PICTURE.quantize(16)
    return np.asarray(image), bytes((image.getpalette() or [])[: 3 * 16])


INDICES, COLOURS = palette()
