"""A request as it comes in: its head is checked once it is there, and its body bounded while it grows."""

from dataclasses import dataclass
from typing import Protocol

import httptools

from guard import bodies
from guard.answers import METHODS, Reason, Refusal, malformed, too_large
from guard.api import Api
from guard.passing import framed
from guard.room import Body

# TorchServe's own limits (Netty's): 4,096 bytes of the request's first line, 8,192 of headers.
MOST_TARGET_BYTES = 4_000
MOST_HEAD_BYTES = 8_000


@dataclass(frozen=True)
class Whole:
    """A request that came whole.

    Attributes:
        request: as TorchServe gets it.
        is_last: the client ends the connection with it.
        body: what it holds in memory.
    """

    request: bytes
    is_last: bool
    body: Body


class Reader(Protocol):
    """Who reads requests."""

    def continues(self) -> None:
        """Hear that the client waits to be asked for the body (Expect)."""

    def grew(self, who: str) -> None:
        """Hear that a body of this client's has grown; raise a Refusal if there is no room for it."""

    def take_whole(self, request: Whole) -> None:
        """Get a request that came whole."""


class Reading:
    """Takes a connection's bytes apart, one request after the other.

    Args:
        api: that is asked.
        peer: the address that they come from.
        reader: who reads.

    Attributes:
        is_body: the head is there.
        body: what came of the body so far.
    """

    def __init__(self, api: Api, peer: str, reader: Reader) -> None:
        self._api = api
        self._peer = peer
        self._reader = reader
        self._parser = httptools.HttpRequestParser(self)
        self.body = Body(api.room, "")
        self._begin()

    @property
    def has_begun(self) -> bool:
        """Whether something of a request came that is not whole yet."""
        return self.is_body or self._head_bytes > 0

    def feed(self, data: bytes) -> None:
        """Read on.

        Raises:
            Refusal: this is no regular request, costs more than it says, or may not pass.
        """
        while data:
            data = self._feed(data)

    def _feed(self, data: bytes) -> bytes:
        """Return what is to be read next: a head that offered another protocol, and the rest, again."""
        if self.is_body:
            self._wire_bytes += len(data)
        else:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            if isinstance(error.__context__, Refusal):
                raise error.__context__ from None
            raise
        except httptools.HttpParserUpgrade as offer:
            return self._without_offer() + data[offer.args[0] :]
        except httptools.HttpParserError as error:
            raise malformed(f"This is not a valid HTTP/1.1 request: {error}") from None
        # Before the end of the head there is no other measure than what came.
        if not self.is_body and self._head_bytes > MOST_TARGET_BYTES + 2 * MOST_HEAD_BYTES:
            raise _head_too_large()
        if self._wire_bytes - self.body.size > self.body.size / 4 + MOST_HEAD_BYTES:
            raise malformed("The body's chunks are too small, or its trailer is too long: send it whole")
        return b""

    def forget(self) -> None:
        """Give up the request that still comes."""
        self.body.free()
        self._begin()

    def on_url(self, url: bytes) -> None:
        """Take a piece of the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what comes after the body (trailers) is left out."""
        if not self.is_body:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Refuse what need not be read on."""
        self.is_body = True
        self._head_bytes = 0
        if self._parser.get_http_version() not in ("1.0", "1.1"):
            raise malformed("The request uses another version of HTTP: send HTTP/1.1")
        headers = {name.lower(): value for name, value in self._headers}
        method = self._parser.get_method().decode()
        if method not in METHODS:
            raise Refusal(Reason.METHOD, f"The method is {method}, expected one of {', '.join(METHODS)}")
        if self._parser.should_upgrade():  # it is read again
            return
        if not self._target.startswith(b"/"):
            raise malformed("The request's target is not a path: send it to the server itself")
        size = sum(len(name) + len(value) for name, value in self._headers)
        if size > MOST_HEAD_BYTES or len(self._target) > MOST_TARGET_BYTES:
            raise _head_too_large()
        self.body = Body(self._api.room, self._api.rules.check(self._target, headers, self._peer))
        announced = headers.get(b"content-length", b"")
        if announced.isdigit():
            self._require_size(int(announced))
        self._content_type = headers.get(b"content-type", b"")
        if headers.get(b"expect", b"").lower() == b"100-continue":
            self._reader.continues()

    def on_body(self, piece: bytes) -> None:
        """Take a piece of the body."""
        self._pieces += piece
        self.body.grow(len(piece))
        self._require_size(self.body.size)
        self._reader.grew(self.body.who)

    def on_message_complete(self) -> None:
        """Have the whole request passed on."""
        if self._parser.should_upgrade():
            return
        content_type, content = bodies.bounded(self._content_type, bytes(self._pieces))
        self._api.rules.check_body(content_type, content)
        request = framed(self._parser.get_method(), self._target, self._headers, content_type, content)
        whole = Whole(request, not self._parser.should_keep_alive(), self.body)
        self.body = Body(self._api.room, "")
        self._begin()
        self._reader.take_whole(whole)

    def _begin(self) -> None:
        self.is_body = False
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._head_bytes = 0
        self._content_type = b""
        self._pieces = bytearray()
        self._wire_bytes = 0  # that came since the head, chunks' sizes and trailers among them

    def _without_offer(self) -> bytes:
        """Return the head that came without its Upgrade, which a server may ignore (RFC 9110, 7.8).

        The parser would take the body for the other protocol, so another one reads both.
        """
        version = self._parser.get_http_version().encode()
        lines = [self._parser.get_method() + b" " + self._target + b" HTTP/" + version]
        lines += [name + b": " + value for name, value in self._headers if name.lower() != b"upgrade"]
        self._parser = httptools.HttpRequestParser(self)
        self._begin()
        return b"\r\n".join([*lines, b"", b""])

    def _require_size(self, size: int) -> None:
        if size > self._api.most_bytes:
            raise too_large(
                f"The request's body has more than {self._api.most_bytes} bytes: send a smaller picture"
            )


def _head_too_large() -> Refusal:
    return Refusal(
        Reason.LARGE_HEAD,
        f"The path has more than {MOST_TARGET_BYTES} bytes, or the headers more than {MOST_HEAD_BYTES}",
    )
