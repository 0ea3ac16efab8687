"""What the pad sends: one drawing, checked before anything is done with it."""

import base64
import binascii
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from db.schema import MAX_DRAWING_BYTES, MAX_THUMBNAIL_BYTES

SOURCES = ("sketchpad", "upload", "api")
# What JavaScript counts exactly.
MAX_SENT = 2**53 - 1

_DATA_URL = re.compile(r"data:image/[a-z0-9.+-]+;base64,(?P<data>.+)", re.DOTALL)
PNG_URL = "data:image/png;base64,"
# A transparent GIF of one pixel keeps the element where there is no picture.
NO_PICTURE = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
_PNG = b"\x89PNG\r\n\x1a\n"
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_DRAWING_ID = re.compile(r"[0-9a-f]{32}")
_SESSION_ID = re.compile(r"[0-9a-f]{32}")


class BadDrawing(ValueError):  # noqa: N818 - named as the handler's BadImage is
    """The page sent something that is no drawing; the message is for the person."""


@dataclass(frozen=True)
class Drawing:
    """One image as the browser sent it.

    Attributes:
        image: The image file's bytes: the pad's PNG, or an uploaded picture.
        source: "sketchpad", "upload" or "api".
        pen_colour: CSS colour #rrggbb of the pen; None for an upload.
        background_colour: CSS colour #rrggbb of the paper; None for an upload.
        thumbnail: The browser's small PNG of it, for its visitor's own history; None where it sent none, as
            programs do, and browsers of what they cannot show.
    """

    image: bytes
    source: str
    pen_colour: str | None
    background_colour: str | None
    thumbnail: bytes | None = None
    id: uuid.UUID = field(default_factory=uuid.uuid4)


def read_drawing(value: Any) -> Drawing | None:
    """Return the drawing in the pad's value, or None when its paper is blank.

    Raises:
        BadDrawing: The value is no drawing, its image is too large to be kept, or its id is none.
    """
    if not isinstance(value, Mapping) or not value.get("image"):
        return None
    match = _DATA_URL.fullmatch(str(value["image"]))
    source = value.get("source", "sketchpad")
    if match is None or source not in SOURCES:
        raise BadDrawing("That is not a picture. Draw one, or choose a PNG or JPEG file.")
    try:
        image = base64.b64decode(match["data"], validate=True)
    except binascii.Error as error:
        raise BadDrawing("The picture arrived damaged. Send it again.") from error
    if len(image) > MAX_DRAWING_BYTES:
        limit_mb = MAX_DRAWING_BYTES / 1024**2
        raise BadDrawing(f"The picture is larger than {limit_mb:.0f} MB. Choose a smaller one.")
    colours = _colour(value.get("pen")), _colour(value.get("paper"))
    return Drawing(
        image, source, *colours, read_thumbnail(value.get("thumbnail")), read_id(value.get("drawing"))
    )


def read_model_path(value: Any) -> str:
    """Return the path of the model that is to read the drawing, "" when the browser names none."""
    path = value.get("model") if isinstance(value, Mapping) else None
    return path if isinstance(path, str) else ""


def read_keep(value: Any) -> bool:
    """Return whether the drawing may be stored: where the browser says anything but yes, it may not."""
    return not isinstance(value, Mapping) or value.get("keep", True) is True


def read_interim(value: Any) -> bool:
    """Return whether the pen is still down, so that more follows soon and nothing of this is stored."""
    return isinstance(value, Mapping) and value.get("interim") is True


def read_sent(value: Any) -> int:
    """Return how many drawings the browser had sent with this one, 0 when it does not say.

    It is the drawing's number: by it the browser knows whose answer comes.
    """
    sent = value.get("sent") if isinstance(value, Mapping) else None
    return sent if type(sent) is int and 0 <= sent <= MAX_SENT else 0


def read_session_id(value: Any) -> str | None:
    """Return the visitor's id, 32 hexadecimal digits, or None when the browser sent no such id."""
    return value if isinstance(value, str) and _SESSION_ID.fullmatch(value) else None


def read_id(value: Any) -> uuid.UUID:
    """Return the drawing's id, a new one where the browser sent none.

    Raises:
        BadDrawing: It sent something that is no id.
    """
    if value is None:
        return uuid.uuid4()
    if isinstance(value, str) and _DRAWING_ID.fullmatch(value):
        return uuid.UUID(hex=value)
    raise BadDrawing("The drawing's id must be 32 lower-case hexadecimal digits. Reload the page.")


def read_thumbnail(value: Any) -> bytes | None:
    """Return a PNG that is small enough to be kept, or None: without one there is still a drawing.

    Nothing here decodes it: it is shown to who sent it, whose decoder makes at most 17 MB of so few bytes.
    """
    if not isinstance(value, str) or not value.startswith(PNG_URL) or len(value) > 2 * MAX_THUMBNAIL_BYTES:
        return None
    try:
        png = base64.b64decode(value.removeprefix(PNG_URL), validate=True)
    except binascii.Error:
        return None
    return png if png.startswith(_PNG) and len(png) <= MAX_THUMBNAIL_BYTES else None


def png_url(png: bytes) -> str:
    """Return the data URL of a PNG."""
    return f"{PNG_URL}{base64.b64encode(png).decode()}"


def _colour(value: Any) -> str | None:
    return value if isinstance(value, str) and _COLOUR.fullmatch(value) else None
