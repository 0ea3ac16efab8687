"""A drawing as a browser may show it: the file as it was sent, and the maps of an explanation over it."""

import base64
import io
import re
import struct
from collections.abc import Sequence

from PIL import Image
from starlette.responses import Response

from ui.draw.drawing import PNG_URL, png_url
from ui.security_headers import POLICY

# The formats that browsers show, by how a file begins; whatever else was sent is saved, never shown.
MEDIA_TYPES = {
    b"\x89PNG\r\n\x1a\n": ("image/png", "png"),
    b"\xff\xd8\xff": ("image/jpeg", "jpg"),
    b"GIF87a": ("image/gif", "gif"),
    b"GIF89a": ("image/gif", "gif"),
    b"BM": ("image/bmp", "bmp"),
}
SAVED = "application/octet-stream"
# Of what is read and not shown, so that other programs open what is saved.
TIFF, PNM = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), re.compile(rb"P[1-7Ff][\s#]")
# Somebody sent this file: opened by itself it runs nothing and is nobody's.
SANDBOX = "default-src 'none'; sandbox; frame-ancestors 'none'"
EXIF_ORIENTATION = 0x0112
Colour = tuple[int, int, int]
# The maps' colours on the pad, as red, green and blue.
MATTERED, ADD, ERASE = (214, 51, 108), (28, 126, 214), (232, 89, 12)
# Below this share of a map's strongest value nothing is coloured.
FAINTEST = 0.1


def media_type(image: bytes) -> tuple[str, str]:
    """Return the media type of an image file that was read, and what its name ends in, by its first bytes."""
    for magic, found in MEDIA_TYPES.items():
        if image.startswith(magic):
            return found
    if image[:4] == b"RIFF" and image[8:12] == b"WEBP":
        return "image/webp", "webp"
    if image[4:8] == b"ftyp":  # of a single picture, a sequence, or both: nothing else in it is read
        return "image/avif", "avif"
    if image.startswith(TIFF):
        return SAVED, "tif"
    return SAVED, "pnm" if PNM.match(image) else "bin"


def drawing_response(image: bytes, name: str) -> Response:
    """Return the answer that holds a drawing; `name` is the file's without its ending."""
    kind, ending = media_type(image)
    headers = {POLICY: SANDBOX, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    if kind == SAVED:
        headers["Content-Disposition"] = f'attachment; filename="{name}.{ending}"'
    return Response(image, media_type=kind, headers=headers)


def size_px(image: bytes) -> tuple[int, int] | None:
    """Return width and height as a browser shows the image, None where that is not known."""
    try:
        with Image.open(io.BytesIO(image)) as opened:
            width, height = opened.size
            is_turned = opened.getexif().get(EXIF_ORIENTATION, 1) in range(5, 9)
    except (OSError, ValueError, SyntaxError, struct.error, Image.DecompressionBombError):
        return None  # a picture that is read may still have remarks that are broken
    return (height, width) if is_turned else (width, height)


def map_url(values: Sequence[Sequence[float]], positive: Colour, negative: Colour | None = None) -> str:
    """Return a map as the data URL of a PNG: the stronger a value, the more opaque.

    Args:
        values: 28 rows of 28 values.
        positive: The colour of what is above 0.
        negative: The colour of what is below; None shows nothing there.
    """
    flat = [value for row in values for value in row]
    peak = max(max(map(abs, flat)), 1e-9)
    pixels = bytearray()
    for value in flat:
        colour = positive if value > 0 else negative
        strength = max(0.0, (abs(value) / peak - FAINTEST) / (1 - FAINTEST)) if colour else 0.0
        pixels += bytes((*(colour or positive), round(255 * strength**0.7)))
    png = io.BytesIO()
    Image.frombytes("RGBA", (len(values[0]), len(values)), bytes(pixels)).save(png, "PNG")
    return png_url(png.getvalue())


def png_of(data_url: str) -> bytes | None:
    """Return the PNG in a data URL, None for anything else."""
    try:
        png = base64.b64decode(data_url.removeprefix(PNG_URL), validate=True)
    except ValueError:
        return None
    return png if media_type(png)[0] == "image/png" else None
