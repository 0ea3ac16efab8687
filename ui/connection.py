"""One browser's connection: it ends when nothing comes of a request, and no head costs more than it may.

uvicorn leaves both to a proxy, which a bare `make run` does not have.
"""

import asyncio
import logging
import math
from collections.abc import Collection
from http import HTTPStatus

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

logger = logging.getLogger(__name__)

# Of visitors, each with a stream and what the browser keeps open beside it.
MOST_CONNECTIONS = 4_000
# Of one connection, that wait for the answer to the first.
MOST_PIPELINED = 32
# The first line and the headers; browsers send the cookies of all that is served on this machine.
MOST_HEAD_BYTES = 32 * 1024
# For a whole head, from the connection's beginning or what comes after an answer; nginx gives it as long.
HEAD_WITHIN_S = 10.0
# For the next request.
IDLE_S = 5
# For 48 to 112 KB to be read of what waits: 15 kbit/s at most.
READ_WITHIN_S = 60.0
# For what is left of a refused request: who closes while the client still sends takes the answer away.
DRAIN_S = 5.0
LOOK_S = 1.0

Refusal = tuple[HTTPStatus, str]
LARGE_HEAD: Refusal = (
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    f"The URL and the headers have more than {MOST_HEAD_BYTES:,} bytes: shorten them, or delete cookies",
)
TINY_CHUNKS: Refusal = (
    HTTPStatus.BAD_REQUEST,
    "The body's chunks are too small, or its trailer is too long: send it whole",
)
SLOW: Refusal = (HTTPStatus.REQUEST_TIMEOUT, f"The request did not arrive within {HEAD_WITHIN_S:g} s")
FULL: Refusal = (
    HTTPStatus.SERVICE_UNAVAILABLE,
    "Too many open connections: try again in a moment",
)


class Connection(HttpToolsProtocol):
    """uvicorn's connection, with deadlines and limits.

    While a request is answered, its client has none but for reading: how long a body may take, ui/limits.py
    says.
    """

    _head_deadline = math.inf  # both by the loop's clock
    _read_deadline = math.inf
    _beside_bytes = 0  # that came of this request and are no body: its head, chunks' sizes, trailers
    _body_bytes = 0
    _is_head = False  # one has begun, and is not whole yet
    _is_body = False
    _is_deaf = False  # no further request is read
    _is_large = False
    _running: RequestResponseCycle | None = None  # what is answered; uvicorn's `cycle` was parsed last

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, unless there are too many."""
        super().connection_made(transport)
        self._head_deadline = self.loop.time() + HEAD_WITHIN_S
        if len(self.connections) > MOST_CONNECTIONS:
            self._refuse(FULL)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell what is answered that its client has gone, also where others wait behind it."""
        super().connection_lost(exc)
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()

    def data_received(self, data: bytes) -> None:
        """Read on; refuse what costs too much."""
        if self._is_deaf:
            return
        self._beside_bytes += len(data)
        super().data_received(data)
        if self._is_deaf or self.transport.is_closing():
            return
        if self._beside_bytes > MOST_HEAD_BYTES + self._body_bytes / 4:
            self._refuse(TINY_CHUNKS if self._is_body else LARGE_HEAD)
        elif self._is_answering():
            self._head_deadline = math.inf
        elif self._head_deadline == math.inf:
            self._head_deadline = self.loop.time() + HEAD_WITHIN_S

    def pause_writing(self) -> None:
        """Wait for the client to read, for a while."""
        super().pause_writing()
        self._read_deadline = self.loop.time() + READ_WITHIN_S

    def resume_writing(self) -> None:
        """Go on."""
        super().resume_writing()
        self._read_deadline = math.inf

    def look(self, now: float) -> None:
        """End what takes too long."""
        if self.transport.is_closing() and self._read_deadline == math.inf:
            # It closes once the client has read what waits.
            self._read_deadline = now + READ_WITHIN_S
        is_open = not (self._is_deaf or self.transport.is_closing())
        if self._head_deadline < now and self._is_head and is_open:
            self._refuse(SLOW)
        elif min(self._head_deadline, self._read_deadline) < now:
            self.transport.abort()

    def on_message_begin(self) -> None:
        """Begin a head."""
        super().on_message_begin()
        self._is_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what comes after the body (trailers) is left out."""
        if not self._is_body:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Refuse a head that is too large although it came at once, and one too many of them."""
        self._is_head = False
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > MOST_HEAD_BYTES:
            self._is_large = True
        if self._is_large or len(self.pipeline) >= MOST_PIPELINED:
            raise ValueError("refused")  # the parser stops, and uvicorn calls send_400_response
        self._is_body = True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._beside_bytes -= len(body)
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request."""
        self._is_body = False
        self._beside_bytes = self._body_bytes = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be read on."""
        self._refuse(LARGE_HEAD if self._is_large else (HTTPStatus.BAD_REQUEST, msg))

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _refuse(self, refusal: Refusal) -> None:
        """Answer so, unless another answer has begun, and read nothing more."""
        self._is_deaf = True
        if self._is_answering():
            if self.pipeline or self.cycle.response_started:
                self.transport.close()
                return
            self.cycle.disconnected = True  # for who reads the body, or would answer
            self.cycle.waiting_for_100_continue = False
            self.cycle.message_event.set()
        status, words = refusal
        head = [
            f"HTTP/1.1 {status.value} {status.phrase}",
            "Content-Type: text/plain; charset=utf-8",
            f"Content-Length: {len(words)}",
            "Connection: close",
        ]
        if status is HTTPStatus.SERVICE_UNAVAILABLE:
            head.append("Retry-After: 1")
        self.transport.write("\r\n".join([*head, "", words]).encode("ascii"))
        self.transport.write_eof()
        self.flow.resume_reading()
        self._head_deadline = self.loop.time() + DRAIN_S


async def look_after(connections: Collection[Connection]) -> None:
    """Cut clients off at their deadlines, until this is cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(LOOK_S)
        now = loop.time()
        for connection in list(connections):
            try:
                connection.look(now)
            except Exception:  # one client's fault must not keep the others' limits from holding
                logger.exception("a client could not be cut off")
