"""What is passed on: pictures, as their decoder knows them."""

import io

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


class FetchError(Exception):
    """There is no picture to be had; the message is for the person."""


def media_type(content: bytes) -> str:
    """Return what the decoder calls a file, of which it reads the head.

    Raises:
        FetchError: It is no picture, or of a format that the handler does not read.
    """
    try:
        with Image.open(io.BytesIO(content), formats=list(FORMATS)) as image:
            # The only other format that these decoders name is MPO, several JPEGs in one file.
            return FORMATS.get(str(image.format), "image/jpeg")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        names = ", ".join(FORMATS)
        raise FetchError(f"What is there is no picture that can be read: {names} are.") from error
