"""Connections to TorchServe: one request at a time on each, kept for the next."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Protocol, cast

import httptools

# Between two looks whether TorchServe has room for another connection.
RETRY_S = 0.02


class Asker(Protocol):
    """Who sent a request through a connection and waits for its response."""

    def take(self, data: bytes) -> None:
        """Get the next bytes of the response, as they came."""

    def answered(self, *, is_last: bool) -> None:
        """Hear that the response is whole; after the last one TorchServe has closed."""

    def unanswered(self) -> None:
        """Hear that TorchServe closed the connection before the response was whole."""

    def unreachable(self) -> None:
        """Hear that no connection could be made."""


class Upstream(asyncio.Protocol):
    """One connection to TorchServe."""

    def __init__(self, idle: list["Upstream"]) -> None:
        self._idle = idle
        self._asker: Asker | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._is_whole = False
        self._is_last = False  # TorchServe closes after this response, as it does after errors
        self._transport: asyncio.Transport

    def send(self, request: bytes, asker: Asker) -> None:
        """Send a request; the asker hears of its response."""
        self._asker = asker
        self._transport.write(request)

    def abandon(self) -> None:
        """Close the connection: nobody waits for the response any more."""
        self._asker = None
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Pass on a piece of the response, and free the connection at its end."""
        asker = self._asker
        if asker is None:  # nothing was asked
            self._transport.abort()
            return
        asker.take(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.abort()
            return
        if self._is_whole:
            self._is_whole = False
            self._asker = None
            if self._is_last:
                self._transport.close()
            else:
                self._idle.append(self)
            asker.answered(is_last=self._is_last)

    def on_message_complete(self) -> None:
        """Hear from the parser that the response is whole."""
        self._is_whole = True
        self._is_last = not self._parser.should_keep_alive()  # right only here

    def connection_lost(self, _error: Exception | None) -> None:
        """End, and tell who waits for a response."""
        if self in self._idle:
            self._idle.remove(self)
        asker, self._asker = self._asker, None
        if asker is not None:
            asker.unanswered()


class Pool:
    """Connections to one of TorchServe's APIs, as many as requests are under way.

    Args:
        path: its unix socket.
    """

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._idle: list[Upstream] = []
        self._connecting: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()

    def take(self) -> Upstream | None:
        """Return a free connection, None where there is none."""
        return self._idle.pop() if self._idle else None

    def connect(self, request: bytes, asker: "Connecting") -> None:
        """Send a request through a new connection."""
        task = asyncio.get_running_loop().create_task(self._connect(request, asker))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _connect(self, request: bytes, asker: "Connecting") -> None:
        try:
            upstream = await self._open(asker)
        except OSError:
            asker.unreachable()
        else:
            if upstream is not None:
                asker.connected(upstream, request)

    async def _open(self, asker: "Connecting") -> Upstream | None:
        """Return a new connection, None if the asker has stopped waiting for one.

        Raises:
            OSError: TorchServe is not there.
        """
        loop = asyncio.get_running_loop()

        async def opened() -> Upstream:
            return (await loop.create_unix_connection(lambda: Upstream(self._idle), self._path))[1]

        # A full backlog does not mean that TorchServe is gone, but that its one thread is busy. One of those
        # who wait looks whether it has room again: a thousand would take the time that it needs to get there.
        with suppress(BlockingIOError):
            return await opened()
        async with self._turn:
            while asker.waits():
                with suppress(BlockingIOError):
                    return await opened()
                await asyncio.sleep(RETRY_S)
        return None


class Connecting(Asker, Protocol):
    """Who waits for a connection."""

    def waits(self) -> bool:
        """Return whether the request still wants one."""

    def connected(self, upstream: Upstream, request: bytes) -> None:
        """Get the connection to send the request through."""
