"""An image file's bytes -> RGBA pixels, upright and of bounded size."""

import io

import numpy as np
from PIL import Image, ImageOps

from handler import bad_image
from handler.bad_image import BadImage
from handler.png import read_png

# What people send of drawings. Formats that run an interpreter or a codec of their own (EPS, PDF, video)
# stay out.
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF", "BMP", "TIFF", "PPM")
# An 8K picture. Checked against the header, before a pixel is decoded.
MAX_PIXELS = 7680 * 4320
# A strip of 1 x 30,000,000 would defeat the reduction below.
MAX_SIDE_PX = 16_384
# More than this gains nothing for a frame of 28x28: a digit of a fiftieth of the side still has 40 px.
WORK_SIDE_PX = 2048


def decode(payload: bytes) -> np.ndarray:
    """Return the picture as uint8 (height, width, 4), straight RGBA (not premultiplied), 0..255.

    What is fully transparent is (0, 0, 0, 0), whatever colour hides below. The first frame of an animation is
    taken, EXIF rotation is undone, and a picture whose longer side is over WORK_SIDE_PX is reduced by a whole
    factor.

    Raises:
        BadImage: the bytes are no accepted image, are truncated or corrupt, or have too many pixels.
    """
    return decode_reduced(payload)[0]


def decode_reduced(payload: bytes) -> tuple[np.ndarray, int]:
    """Return the picture, as `decode` does, and by which factor it was reduced."""
    pixels = read_png(payload, WORK_SIDE_PX)
    return _by_pillow(payload) if pixels is None else (pixels, 1)


def _by_pillow(payload: bytes) -> tuple[np.ndarray, int]:
    """Return a picture of any accepted format, and its factor; say what is wrong with the others."""
    try:
        with Image.open(io.BytesIO(payload), formats=FORMATS) as image:
            width, height = image.size
            if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE_PX:
                raise bad_image.too_large(width, height, MAX_PIXELS, MAX_SIDE_PX)
            # JPEG can be decoded at 1/2, 1/4 or 1/8 for a fraction of the time and memory.
            image.draft(None, (WORK_SIDE_PX, WORK_SIDE_PX))
            upright = ImageOps.exif_transpose(image)
            straight = _eight_bit(upright).convert("RGBA")
            factor = -(-max(straight.size) // WORK_SIDE_PX)
            if factor > 1:
                # Premultiplied meanwhile, so that what hides below transparent pixels does not bleed.
                straight = straight.convert("RGBa").reduce(factor).convert("RGBA")
            pixels = np.array(straight)
            pixels[pixels[..., 3] == 0] = 0
            # JPEG's reduction is in it, too; rotation does not change the longer side.
            return pixels, round(max(width, height) / max(straight.size))
    except BadImage:
        raise
    except Image.UnidentifiedImageError:
        raise bad_image.unknown_format(payload) from None
    except Image.DecompressionBombError:
        # Pillow refuses the very largest itself, without their size.
        raise bad_image.too_large(None, None, MAX_PIXELS, MAX_SIDE_PX) from None
    except Exception as error:
        # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error and more on broken files,
        # and none of that is documented: whatever a decoder raises, the bytes are to blame.
        raise bad_image.corrupt(payload, error) from None


def _eight_bit(image: Image.Image) -> Image.Image:
    """Return modes of over 8 bits as "L", since Pillow's own conversion clips them; others as they are."""
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        # Scanners fill 12 of 16 bits, and "I" and "F" have no full scale at all: the darkest and lightest
        # values present span the range, unless they are as close as noise.
        values = np.nan_to_num(np.asarray(image).astype(np.float64), posinf=0.0, neginf=0.0)
        low, high = float(values.min()), float(values.max())
        return Image.fromarray(((values - low) * (255.0 / max(high - low, 1.0))).astype(np.uint8))
    return image
