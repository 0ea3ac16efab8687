"""What the pad sends: one drawing, checked before anything is done with it."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from db.schema import MAX_DRAWING_BYTES

SOURCES = ("sketchpad", "upload")
# What JavaScript counts exactly.
MAX_SENT = 2**53 - 1

_DATA_URL = re.compile(r"data:image/[a-z0-9.+-]+;base64,(?P<data>.+)", re.DOTALL)
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_SESSION_ID = re.compile(r"[0-9a-f]{32}")


class BadDrawing(ValueError):  # noqa: N818 - named as the handler's BadImage is
    """The page sent something that is no drawing; the message is for the person."""


@dataclass(frozen=True)
class Drawing:
    """One image as the browser sent it.

    Attributes:
        image: The image file's bytes: the pad's PNG, or an uploaded picture.
        source: "sketchpad" or "upload".
        pen_colour: CSS colour #rrggbb of the pen; None for an upload.
        background_colour: CSS colour #rrggbb of the paper; None for an upload.
    """

    image: bytes
    source: str
    pen_colour: str | None
    background_colour: str | None


def read_drawing(value: Any) -> Drawing | None:
    """Return the drawing in the pad's value, or None when its paper is blank.

    Raises:
        BadDrawing: The value is no drawing, or its image is too large to be kept.
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
    return Drawing(image, source, _colour(value.get("pen")), _colour(value.get("paper")))


def read_model_path(value: Any) -> str:
    """Return the path of the model that is to read the drawing, "" when the browser names none."""
    path = value.get("model") if isinstance(value, Mapping) else None
    return path if isinstance(path, str) else ""


def read_sent(value: Any) -> int:
    """Return how many drawings the browser had sent with this one, 0 when it does not say.

    It is the drawing's number: by it the browser knows whose answer comes.
    """
    sent = value.get("sent") if isinstance(value, Mapping) else None
    return sent if type(sent) is int and 0 <= sent <= MAX_SENT else 0


def read_session_id(value: Any) -> str | None:
    """Return the visitor's id, 32 hexadecimal digits, or None when the browser sent no such id."""
    return value if isinstance(value, str) and _SESSION_ID.fullmatch(value) else None


def _colour(value: Any) -> str | None:
    return value if isinstance(value, str) and _COLOUR.fullmatch(value) else None
