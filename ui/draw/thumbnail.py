"""What the network saw, small enough for the history, where the browser sent no small picture itself."""

import base64
import io

from PIL import Image

from ui.draw.drawing import PNG_URL, read_thumbnail

# Of photographs; in colour it has 12 kB at most, of the 16 that are kept.
SIDE_PX = 64
# A PNG's header says at this place what a pixel has: 2 is red, green and blue (RFC 2083, 4.1.1).
COLOUR_TYPE, RGB = 25, 2


def thumbnail_of(frame: str) -> bytes | None:
    """Return a frame, the data URL of a PNG, small enough to be kept; None where it is none.

    Those of large photographs are scaled down; all others are as they are.
    """
    kept = read_thumbnail(frame)
    if kept is not None or not frame.startswith(PNG_URL):
        return kept
    small = io.BytesIO()
    try:
        with Image.open(io.BytesIO(base64.b64decode(frame.removeprefix(PNG_URL))), formats=["PNG"]) as image:
            image.thumbnail((SIDE_PX, SIDE_PX))
            image.save(small, "PNG")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return small.getvalue()


def is_in_colour(frame: str) -> bool:
    """Return whether a frame, the data URL of a PNG, is in colour, as those of photographs are."""
    head = frame.removeprefix(PNG_URL)[:48]
    try:
        png = base64.b64decode(head, validate=True)
    except ValueError:
        return False
    return len(png) > COLOUR_TYPE and png[COLOUR_TYPE] == RGB
