"""Pictures small enough for the page: data URLs of what was sent and of what the network saw."""

import base64
import io

from PIL import Image

from training.data.drawing import encoded

SIDE_PX = 144


def thumbnail(picture: bytes) -> str:
    """Return a picture as a data URL, at most 144 px a side; small ones are enlarged in whole steps."""
    with Image.open(io.BytesIO(picture)) as opened:
        return shrunk(opened)


def shrunk(image: Image.Image) -> str:
    """Return an image in the same way."""
    image = image.convert("RGBA")
    longer = max(image.size)
    if longer > SIDE_PX:
        size = tuple(max(1, round(side * SIDE_PX / longer)) for side in image.size)
        image = image.resize((size[0], size[1]), Image.Resampling.BOX)
    elif longer * 2 <= SIDE_PX:
        step = SIDE_PX // longer
        image = image.resize((image.width * step, image.height * step), Image.Resampling.NEAREST)
    return url(encoded(image, "WEBP", quality=88), "webp")


def url(file: bytes, kind: str) -> str:
    """Return a data URL of an image file of this kind, such as "png"."""
    return f"data:image/{kind};base64,{base64.b64encode(file).decode('ascii')}"
