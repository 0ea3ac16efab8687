"""Small pictures of drawings for the history table, made once each."""

import base64
import io
from collections import OrderedDict
from uuid import UUID

from PIL import Image, ImageOps

SIDE_PX = 56
# About 1.5 KB each.
MAX_KEPT = 4_000


class Thumbnails:
    """The thumbnails made last; may be used by many threads."""

    def __init__(self, max_kept: int = MAX_KEPT) -> None:
        self._max_kept = max_kept
        self._made: OrderedDict[UUID, str] = OrderedDict()

    def data_url(self, prediction_id: UUID, drawing: bytes) -> str:
        """Return a data URL of the drawing at most 56 px wide and high; "" where Pillow cannot read it."""
        made = self._made.get(prediction_id)
        if made is None:
            made = self._made[prediction_id] = make_thumbnail(drawing)
            if len(self._made) > self._max_kept:
                self._made.popitem(last=False)
        return made


def make_thumbnail(drawing: bytes) -> str:
    """Return a data URL of an upright PNG of at most 56x56 px, or "" where Pillow cannot read the drawing."""
    try:
        with Image.open(io.BytesIO(drawing)) as image:
            image.thumbnail((SIDE_PX, SIDE_PX))
            # Phones lay pictures down and say in EXIF how to turn them; small ones are turned at no cost.
            small = ImageOps.exif_transpose(image).convert("RGBA")
    except Exception:
        # What Pillow's decoders raise on broken files, and on broken EXIF, is not documented and is much:
        # one such picture must not take the whole history away.
        return ""
    png = io.BytesIO()
    small.save(png, "PNG")
    return "data:image/png;base64," + base64.b64encode(png.getvalue()).decode()
