"""One client's connection: its requests are read whole, checked, and passed on one after the other."""

import asyncio
from collections import deque
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

import httptools

from guard import bodies
from guard.answers import METHODS, Refusal, malformed, too_large, unavailable
from guard.api import Api
from guard.bodies import MOST_BYTES_HELD
from guard.passing import framed
from guard.upstream import Upstream

# TorchServe's own limits (Netty's): 4,096 bytes of the request's first line, 8,192 of headers.
MOST_TARGET_BYTES = 4_000
MOST_HEAD_BYTES = 8_000
MOST_CONNECTIONS = 4_000
# Of one connection, that wait for the answer to the first.
MOST_PIPELINED = 32
# For a whole request once it has begun: 16 MiB at 2.2 Mbit/s.
WITHIN_S = 60.0
# For the next request; nginx keeps a connection for 60 s.
IDLE_S = 75.0
# For what is left of a refused request: who closes while the client still sends takes the answer away.
DRAIN_S = 5.0


@dataclass(frozen=True)
class _Whole:
    request: bytes  # as TorchServe gets it
    is_last: bool  # the client ends the connection with it
    body_bytes: int


class Client(asyncio.Protocol):
    """One client's connection.

    Requests wait in order, and with them what is answered here without TorchServe: a Refusal, after which the
    connection ends. TorchServe would answer requests that came together in any order.
    """

    def __init__(self, api: Api) -> None:
        self.deadline = 0.0  # by the loop's clock
        self._api = api
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[_Whole | Refusal] = deque()
        self._upstream: Upstream | None = None
        self._is_busy = False  # a request is under way
        self._is_last = False  # the connection ends with the request under way
        self._is_deaf = False  # no further request is read
        self._is_full = False  # the client does not take its answers
        self._has_ended = False  # the last answer is given
        self._held_bytes = 0  # of its bodies that came and are not answered yet
        self._under_way_bytes = 0
        self._begin()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, unless there are too many."""
        self._transport = cast(asyncio.Transport, transport)
        self.deadline = self._loop.time() + WITHIN_S
        self._api.clients.add(self)
        if len(self._api.clients) > MOST_CONNECTIONS:
            self._refuse(unavailable("Too many connections are open here: try again in a moment"))

    def data_received(self, data: bytes) -> None:
        """Read on; refuse what is no regular request, or costs more than it says."""
        if self._is_deaf:
            return
        if self._is_body:
            self._wire_bytes += len(data)
        else:
            if not self._head_bytes and not self._is_busy:
                self.deadline = self._loop.time() + WITHIN_S
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            refusal = error.__context__
            if not isinstance(refusal, Refusal):
                raise
            self._refuse(refusal)
        except httptools.HttpParserUpgrade:
            self._refuse(malformed("The connection cannot be upgraded: send plain HTTP/1.1 requests"))
        except httptools.HttpParserError as error:
            self._refuse(malformed(f"This is no regular HTTP/1.1 request: {error}"))
        else:
            # Before the end of the head there is no other measure than what came.
            if not self._is_body and self._head_bytes > MOST_TARGET_BYTES + 2 * MOST_HEAD_BYTES:
                self._refuse(_head_too_large())
            if self._wire_bytes - self._body_bytes > self._body_bytes / 4 + MOST_HEAD_BYTES:
                self._refuse(malformed("The body's chunks are tiny, or end in a long trailer: send it whole"))

    def eof_received(self) -> bool:
        """Answer what came whole: a client that sends nothing more may still wait for its answer."""
        self._is_deaf = True
        return self._is_busy or bool(self._waiting)

    def connection_lost(self, _error: Exception | None) -> None:
        """Forget the client."""
        self._api.clients.discard(self)
        self._release(self._held_bytes)
        self._waiting.clear()
        self._is_deaf = True
        if self._upstream is not None:
            self._upstream.abandon()

    def pause_writing(self) -> None:
        """Answer no further request while the client does not read."""
        self._is_full = True

    def resume_writing(self) -> None:
        """Go on with the answers."""
        self._is_full = False
        self._next()

    def expire(self) -> None:
        """End what takes too long."""
        if self._is_body or self._head_bytes:
            self._refuse(
                Refusal(
                    HTTPStatus.REQUEST_TIMEOUT, "Timeout", f"The request did not arrive within {WITHIN_S:g} s"
                )
            )
        else:
            self._transport.abort()

    def end_when_idle(self) -> None:
        """Close once what came is answered."""
        self._is_last = True
        is_reading = not self._is_deaf and (self._head_bytes or self._is_body)
        if not (self._is_busy or self._waiting or is_reading):
            self._transport.close()

    def on_url(self, url: bytes) -> None:
        """Take a piece of the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what comes after the body (trailers) is left out."""
        if not self._is_body:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Refuse what need not be read on; ask for the body where the client waits for that (Expect)."""
        self._is_body = True
        self._head_bytes = 0
        if self._parser.get_http_version() not in ("1.0", "1.1"):
            raise malformed("The request is of another version of HTTP: send HTTP/1.1")
        headers = {name.lower(): value for name, value in self._headers}
        method = self._parser.get_method().decode()
        if method not in METHODS:
            raise Refusal(
                HTTPStatus.METHOD_NOT_ALLOWED,
                "MethodNotAllowed",
                f"The method is {method}, expected one of {', '.join(METHODS)}",
            )
        if not self._target.startswith(b"/"):
            raise malformed("The request's target is no path: send it to the server itself")
        size = sum(len(name) + len(value) for name, value in self._headers)
        if size > MOST_HEAD_BYTES or len(self._target) > MOST_TARGET_BYTES:
            raise _head_too_large()
        self._api.rules.check(self._target, headers, self._transport.get_extra_info("peername")[0])
        announced = headers.get(b"content-length", b"")
        if announced.isdigit():
            self._require_room(int(announced))
        self._content_type = headers.get(b"content-type", b"")
        if headers.get(b"expect", b"").lower() == b"100-continue" and not self._is_busy and not self._waiting:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, piece: bytes) -> None:
        """Take a piece of the body."""
        self._body += piece
        self._body_bytes += len(piece)
        self._release(-len(piece))
        self._require_room(self._body_bytes)
        if self._api.held_bytes > MOST_BYTES_HELD:
            raise unavailable("Too many images come in at once: try again in a moment")

    def on_message_complete(self) -> None:
        """Have the whole request passed on in its turn."""
        if len(self._waiting) >= MOST_PIPELINED:
            raise malformed(
                f"More than {MOST_PIPELINED} requests came before an answer: wait for the answers"
            )
        content_type, body = bodies.bounded(self._content_type, bytes(self._body))
        method = self._parser.get_method()
        request = framed(method, self._target, self._headers, content_type, body)
        self._waiting.append(_Whole(request, not self._parser.should_keep_alive(), self._body_bytes))
        self._begin()
        self._next()
        if self._waiting:
            self._transport.pause_reading()

    def connected(self, upstream: Upstream, request: bytes) -> None:
        """Send the request that waited for a connection."""
        if self._transport.is_closing():
            upstream.abandon()
            return
        self._upstream = upstream
        upstream.send(request, self)

    def take(self, data: bytes) -> None:
        """Pass on a piece of the response."""
        self._transport.write(data)

    def answered(self, *, is_last: bool) -> None:
        """Go on with the next request, or end."""
        self._upstream = None
        self._is_busy = False
        self._release(self._under_way_bytes)
        if is_last or self._is_last:
            self._transport.close()
            return
        self.deadline = self._loop.time() + IDLE_S
        self._next()
        if not self._waiting and not self._has_ended:
            if self._is_deaf:
                self._transport.close()
            else:
                self._transport.resume_reading()

    def unanswered(self) -> None:
        """End as TorchServe did: who asked sees a broken connection, and may ask again."""
        self._upstream = None
        self._transport.abort()

    def unreachable(self) -> None:
        """Say that TorchServe is not there."""
        self._is_busy = False
        self._end_with(unavailable("TorchServe does not run yet, or not any more: try again in a moment"))

    def _begin(self) -> None:
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._head_bytes = 0
        self._content_type = b""
        self._body = bytearray()
        self._body_bytes = 0
        self._wire_bytes = 0  # that came since the head, chunks' sizes and trailers among them
        self._is_body = False

    def _release(self, size: int) -> None:
        self._held_bytes -= size
        self._api.held_bytes -= size

    def _require_room(self, size: int) -> None:
        if size > self._api.most_bytes:
            raise too_large(
                f"The request's body has more than {self._api.most_bytes} bytes: send a smaller picture"
            )

    def _refuse(self, refusal: Refusal) -> None:
        """Answer so in its turn, and read nothing more."""
        self._is_deaf = True
        self._release(self._body_bytes)
        self._begin()
        self._waiting.append(refusal)
        self._next()

    def _next(self) -> None:
        if self._is_busy or self._is_full or not self._waiting or self._transport.is_closing():
            return
        item = self._waiting.popleft()
        if isinstance(item, Refusal):
            self._end_with(item)
            return
        self._is_busy = True
        self._is_last |= item.is_last
        self._under_way_bytes = item.body_bytes
        self.deadline = float("inf")
        self._upstream = self._api.pool.take()
        if self._upstream is None:
            self._api.pool.connect(item.request, self)
        else:
            self._upstream.send(item.request, self)

    def _end_with(self, refusal: Refusal) -> None:
        """Give the last answer; whatever else came is forgotten."""
        if self._has_ended:
            return
        self._has_ended = self._is_deaf = True
        self._waiting.clear()
        self._release(self._body_bytes)
        self._begin()
        self._transport.write(refusal.response())
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self.deadline = self._loop.time() + DRAIN_S
        self._transport.resume_reading()


def _head_too_large() -> Refusal:
    return Refusal(
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        "TooLarge",
        f"The path has more than {MOST_TARGET_BYTES} bytes, or the headers more than {MOST_HEAD_BYTES}",
    )
