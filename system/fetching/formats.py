"""What is passed on: pictures, as their decoder knows them."""

import io
from contextlib import suppress

from PIL import Image

# What the handler reads, too.
FORMATS = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "BMP": "image/bmp",
    "AVIF": "image/avif",
    "TIFF": "image/tiff",
}
UNREADABLE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)
# How a PNG begins, how long it is up to the end of its header, and where its pixels begin.
PNG, PNG_HEADER_BYTES, NO_PIXELS = b"\x89PNG\r\n\x1a\n", 33, b"\0\0\0\0IDAT"


class FetchError(Exception):
    """There is no picture to be had; the message is for the person."""


class UnreachedError(FetchError):
    """There is none now; another time there may be."""


def media_type(content: bytes) -> str:
    """Return what the decoder calls a file, of which it reads the head.

    Raises:
        FetchError: It is not a picture, or has a format that the handler does not read.
    """
    try:
        return _media_type(content)
    except UNREADABLE as error:
        # A broken text or profile is the handler's to leave out: of a PNG, its header says what it is.
        if content.startswith(PNG):
            with suppress(*UNREADABLE):
                return _media_type(content[:PNG_HEADER_BYTES] + NO_PIXELS)
        names = ", ".join(FORMATS)
        raise FetchError(f"What is there is no picture that can be read: {names} are.") from error


def _media_type(content: bytes) -> str:
    with Image.open(io.BytesIO(content), formats=list(FORMATS)) as image:
        # The only other format that these decoders name is MPO, several JPEGs in one file.
        return FORMATS.get(str(image.format), "image/jpeg")
