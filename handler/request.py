"""One request as TorchServe hands it over -> the image's bytes."""

import base64
import binascii
import codecs
import json
import re
from collections.abc import Mapping
from typing import Any

from handler.bad_image import BadImage

# What the picture's field of a form, and the key of JSON, may be called.
FIELDS, KEYS = ("data", "image", "file"), ("image", "data", "file")
ACCEPTED = (
    "send the image as the raw body (curl -T digit.png), as the multipart field 'data' "
    '(curl -F data=@digit.png), or as JSON {"image": "<base64 or data URL>"}'
)
TWO = "Pictures came in the fields {}: send one per request, in the field 'data' (curl -F data=@digit.png)."

# An object with an image needs few values; to take millions of them apart takes a worker a second.
MOST_VALUES = 1000
WHITESPACE = b" \t\n\r\v\f"
# How a data URL's header ends, and what a URL may have in place of the characters of base64.
BASE64_LAST = re.compile(r"; *base64\s*$", re.IGNORECASE)
ESCAPED = {"%2B": "+", "%2b": "+", "%2F": "/", "%2f": "/", "%3D": "=", "%3d": "="}
URL_SAFE = bytes.maketrans(b"-_", b"+/")
# How files of the accepted formats begin, and HEIC's, for which there are words; a BMP with what is reserved.
BEGINNING = re.compile(
    rb"\x89PNG|\xff\xd8\xff|GIF8|RIFF....WEBP|....ftyp|BM....\0\0\0\0|II[*+]\0|MM\0[*+]|P[1-7Ff][\s#]",
    re.DOTALL,
)
# So many characters tell what text is; and what may stand before them.
HEAD_BYTES = 256
MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
# TorchServe takes a body of this content type apart as a form, and the image with it.
FORM_HINT = "With curl --data-binary, add -H 'Content-Type: image/png'; otherwise it is sent as a web form."


class TooManyValues(ValueError):  # noqa: N818 - what it is
    """JSON that holds more than it takes to send an image."""


def parsed_json(text: str) -> Any:
    """Return what JSON says.

    Raises:
        TooManyValues: it has more than MOST_VALUES.
        ValueError: it is no JSON.
        RecursionError: it is too deep.
    """
    if text.count(",") >= MOST_VALUES:
        raise TooManyValues(f"has more than {MOST_VALUES:,} values")
    return json.loads(text)


def image_bytes(row: Mapping[str, Any]) -> bytes:
    """Return the image's encoded bytes (PNG, JPEG, ...) out of one request.

    Args:
        row: the request's fields by name. TorchServe puts a raw body under "body" and decodes a JSON
            body before it gets here; multipart fields and query parameters come under their own names.

    Raises:
        BadImage: when there is no image in the request, or its base64 is broken.
    """
    came = [name for name in FIELDS if row.get(name) is not None]
    pictures = [name for name in came if row[name] not in (b"", "")]
    if len(pictures) > 1:
        raise BadImage(TWO.format(" and ".join(pictures)))
    value = row.get((pictures or came or ["body"])[0])
    if value is None and "body" in row:
        raise BadImage(f"The body is a JSON null, not an object: {ACCEPTED}.")
    if value is None:
        raise BadImage(f"The request has no image{_named(row)}: {ACCEPTED}. {FORM_HINT}")
    if isinstance(value, Mapping):
        return _from_json(value)
    if isinstance(value, str):  # TorchServe decodes what is called text
        value = value.encode("utf-8", "surrogatepass")
    if not isinstance(value, bytes | bytearray):
        raise BadImage(f"The body is a JSON {_json_type(value)}, not an object: {ACCEPTED}.")
    if not value:
        raise BadImage(f"The body is empty: {ACCEPTED}.")
    return _from_bytes(bytes(value))


