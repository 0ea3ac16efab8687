"""The page's server before an application that is played, and clients that speak with it byte by byte."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import uvicorn

from tests.e2e.page import wait_until
from tests.ui.answering import NOBODY
from tests.ui.conftest import NO_DATABASE
from ui.event_streams import EventStreams
from ui.server import Server, configured
from ui.settings import from_environment
from ui.slow_readers import SlowReaders

WAIT_S = 20.0
LARGE = 8_000_000


@dataclass
class Served:
    """A running server.

    Attributes:
        port: it listens at.
        paths: that were asked for.
        headers: of the last request.
        go: once it is set, /slow and /stream are answered to their ends.
        left: is set once it hears that who asked for /left has gone.
        server: uvicorn.
    """

    port: int
    paths: list[str] = field(default_factory=list)
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    go: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)
    server: uvicorn.Server | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer with the path; to /body with the number of its bytes, to /large with many."""
        path = scope["path"]
        self.paths.append(path)
        self.headers = scope["headers"]
        said = bytes(LARGE) if path == "/large" else path.encode()
        if path == "/body":
            count, more = 0, True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return
                count, more = count + len(message["body"]), message["more_body"]
            said = b"%d" % count
        if path == "/left":
            while (await receive())["type"] != "http.disconnect":
                pass
            self.left.set()
            return
        if path == "/slow":
            await self._may_go()
        headers = [(b"content-length", b"%d" % len(said))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if path == "/stream":
            await send({"type": "http.response.body", "body": said[:1], "more_body": True})
            await self._may_go()
            said = said[1:]
        await send({"type": "http.response.body", "body": said})

    async def _may_go(self) -> None:
        while not self.go.is_set():
            await asyncio.sleep(0.01)

    def connections(self) -> set[Any]:
        """Return those that are open."""
        assert self.server is not None
        return self.server.server_state.connections

    def connect(self) -> socket.socket:
        """Return a connection to it."""
        return socket.create_connection(("127.0.0.1", self.port), WAIT_S)

    def ask(self, raw: bytes) -> bytes:
        """Send bytes; return all that comes until the connection ends."""
        with self.connect() as client:
            with suppress(BrokenPipeError, ConnectionResetError):
                client.sendall(raw)
            return until_closed(client)


@contextmanager
def serving(loop: str = "auto") -> Iterator[Served]:
    """Run it on a free port; images have no uvloop, and run on "asyncio"."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        served = Served(listening.getsockname()[1])
        environment = {"DATABASE_URL": NO_DATABASE, "TORCHSERVE_INFERENCE_URL": NOBODY}
        config = configured(SlowReaders(served), from_environment(environment))
        config.lifespan, config.loop = "off", loop
        server = served.server = Server(config, EventStreams(served), None)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        wait_until(lambda: server.started, "the server listens", WAIT_S)
        try:
            yield served
        finally:
            served.go.set()
            server.should_exit = True
            thread.join(WAIT_S)
            assert not thread.is_alive()


def get(path: str = "/") -> bytes:
    """Return a request."""
    return f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()


def until_closed(client: socket.socket) -> bytes:
    """Return what comes until the connection ends, whichever way."""
    got = b""
    with suppress(ConnectionResetError):
        for piece in iter(partial(client.recv, 65536), b""):
            got += piece
    return got


def until(client: socket.socket, end: bytes) -> bytes:
    """Return what comes until this does."""
    got = b""
    while not got.endswith(end):
        piece = client.recv(65536)
        assert piece, f"the connection ended before {end!r}: {got!r}"
        got += piece
    return got


def status(answer: bytes) -> int:
    """Return the status of the first answer; 0 where there is none."""
    return int(answer.split(b" ")[1]) if answer else 0
