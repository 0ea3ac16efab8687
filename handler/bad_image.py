"""The one error that a client causes, and its words: what came, what is accepted, what to do."""

ACCEPTED_FORMATS = "accepted are PNG, JPEG, GIF, WebP, AVIF, BMP, TIFF and PNM"
BEGINNINGS = {b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"GIF8": "GIF", b"RIFF": "WebP"}
HEIC_BRANDS = (b"ftypheic", b"ftypheix", b"ftyphevc", b"ftypmif1")


class BadImage(ValueError):  # noqa: N818 - the name is the wire contract's "type"
    """An input that cannot be read as a drawing; the message is shown to the client as it is."""

    def answer(self) -> dict[str, object]:
        """Return the JSON body that goes with HTTP status 400."""
        return {"code": 400, "type": "BadImage", "message": str(self)}


def unknown_format(payload: bytes) -> BadImage:
    """Return the error for bytes that no accepted format begins with."""
    return BadImage(f"{len(payload):,} bytes came that are {_looks_like(payload)}: {ACCEPTED_FORMATS}.")


def corrupt(payload: bytes, reason: Exception) -> BadImage:
    """Return the error for an image that a decoder gave up on; its own reason is quoted, shortened."""
    words = (str(reason).split(" <")[0].strip() or type(reason).__name__)[:80]
    return BadImage(
        f"The image of {len(payload):,} bytes is truncated or corrupt ({words}): send the whole file."
    )


def too_large(width: int | None, height: int | None, max_pixels: int, max_side_px: int) -> BadImage:
    """Return the error for a picture of too many pixels; its size is None where it is not known."""
    size = f"{width:,} x {height:,}" if width and height else "far too many"
    return BadImage(
        f"The image has {size} px; at most {max_pixels:,} px in all and {max_side_px:,} px a side are "
        "accepted: send a smaller one."
    )


def nothing_drawn() -> BadImage:
    """Return the error for blank paper."""
    return BadImage(
        "Nothing is drawn: nothing in the picture stands out from its paper. Send one character that does."
    )


def _looks_like(payload: bytes) -> str:
    """Say in words what bytes are that are no accepted image."""
    for beginning, name in BEGINNINGS.items():
        if payload.startswith(beginning):
            return f"the broken beginning of a {name} file"
    head = payload[:64].lstrip()
    if head[4:12] in HEIC_BRANDS:
        return "a HEIC photo, which is not supported (save it as JPEG)"
    if head[:5] == b"%PDF-":
        return "a PDF document"
    if head[:4].lower() == b"<svg" or head[:5].lower() == b"<?xml":
        return "SVG or XML text"
    if all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in head):
        return "plain text"
    return "no image that can be recognised"
