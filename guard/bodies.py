"""What costs more to read than it costs to send: web forms and JSON.

TorchServe reads a form on the one thread that serves all clients: ten microseconds a field, of which 16 MiB
hold more than a million, and half a second for a large one, byte by byte. JSON is read by a worker, while
others wait for it, and a million lists take a gigabyte.
"""

import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from guard.answers import Refusal, malformed, too_large
from system import json_bodies

# What the picture's field of a form may be called. A form of that alone is passed on as the picture itself,
# and so is one that is too large to be passed on whole: the handler looks at nothing else.
FIELDS = (b"data", b"image", b"file")
MOST_FIELDS = 32
MOST_FORM_BYTES = 1024**2  # of any other form
# Of one part's headers together: a name, a file name and a content type.
MOST_PART_HEADER_BYTES = 4096
# Objects, lists and their members: {"image": "..."} has one.
MOST_JSON_VALUES = 1_000

URLENCODED = b"application/x-www-form-urlencoded"
MULTIPART = b"multipart/form-data"
RAW = b"application/octet-stream"
# RFC 2046, 5.1.1, without the space, quoted or not.
BOUNDARY = re.compile(rb";\s*boundary=(\"?)([0-9A-Za-z'()+_,\-./:=?]{1,70})\1\s*(?:;|$)", re.IGNORECASE)
# TorchServe answers 500 to forms with one of these, and to parts without a name; from around a name it takes
# what is white space for Java.
BROKEN = re.compile(rb"%(?![0-9A-Fa-f]{2})|\r(?!\n)|(?:^|&)(?:[\x00-\x20+]|%[01][0-9A-Fa-f]|%20)*[&=]")
IN_NAMES, AROUND_NAMES = re.compile(rb"[:,=;\t]"), bytes(range(33))
# What a part's headers say: the name of its field, whether that is a file, and of which kind.
NAME = re.compile(
    rb"^content-disposition:[ \t]*form-data[ \t]*;(?:.*;)?[ \t]*name=\"?([^\";\r\n]*)\"?[ \t]*(?:;|$)",
    re.I | re.M,
)
FILE = re.compile(rb"^content-disposition:.*;[ \t]*filename\*?[ \t]*=", re.I | re.M)
KIND = re.compile(rb"^content-type:[ \t]*([\w!#$&^.+-]+/[\w!#$&^.+-]+)", re.I | re.M)


class Part(NamedTuple):
    """A part of a form.

    Attributes:
        name: its field's, as TorchServe takes it: some signs are white space to it, and what is around them
            is nothing.
        headers: what is passed on of them.
        content: what it holds.
    """

    name: bytes
    headers: bytes
    content: bytes


def bounded(content_type: bytes, body: bytes) -> tuple[bytes, bytes]:
    """Return the content type and the body to pass on: what came, or the picture of a form.

    Args:
        content_type: the request's, "" where it has none.
        body: the whole body.

    Raises:
        Refusal: it is a form of too many fields or bytes, no regular one, or JSON of too many values.
    """
    kind = content_type.strip().lower()
    if kind.startswith(URLENCODED):
        content_type, body = _urlencoded(content_type, body)
    elif kind.startswith(MULTIPART):
        content_type, body = _multipart(content_type, body)
    elif b"json" in kind:
        _require_few_values(body)
    # Whatever it is called: the handler looks at the bytes, too.
    if json_bodies.BEGINNING.match(body):
        _require_few_values(body)
    return content_type, body


def _urlencoded(content_type: bytes, body: bytes) -> tuple[bytes, bytes]:
    if not body.isascii():  # a file, and no form: curl --data-binary calls it one
        return RAW, body
    if body.count(b"&") >= MOST_FIELDS:
        raise _too_many_fields()
    _require_small(body)
    if BROKEN.search(body):
        raise malformed(
            "The form has a field without a name, a % not followed by two hexadecimal digits, or a "
            "bare carriage return: let the client make it (curl --data-urlencode), or send the image as "
            "the raw body (curl -T digit.png)"
        )
    fields = [field.partition(b"=") for field in body.split(b"&")]
    names = [unquote_to_bytes(name.replace(b"+", b" ")) for name, _, value in fields if value]
    _require_one([name.strip(AROUND_NAMES) for name in names])
    return content_type, body


