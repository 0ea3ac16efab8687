"""How a picture is turned: what its EXIF data says, and whether Pillow does as browsers do.

Source: CIPA DC-008 (EXIF), 4.5.2 and 4.6.2.
"""

import io
import re
import struct
from collections.abc import Callable

from PIL import Image

from handler.decode import FORMATS
from handler.png import SIGNATURE

EXIF_BEGINNING, PNG_EXIF = b"Exif\0\0", b"eXIf"
ORIENTATION, SHORT = 0x0112, 3
# Where EXIF data begins, at most, and how long a JPEG's segment is.
MOST_EXIF_AT, MOST_EXIF_BYTES = 1 << 18, 1 << 16
# How XMP says that a picture is turned, 1 being upright.
XMP, XMP_TURNED = b"tiff:Orientation", re.compile(rb'tiff:Orientation(?:="|>)[2-8]')


def is_turned_unseen(payload: bytes) -> bool:
    """Tell whether a decoded picture is turned, and Pillow missed it, as it stops at a broken remark."""
    beginning = {b"\xff\xd8": EXIF_BEGINNING, SIGNATURE[:2]: PNG_EXIF}.get(payload[:2])
    at = -1 if beginning is None else payload.find(beginning, 0, MOST_EXIF_AT)
    if beginning is None or at < 0:
        return False
    start = at + len(beginning)
    if orientation_in(payload[start : start + MOST_EXIF_BYTES]) in (None, 1):
        return False
    try:
        with Image.open(io.BytesIO(payload), formats=("JPEG", "PNG")) as image:
            return ORIENTATION not in image.getexif()
    except Exception:
        # Pillow's own readers raise much of what `decode_reduced` passed by: what was decoded stays as it is.
        return False


def is_turned_by_xmp(payload: bytes, without_remarks: Callable[[bytes], bytes | None]) -> bool:
    """Tell whether Pillow turns a picture by its XMP, which browsers do not look at.

    Programs that remove EXIF data, or turn the pixels themselves, often leave it as it was.

    Args:
        payload: a file that Pillow decodes.
        without_remarks: writes a file anew, of its remarks only what EXIF says of its rotation.
    """
    if XMP not in payload or not XMP_TURNED.search(payload):
        return False
    written = without_remarks(payload)
    try:
        return written is not None and _turned_by_pillow(payload) != _turned_by_pillow(written)
    except Exception:
        # As above: what was decoded stays as it is.
        return False


def _turned_by_pillow(payload: bytes) -> int:
    with Image.open(io.BytesIO(payload), formats=FORMATS) as image:
        return int(image.getexif().get(ORIENTATION, 1))


def orientation_in(exif: bytes) -> int | None:
    """Return how EXIF data says that a picture is turned, 1 to 8; None where it does not.

    Args:
        exif: from the byte order on.
    """
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None or len(exif) < 10:
        return None
    start = struct.unpack_from(order + "I", exif, 4)[0]
    if start + 2 > len(exif):
        return None
    # What comes after the directory's entries is a thumbnail's, or nobody's.
    end = start + 2 + 12 * struct.unpack_from(order + "H", exif, start)[0]
    for at in range(start + 2, min(end, len(exif)) - 11, 12):
        tag, kind, count, value = struct.unpack_from(order + "HHIH", exif, at)
        if tag == ORIENTATION:
            return value if (kind, count) == (SHORT, 1) and 1 <= value <= 8 else None
    return None


def exif_of(orientation: int) -> bytes:
    """Return EXIF data that says how a picture is turned."""
    one = struct.pack(">HHHIHHI", 1, ORIENTATION, SHORT, 1, orientation, 0, 0)
    return b"MM\0*\0\0\0\x08" + one
