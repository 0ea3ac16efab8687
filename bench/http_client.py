"""One keep-alive connection of HTTP/1.1 (RFC 9112) that posts and reads answers, as little as load needs."""

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

HEAD_END = b"\r\n\r\n"
CLOSES = b"\r\nconnection: close"


def post_bytes(url: str, body: bytes, content_type: str = "image/png") -> bytes:
    """Give a whole POST request as it goes over the wire."""
    parts = urlsplit(url)
    path = parts.path or "/"
    target = f"{path}?{parts.query}" if parts.query else path
    head = (
        f"POST {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body


def address_of(url: str) -> tuple[str, int]:
    """Give host and port of a URL."""
    parts = urlsplit(url)
    return parts.hostname or "127.0.0.1", parts.port or 80


class Connection(asyncio.Protocol):
    """Calls back with the status of each answer when its last byte is there.

    Args:
        answered: called with the status, and whether the server keeps the connection open.
        lost: called when the connection has ended.
    """

    def __init__(self, answered: Callable[[int, bool], None], lost: Callable[[], None]) -> None:
        self._answered, self._lost = answered, lost
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass it on."""
        self._transport = None
        self._lost()

    def send(self, request: bytes) -> None:
        """Send one request; the one before has to be answered."""
        if self._transport is not None:
            self._transport.write(request)

    def close(self) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Read on until the answer is whole."""
        self._received += data
        whole = answer_length(self._received)
        if whole is None or len(self._received) < whole:
            return
        status = int(self._received[9:12])
        head = self._received[: self._received.index(HEAD_END)]
        del self._received[:whole]
        self._answered(status, CLOSES not in head.lower())


def answer_length(received: bytes | bytearray) -> int | None:
    """Give how many bytes the first answer has, head and body; None while its end cannot be told."""
    head = received.find(HEAD_END)
    if head < 0:
        return None
    start = head + len(HEAD_END)
    fields = bytes(received[:start]).lower()
    at = fields.find(b"\r\ncontent-length:")
    if at >= 0:
        return start + int(fields[at + 17 : fields.index(b"\r\n", at + 2)])
    if b"\r\ntransfer-encoding: chunked" in fields:
        end = received.find(b"\r\n0\r\n\r\n", head)
        return None if end < 0 else end + 7
    return start
