"""One request as TorchServe hands it over -> the image's bytes."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from handler.bad_image import BadImage

FIELD = "data"
ACCEPTED = (
    "send the image as the raw body (curl -T digit.png), as the multipart field 'data' "
    '(curl -F data=@digit.png), or as JSON {"image": "<base64 or data URL>"}'
)

# An object with an image needs few values; to take millions of them apart takes a worker a second.
MOST_VALUES = 1000
WHITESPACE = b" \t\n\r\v\f"
URL_SAFE = bytes.maketrans(b"-_", b"+/")
# How PNG, JPEG, GIF and WebP files begin in base64.
BASE64_BEGINNINGS = (b"iVBORw0", b"/9j/", b"R0lGOD", b"UklGR")
# TorchServe takes a body of this content type apart as a form, and the image with it.
FORM_HINT = "With curl --data-binary add -H 'Content-Type: image/png', or it is sent as a web form."


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
    value = row.get(FIELD)
    if value is None:
        value = row.get("body")
    if value is None and "body" in row:
        raise BadImage(f"A JSON null came where an object was expected: {ACCEPTED}.")
    if value is None:
        raise BadImage(f"The request carries no image{_named(row)}: {ACCEPTED}. {FORM_HINT}")
    if isinstance(value, Mapping):
        return _from_json(value)
    if isinstance(value, str):
        return _from_text(value)
    if not isinstance(value, bytes | bytearray):
        raise BadImage(f"A JSON {_json_type(value)} came where an object was expected: {ACCEPTED}.")
    if not value:
        raise BadImage(f"The body is empty: {ACCEPTED}.")
    payload = bytes(value)
    # Clients often leave the content type out, so JSON and base64 also arrive as plain bytes.
    if payload[:1] == b"{" or payload[:5].lower() == b"data:" or payload.startswith(BASE64_BEGINNINGS):
        try:
            return _from_text(payload.decode("utf-8"))
        except UnicodeDecodeError:
            return payload
    return payload


def _named(row: Mapping[str, Any]) -> str:
    """Name the fields that did come, shortened: a form-encoded image arrives as one endless name."""
    names = [name if len(name) <= 20 else f"{name[:20]}..." for name in map(str, row)][:5]
    printable = [name for name in names if name.isprintable()]
    return f" (fields that came: {', '.join(printable)})" if printable else ""


def _json_type(value: object) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "number", float: "number"}
    return names.get(type(value), "null")


def _from_text(text: str) -> bytes:
    if text.lstrip()[:1] == "{":
        try:
            parsed = parsed_json(text)
        except (ValueError, RecursionError) as error:
            reason = str(error) if isinstance(error, TooManyValues) else "is not valid JSON"
            raise BadImage(f"The body starts like JSON but {reason}: {ACCEPTED}.") from None
        return _from_json(parsed)
    return _from_base64(text)


def _from_json(body: Mapping[str, Any]) -> bytes:
    if "image" not in body:
        keys = ", ".join(sorted(str(key)[:20] for key in body)[:5]) or "none"
        raise BadImage(
            f"The JSON body has no key 'image' (keys that came: {keys}): "
            'send {"image": "<base64 or data URL>"}.'
        )
    image = body["image"]
    if not isinstance(image, str):
        raise BadImage(f"'image' is a JSON {_json_type(image)}, but must be a base64 string or a data URL.")
    return _from_base64(image)


def _from_base64(text: str) -> bytes:
    """Decode base64, with or without a data-URL prefix (RFC 2397), in the plain or URL-safe alphabet."""
    text = text.strip()
    if text[:5].lower() == "data:":
        header, comma, encoded = text.partition(",")
        if not comma or not header.lower().endswith(";base64"):
            raise BadImage("The data URL is not base64: it must look like data:image/png;base64,iVBORw0...")
    else:
        encoded = text
    if not encoded:
        raise BadImage("The base64 text is empty: it must hold the bytes of a PNG, JPEG or other image file.")
    try:
        compact = encoded.encode("ascii").translate(URL_SAFE, WHITESPACE)
        return base64.b64decode(compact + b"=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise BadImage(
            f"Text of {len(text)} characters came that is not valid base64: send an image file's bytes "
            "in base64, or the file itself as the raw body."
        ) from None