def _from_bytes(payload: bytes) -> bytes:
    """Return the file that a body is, or is the text of: clients often leave the content type out."""
    if payload[0] > 0x7E and not payload.startswith(tuple(MARKS)):
        return payload  # PNG and JPEG, mostly
    encoding = next((name for mark, name in MARKS.items() if payload.startswith(mark)), "utf-8")
    head = payload[:HEAD_BYTES].decode(encoding, "ignore").lstrip(" \t\n\r")
    said = head.removeprefix('"')  # JSON of a string alone
    if head[:1] == "{" or said[:5].lower() == "data:" or _is_base64_of_a_picture(said):
        try:
            return _from_text(payload.decode(encoding))
        except UnicodeDecodeError:
            return payload
    return payload


def _is_base64_of_a_picture(head: str) -> bool:
    """Tell whether a text's beginning is base64 of how an accepted file begins."""
    start = head.encode("ascii", "replace").translate(URL_SAFE, WHITESPACE)[:24]
    try:
        return bool(BEGINNING.match(base64.b64decode(start[: len(start) // 4 * 4], validate=True)))
    except binascii.Error:
        return False


def _named(row: Mapping[str, Any]) -> str:
    """Name the fields that did come, shortened: a form-encoded image arrives as one endless name."""
    names = [name if len(name) <= 20 else f"{name[:20]}..." for name in map(str, row)][:5]
    printable = [name for name in names if name.isprintable()]
    return f" (fields received: {', '.join(printable)})" if printable else ""


def _json_type(value: object) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "number", float: "number"}
    return names.get(type(value), "null")


def _from_text(text: str) -> bytes:
    if text.lstrip()[:1] in ("{", '"'):
        try:
            parsed = parsed_json(text)
        except (ValueError, RecursionError) as error:
            reason = str(error) if isinstance(error, TooManyValues) else "is not valid JSON"
            raise BadImage(f"The body starts like JSON but {reason}: {ACCEPTED}.") from None
        return _from_base64(parsed) if isinstance(parsed, str) else _from_json(parsed)
    return _from_base64(text)


def _from_json(body: Mapping[str, Any]) -> bytes:
    key = next((key for key in KEYS if key in body), None)
    if key is None:
        keys = ", ".join(sorted(str(key)[:20] for key in body)[:5]) or "none"
        raise BadImage(
            f"The JSON body has no key 'image' (keys received: {keys}): "
            'send {"image": "<base64 or data URL>"}.'
        )
    image = body[key]
    if not isinstance(image, str):
        raise BadImage(f"'{key}' is a JSON {_json_type(image)}, but must be a base64 string or a data URL.")
    return _from_base64(image)


def _with_plus(text: str) -> str:
    """Return base64 with + for spaces, which a web form makes of it, unless they divide equal lines."""
    width, spaces = text.find(" "), text.count(" ")
    if not spaces or not text.isprintable():  # a line's end is not printable
        return text
    are_lines = text[width :: width + 1].count(" ") == spaces and (len(text) - spaces) % 4 == 0
    return text if are_lines else text.replace(" ", "+")


def _from_base64(text: str) -> bytes:
    """Decode base64, with or without a data-URL prefix (RFC 2397), in the plain or URL-safe alphabet."""
    text = text.strip()
    if text[:5].lower() == "data:":
        header, comma, encoded = text.partition(",")
        if not comma or not BASE64_LAST.search(header[-32:]):
            raise BadImage("The data URL is not base64: it must look like data:image/png;base64,iVBORw0...")
        for escape, character in ESCAPED.items():
            encoded = encoded.replace(escape, character)
    else:
        encoded = text
    if not encoded:
        raise BadImage("The base64 text is empty: it must hold the bytes of a PNG, JPEG or other image file.")
    try:
        compact = _with_plus(encoded).encode("ascii").translate(URL_SAFE, WHITESPACE)
        return base64.b64decode(compact + b"=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise BadImage(
            f"The text of {len(text)} characters is not valid base64: send an image file's bytes "
            "in base64, or the file itself as the raw body."
        ) from None
