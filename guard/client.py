"""One client's connection: its requests are read whole, and passed on and answered one after the other."""

import asyncio
from collections import deque
from typing import cast

from guard.answers import Reason, Refusal, malformed
from guard.api import Api, no_room
from guard.reading import Reading, Whole
from guard.upstream import Upstream

# Of one connection, that wait for the answer to the first.
MOST_PIPELINED = 32
# For the first byte: whoever connects has something to ask. Not only where there is little room: then those
# who took it would have kept the others out already.
SILENT_S = 10.0
# For a whole request once it has begun: 16 MiB at 2.2 Mbit/s.
WITHIN_S = 60.0
# For the next request; nginx keeps a connection for 60 s.
IDLE_S = 75.0
# For what is left of a refused request: who closes while the client still sends takes the answer away.
DRAIN_S = 5.0


class Client(asyncio.Protocol):
    """One client's connection.

    Requests wait in order, and with them what is answered here without TorchServe: a Refusal, after which the
    connection ends. TorchServe would answer requests that came together in any order.
    """

    def __init__(self, api: Api) -> None:
        self.deadline = 0.0  # by the loop's clock
        self._api = api
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Whole | Refusal] = deque()
        self._under_way: Whole | None = None
        self._upstream: Upstream | None = None
        self._is_last = False  # the connection ends with the request under way
        self._is_deaf = False  # no further request is read
        self._is_full = False  # the client does not take its answers
        self._has_ended = False  # the last answer is given

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, unless there are too many."""
        self._transport = cast(asyncio.Transport, transport)
        address, *_ = transport.get_extra_info("peername") or ("",)
        self._reading = Reading(self._api, address, self)
        if not address:  # reset before it was accepted
            self._transport.abort()
            return
        self.deadline = self._loop.time() + SILENT_S
        self._stranger = self._api.rules.stranger(address)
        try:
            self._api.let_in(self, self._stranger)
        except Refusal as refusal:
            self._refuse(refusal)
            if self._api.insists(self._stranger):  # what it does not close takes the place of others
                self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Read on; refuse what cannot be passed on."""
        if self._is_deaf:
            return
        if not self._reading.has_begun and self._under_way is None:
            self.deadline = self._loop.time() + WITHIN_S
        try:
            self._reading.feed(data)
        except Refusal as refusal:
            self._refuse(refusal)

    def eof_received(self) -> bool:
        """Answer what came whole: a client that sends nothing more may still wait for its answer."""
        self._is_deaf = True
        return self._under_way is not None or bool(self._waiting)

    def connection_lost(self, _error: Exception | None) -> None:
        """Forget the client."""
        if self in self._api.clients:
            self._api.let_go(self, self._stranger)
        self._is_deaf = True
        self._forget_waiting()
        if self._under_way is not None:
            self._under_way.body.free()
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
        if self._under_way is not None:
            self._give_up()
        elif self._reading.has_begun:
            self._refuse(Refusal(Reason.SLOW, f"The request did not arrive within {WITHIN_S:g} s"))
        else:
            self._transport.abort()

    def end_when_idle(self) -> None:
        """Close once what came is answered."""
        self._is_last = True
        is_reading = not self._is_deaf and self._reading.has_begun
        if not (self._under_way or self._waiting or is_reading):
            self._transport.close()

    def sends_for(self, who: str) -> bool:
        """Return whether a body comes that counts for this client, and is not whole yet."""
        return self._reading.body.who == who and self._reading.body.size > 0

    def give_way(self) -> None:
        """Give up the request that still comes."""
        self._refuse(no_room())

    def continues(self) -> None:
        """Ask for the body, unless another answer comes first."""
        if self._under_way is None and not self._waiting:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def grew(self, who: str) -> None:
        """Make room for a body that has grown, or refuse it."""
        self._api.make_room(self, who)

    def take_whole(self, request: Whole) -> None:
        """Have a request passed on in its turn."""
        if len(self._waiting) >= MOST_PIPELINED:
            request.body.free()
            raise malformed(
                f"More than {MOST_PIPELINED} requests came before an answer: wait for the answers"
            )
        self._waiting.append(request)
        self._next()
        if self._waiting:
            self._transport.pause_reading()

    def waits(self) -> bool:
        """Return whether the answer to the request under way is still wanted."""
        return not (self._transport.is_closing() or self._has_ended)

    def connected(self, upstream: Upstream, request: bytes) -> None:
        """Send the request that waited for a connection."""
        if not self.waits():
            upstream.abandon()
            return
        self._upstream = upstream
        upstream.send(request, self)

    def take(self, data: bytes) -> None:
        """Pass on a piece of the response, which is not given up once it has begun."""
        self.deadline = float("inf")
        self._transport.write(data)

    def answered(self, *, is_last: bool) -> None:
        """Go on with the next request, or end."""
        self._upstream = None
        self._end_of_request()
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
        self._end_of_request()
        self._end_with(Refusal(Reason.NO_TORCHSERVE, "TorchServe is not running: try again in a moment"))

    def _give_up(self) -> None:
        """Say that TorchServe gives no answer."""
        if self._upstream is not None:
            self._upstream.abandon()
            self._upstream = None
        self._end_of_request()
        self._end_with(
            Refusal(Reason.NO_ANSWER, f"TorchServe did not answer within {self._api.answer_s:g} s: try again")
        )

    def _end_of_request(self) -> None:
        """Let go of the request under way."""
        request, self._under_way = self._under_way, None
        if request is not None:
            request.body.free()

    def _forget_waiting(self) -> None:
        self._reading.forget()
        for item in self._waiting:
            if isinstance(item, Whole):
                item.body.free()
        self._waiting.clear()

    def _refuse(self, refusal: Refusal) -> None:
        """Answer so in its turn, and read nothing more."""
        self._is_deaf = True
        self._reading.forget()
        self._waiting.append(refusal)
        self._next()

    def _next(self) -> None:
        is_busy = self._under_way is not None
        if is_busy or self._is_full or not self._waiting or self._transport.is_closing():
            return
        item = self._waiting.popleft()
        if isinstance(item, Refusal):
            self._end_with(item)
            return
        self._under_way = item
        self._is_last |= item.is_last
        self.deadline = self._loop.time() + self._api.answer_s
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
        self._forget_waiting()
        self._api.refused[refusal.reason] += 1
        self._transport.write(refusal.response())
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self.deadline = self._loop.time() + DRAIN_S
        self._transport.resume_reading()
