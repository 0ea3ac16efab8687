"""The errors that are no fault of the server's, and their words: what came, what is accepted, what to do."""

import codecs
import re

ACCEPTED_FORMATS = "send PNG, JPEG, GIF, WebP, AVIF, BMP, TIFF or PNM"
BEGINNINGS = {b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"GIF8": "GIF", b"RIFF": "WebP"}
# Whole ones come, too: scientific programs write values of 64 bits, and colours of 32.
TIFF = "a TIFF file that is broken or of an unsupported kind (save it with 8 or 16 bits a value)"
# What files are that have no accepted format, by how they begin.
OTHERS = {
    b"II*\0": TIFF,
    b"MM\0*": TIFF,
    b"II+\0": TIFF,
    b"MM\0+": TIFF,
    b"P7\n": "a PAM picture, which is not supported (save it as PNG)",
    b"%PDF-": "a PDF document",
    b"\0\0\1\0": "an icon (ICO)",
    b"\0\0\2\0": "a cursor (CUR)",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"8BPS": "a Photoshop document",
    b"\x1a\x45\xdf\xa3": "a video (WebM or Matroska)",
    b"PK\3\4": "a ZIP archive or an office document",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"%!PS": "a PostScript document",
    b"\x93NUMPY": "an array of NumPy (save it as PNG)",
    b"\0\5\x16\7": "what macOS keeps of another file (its name begins with ._, that one's does not)",
    b"version https://git-lfs": "what Git LFS has in place of a file (git lfs pull fetches it)",
}
# Brands of the container that HEIC, AVIF, MP4 and others share.
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
HEIF_BRANDS, AVIF_BRANDS = {b"mif1", b"mif2", b"msf1"}, {b"avif", b"avis"}
FORM_PART = re.compile(
    rb"--[^\r\n]{1,80}\r?\n(?:[^\r\n]+\r?\n)*?content-disposition:\s*form-data", re.IGNORECASE
)


class BadImage(ValueError):  # noqa: N818 - the name is the wire contract's "type"
    """An input that cannot be read as a drawing; the message is shown to the client as it is."""

    def answer(self) -> dict[str, object]:
        """Return the JSON body that goes with HTTP status 400."""
        return {"code": 400, "type": "BadImage", "message": str(self)}


class Busy(Exception):  # noqa: N818 - the wire contract's "type"
    """A request for which its batch had no time left: not its own fault, and another time it is answered."""

    def answer(self) -> dict[str, object]:
        """Return the JSON body that goes with HTTP status 503."""
        message = "The requests in the same batch took up all the time: send it again in a second."
        return {"code": 503, "type": "Busy", "message": message}


def unknown_format(payload: bytes) -> BadImage:
    """Return the error for bytes that no accepted format begins with."""
    return BadImage(f"The {len(payload):,} bytes sent are {_looks_like(payload)}: {ACCEPTED_FORMATS}.")


def corrupt(payload: bytes, reason: Exception) -> BadImage:
    """Return the error for an image that a decoder gave up on; its own reason is quoted, shortened."""
    words = (str(reason).split(" <")[0].strip() or type(reason).__name__)[:80]
    return BadImage(
        f"The image of {len(payload):,} bytes is truncated or corrupt ({words}): send the whole file."
    )


def too_large(
    width: int | None, height: int | None, kind: str, max_pixels: int, max_side_px: int
) -> BadImage:
    """Return the error for a picture of too many pixels; its size is None where it is not known."""
    size = f"{width:,} x {height:,}" if width and height else "far too many"
    return BadImage(
        f"The {kind} has {size} px; at most {max_pixels:,} px in total and {max_side_px:,} px a side are "
        "accepted for this kind: send a smaller one."
    )


def too_costly() -> BadImage:
    """Return the error for a picture that costs too much to read, whatever its size."""
    return BadImage(
        "The image takes too much time or memory to read, whatever its size: send a smaller one, or save it "
        "as a plain PNG or a baseline JPEG."
    )


def broke_its_decoder(payload: bytes) -> BadImage:
    """Return the error for an image that a decoder crashed on."""
    return BadImage(
        f"The image of {len(payload):,} bytes is broken in a way that made its decoder crash: send it as a "
        "plain PNG or JPEG."
    )


def nothing_drawn() -> BadImage:
    """Return the error for blank paper."""
    return BadImage(
        "Nothing is drawn: nothing in the picture stands out from its background. Send one clear character."
    )


def _looks_like(payload: bytes) -> str:
    """Say in words what bytes are that are no accepted image."""
    if payload.startswith(b"RIFF") and not b"WEBP".startswith(payload[8:12]):
        return "a sound or video file (WAV, AVI)"
    for beginning, name in BEGINNINGS.items():
        if payload.startswith(beginning):
            return f"the broken beginning of a {name} file"
    for beginning, name in OTHERS.items():
        if payload.startswith(beginning):
            return name
    if payload[4:8] == b"ftyp":
        return _in_container(payload)
    if FORM_PART.match(payload[:1024].lstrip()):
        return (
            "a multipart form whose boundary is missing from its Content-Type (it must be "
            "multipart/form-data; boundary=..., as curl -F data=@digit.png sends it)"
        )
    head = payload[:64].removeprefix(codecs.BOM_UTF8).lstrip()
    if head[:5].lower() == b"<?xml" or _begins_with_svg(head[:14].lower(), payload[:1024].lower()):
        return "SVG or XML text"
    if head[:5].lower() in (b"<html", b"<!doc"):
        return "a web page"
    if all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in head):
        return "plain text"
    return "not an image in a known format"


def _begins_with_svg(first: bytes, head: bytes) -> bool:
    """Tell whether a text is SVG: what draws it may write a remark or a document type before that."""
    return first[:1] == b"<" and first[:5] != b"<html" and first != b"<!doctype html" and b"<svg" in head


def _in_container(payload: bytes) -> str:
    """Say in words what a file is whose first box names its brands (ISO/IEC 14496-12, 4.3)."""
    end = min(int.from_bytes(payload[:4], "big"), 256)
    brand, *compatible = (payload[at : at + 4] for at in (8, *range(16, end - 3, 4)))
    if brand in HEIC_BRANDS or (brand in HEIF_BRANDS and not AVIF_BRANDS.intersection(compatible)):
        return "a HEIC photo, which is not supported (save it as JPEG)"
    if brand in AVIF_BRANDS or AVIF_BRANDS.intersection(compatible):
        return "the broken beginning of an AVIF file"
    name = brand.decode("ascii", "replace").strip()
    if brand == b"crx ":
        return "a camera's raw photo (CR3), which is not supported (save it as JPEG)"
    words = f" (brand {name})" if name.isalnum() else ""
    return f"a video or a similar file{words}"
