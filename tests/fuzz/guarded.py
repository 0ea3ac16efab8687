"""What the guard reads of strangers, as targets of fuzzing: forms and JSON, and whole requests."""

import json
import logging
from contextlib import suppress
from pathlib import Path

import h11
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from guard.answers import Refusal
from guard.api import Api
from guard.bodies import BOUNDARY, MOST_FIELDS, MULTIPART, RAW, URLENCODED, bounded
from guard.reading import Reading, Whole
from guard.rules import Inference
from guard.upstream import Pool

MOST_BYTES = 10_000
# It warns of each form that it does not take.
logging.getLogger("python_multipart").disabled = True


def form(message: bytes) -> None:
    """Read a body: it passes as it is, as the one picture in it, or written anew, or is refused in one line.

    Args:
        message: its Content-Type, the end of a line, and the body.
    """
    content_type, _, body = message.partition(b"\n")
    try:
        found_type, found = bounded(content_type, body)
    except Refusal as refusal:
        _check_words(refusal)
        return
    if found_type == RAW:
        assert found in body
        return
    if not found_type.startswith(MULTIPART):
        assert found == body
    if found_type.lower().startswith(URLENCODED):
        assert len(found.split(b"&")) <= MOST_FIELDS
    elif found_type.startswith(MULTIPART):
        assert bounded(found_type, found) == (found_type, found)
        (boundary,) = BOUNDARY.findall(found_type)
        assert parse_options_header(found_type)[1][b"boundary"] == boundary[1]
        parts = _parts(boundary[1], found)
        assert parts is None or parts <= MOST_FIELDS


def connection(data: bytes) -> None:
    """Read a client's bytes: what is passed on is one request each, for whoever reads it.

    Args:
        data: in pieces of how many bytes they come, and then the bytes.
    """
    reader = _Reader()
    api = Api(Inference(), Pool(Path("nowhere")), MOST_BYTES)
    reading = Reading(api, "127.0.0.1", reader)
    size, data = 1 + data[0] if data else 1, data[1:]
    try:
        for start in range(0, len(data), size):
            reading.feed(data[start : start + size])
    except Refusal as refusal:
        _check_words(refusal)
    reading.forget()
    for whole in reader.requests:
        assert whole.body.size <= MOST_BYTES
        whole.body.free()
        _check_passed_on(whole.request)
    assert api.room.held_bytes == 0


class _Reader:
    """Keeps what comes whole."""

    def __init__(self) -> None:
        self.requests: list[Whole] = []

    def continues(self) -> None:
        """Hear it."""

    def grew(self, who: str) -> None:
        """Let it."""
        assert who

    def take_whole(self, request: Whole) -> None:
        """Keep it."""
        self.requests.append(request)


def _check_passed_on(request: bytes) -> None:
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    names = [line.partition(b":")[0].lower() for line in lines[1:]]
    assert b"transfer-encoding" not in names
    assert names.count(b"content-length") == 1
    assert b"Content-Length: %d" % len(body) in lines
    assert b"\n" not in head.replace(b"\r\n", b"")
    # Another parser, where it takes this at all, finds one request and no beginning of a second one.
    other = h11.Connection(h11.SERVER)
    with suppress(h11.RemoteProtocolError):
        other.receive_data(request)
        content = b""
        assert isinstance(other.next_event(), h11.Request)
        while isinstance(event := other.next_event(), h11.Data):
            content += event.data
        assert isinstance(event, h11.EndOfMessage)
        assert content == body
        assert other.trailing_data == (b"", False)


def _parts(boundary: bytes, body: bytes) -> int | None:
    """Return how many parts another parser finds, None where it finds no form."""
    begun: list[None] = []
    parser = MultipartParser(boundary, {"on_part_begin": lambda: begun.append(None)})
    try:
        parser.write(body)
        parser.finalize()
    except MultipartParseError:
        return None
    return len(begun)


def _check_words(refusal: Refusal) -> None:
    assert refusal.message
    assert len(refusal.message) < 600
    assert "\n" not in refusal.message
    said = json.loads(refusal.response().partition(b"\r\n\r\n")[2])
    assert said["message"] == refusal.message