def _multipart(content_type: bytes, body: bytes) -> tuple[bytes, bytes]:
    boundaries = BOUNDARY.findall(content_type)
    if len(boundaries) != 1:
        what = (
            f"names {len(boundaries)} boundaries" if boundaries else "multipart/form-data lacks its boundary"
        )
        raise malformed(
            f"The Content-Type {what}, expected one: let the client make the header itself "
            "(curl -F data=@digit.png)"
        )
    boundary = boundaries[0][1]
    parts = _parts(boundary, body)
    named = [part for part in parts if part.name in FIELDS]
    _require_one([part.name for part in named if part.content])
    pictures = [part.content for part in named if part.content] or [part.content for part in named]
    if len(pictures) == 1 and (len(parts) == 1 or len(body) > MOST_FORM_BYTES):
        return RAW, pictures[0]
    _require_small(body)
    # In this form no two parsers find different boundaries.
    return MULTIPART + b'; boundary="' + boundary + b'"', _written(boundary, parts)


def _parts(boundary: bytes, body: bytes) -> list[Part]:
    """Return the parts of a regular form (RFC 7578).

    Raises:
        Refusal: it is none.
    """
    preamble, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary, MOST_FIELDS + 2)
    if len(parts) > MOST_FIELDS + 1:
        raise _too_many_fields()
    if preamble or not parts or not parts[-1].startswith(b"--") or parts[-1][2:].strip():
        raise _irregular("it does not begin and end with the boundary of its Content-Type")
    found = []
    for part in parts[:-1]:
        end = part.find(b"\r\n\r\n", 0, MOST_PART_HEADER_BYTES)
        if end < 0 or not part.startswith(b"\r\n"):
            raise _irregular(f"a part has no headers of at most {MOST_PART_HEADER_BYTES} bytes")
        head = part[2:end].replace(b"\r\n", b"\n")
        if b"multipart/" in head.lower():
            raise _irregular("a part is a form itself")
        names = [IN_NAMES.sub(b" ", name).strip(AROUND_NAMES) for name in NAME.findall(head)]
        if len(names) != 1 or not names[0]:
            raise _irregular("a part does not name its one field")
        headers = b'Content-Disposition: form-data; name="' + names[0] + b'"'
        if FILE.search(head):
            headers += b'; filename="file"'
        if kind := KIND.search(head):
            headers += b"\r\nContent-Type: " + kind[1]
        found.append(Part(names[0], headers, part[end + 4 :]))
    return found


def _written(boundary: bytes, parts: list[Part]) -> bytes:
    """Return a form anew, of each part's headers with no more than tells what it is (RFC 7578, 4.8).

    To an encoding, a charset or a length there that it does not like, TorchServe answers 500, and never frees
    what it holds of such a form: after 500 MB of them it could read no picture any more.
    """
    lines = [b"--" + boundary + b"\r\n" + part.headers + b"\r\n\r\n" + part.content for part in parts]
    return b"\r\n".join([*lines, b"--" + boundary + b"--\r\n"])


def _require_one(names: list[bytes]) -> None:
    """Return if a form holds at most one picture.

    Args:
        names: of its fields that are not empty.
    """
    pictures = [name.decode() for name in names if name in FIELDS]
    if len(pictures) > 1:
        raise malformed(
            f"The form holds {len(pictures)} pictures, in the fields {' and '.join(pictures)}: send one per "
            "request, in the field 'data' (curl -F data=@digit.png)"
        )


def _require_few_values(body: bytes) -> None:
    if sum(map(body.count, (b",", b"[", b"{"))) > MOST_JSON_VALUES:
        raise too_large(
            f"The JSON body has more than {MOST_JSON_VALUES} values: "
            'send {"image": "<base64 or data URL>"}, or the image as the raw body'
        )


def _require_small(body: bytes) -> None:
    if len(body) > MOST_FORM_BYTES:
        raise too_large(
            f"The form has {len(body)} bytes; at most {MOST_FORM_BYTES} are read unless it has one multipart "
            "field 'data' (curl -F data=@digit.png): send it that way, or the image as the raw body "
            "(curl -T digit.png; with --data-binary, add -H 'Content-Type: image/png')"
        )


def _too_many_fields() -> Refusal:
    return too_large(
        f"The form has more than {MOST_FIELDS} fields: send the image as the raw body (curl -T digit.png) "
        "or as the one field 'data' (curl -F data=@digit.png)"
    )


def _irregular(why: str) -> Refusal:
    return malformed(
        f"The multipart form cannot be read, {why}: send it as curl -F data=@digit.png does, "
        "or the image as the raw body (curl -T digit.png)"
    )
