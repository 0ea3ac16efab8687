"""An image file's bytes -> RGBA pixels, upright and of bounded size."""

import io

import numpy as np
from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile

from handler import bad_image
from handler.bad_image import BadImage
from handler.png import read_png

# What people send of drawings. Formats that run an interpreter or a codec of their own (EPS, PDF, video)
# stay out.
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF", "BMP", "TIFF", "PPM")
# Checked against the header, before a pixel is decoded. A phone's photo, a JPEG of the usual kind, is decoded
# at a half or a quarter of its size. What has to be decoded whole may have fewer pixels, and the fewer the
# more each of them costs (2 to 90 ns): so that all but the worst files take half of framer.py's PICTURE_S.
MAX_PIXELS = 8192 * 6144
MAX_PIXELS_OF = {
    "PNG": 4096 * 3072,
    "GIF": 4096 * 3072,
    "BMP": 4096 * 3072,
    "PPM": 4096 * 3072,
    "progressive JPEG": 4096 * 3072,
    "TIFF": 3072 * 3072,
    "picture of 16-bit values": 3072 * 3072,
    "picture of 32-bit values": 2048 * 2048,
    "WEBP": 2048 * 1536,
    "AVIF": 2048 * 1024,
}
# A strip of 1 x 30,000,000 would defeat the reduction below.
MAX_SIDE_PX = 16_384
# More than this gains nothing for a frame of 28x28: a digit of a fiftieth of the side still has 40 px.
WORK_SIDE_PX = 2048
# Above this a JPEG's reduction is chosen by its longer side alone.
DRAFTED_ABOVE_PIXELS = 6144 * 4096
LINES_AT_A_TIME = 64


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
            kind = _kind(image)
            most = MAX_PIXELS_OF.get(kind, MAX_PIXELS)
            if width * height > most or max(width, height) > MAX_SIDE_PX:
                raise bad_image.too_large(width, height, kind, most, MAX_SIDE_PX)
            # JPEG can be decoded at 1/2, 1/4 or 1/8 for a fraction of the time and memory.
            image.draft(None, _least_size(width, height))
            ImageOps.exif_transpose(image, in_place=True)
            straight = _eight_bit(image)
            # Without transparency nothing bleeds: fewer values to reduce, and to the same pixels.
            is_opaque = straight.mode in ("L", "RGB") and "transparency" not in straight.info
            if not is_opaque:
                straight = straight.convert("RGBA")
            factor = -(-max(straight.size) // WORK_SIDE_PX)
            if factor > 1 and is_opaque:
                straight = straight.reduce(factor)
            elif factor > 1:
                # Premultiplied meanwhile, so that what hides below transparent pixels does not bleed.
                straight = straight.convert("RGBa").reduce(factor).convert("RGBA")
            pixels = np.array(straight.convert("RGBA"))
            if not is_opaque:
                pixels[pixels[..., 3] == 0] = 0
            # JPEG's reduction is in it, too; rotation does not change the longer side.
            return pixels, round(max(width, height) / max(straight.size))
    except BadImage:
        raise
    except Image.UnidentifiedImageError:
        raise bad_image.unknown_format(payload) from None
    except Image.DecompressionBombError:
        # Pillow refuses the very largest itself, without their size.
        raise bad_image.too_large(None, None, "picture", MAX_PIXELS, MAX_SIDE_PX) from None
    except MemoryError:
        raise bad_image.too_costly() from None
    except Exception as error:
        # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error and more on broken files,
        # and none of that is documented: whatever a decoder raises, the bytes are to blame.
        raise bad_image.corrupt(payload, error) from None


def _kind(image: Image.Image) -> str:
    """Return what an opened picture is, as far as its pixels' cost depends on it: a key of MAX_PIXELS_OF."""
    if _is_deep(image):
        return "picture of 32-bit values" if image.mode in ("I", "F") else "picture of 16-bit values"
    if isinstance(image, JpegImageFile):  # MPO, several JPEGs in one file, too
        return "progressive JPEG" if "progressive" in image.info else "JPEG"
    return str(image.format)


def _least_size(width: int, height: int) -> tuple[int, int]:
    """Return the size below which a JPEG of this size must not be decoded.

    By both sides, as long as that is quick. A panorama, long and low, would never be reduced that way.
    """
    if width * height <= DRAFTED_ABOVE_PIXELS:
        return WORK_SIDE_PX, WORK_SIDE_PX
    longer = max(width, height)
    return WORK_SIDE_PX * width // longer, WORK_SIDE_PX * height // longer


def _is_deep(image: Image.Image) -> bool:
    """Tell whether a picture has over 8 bits a pixel and channel, which Pillow leaves to its users."""
    return image.mode.startswith("I;16") or image.mode in ("I", "F")


def _eight_bit(image: Image.Image) -> Image.Image:
    """Return modes of over 8 bits as "L", since Pillow's own conversion clips them; others as they are."""
    if not _is_deep(image):
        return image
    # Scanners fill 12 of 16 bits, and "I" and "F" have no full scale at all: the darkest and lightest
    # values present span the range, unless they are as close as noise.
    values = np.asarray(image)
    if image.mode == "F":
        values = np.nan_to_num(values, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    levels = np.empty(values.shape, np.uint8)
    # In double precision, but not all of it at a time.
    for top in range(0, len(values), LINES_AT_A_TIME):
        lines = values[top : top + LINES_AT_A_TIME].astype(np.float64)
        levels[top : top + LINES_AT_A_TIME] = (lines - low) * (255.0 / max(high - low, 1.0))
    return Image.fromarray(levels)
