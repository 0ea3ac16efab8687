"""The guard before a TorchServe that is played: it keeps what it gets, and answers when it is let."""

import asyncio
import json
import socket
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
import uvloop

from guard.api import Api, Rules
from guard.client import Client
from guard.refusals import Refusals
from guard.rules import Inference
from guard.serve import look_after
from guard.upstream import Pool

WAIT_S = 20.0
MOST_BYTES = 100_000
ERROR_PATH = b"/error"  # answered as TorchServe answers errors: it closes
BREAK_PATH = b"/break"  # not answered, but broken off
SLOW_PATH = b"/slow"  # answered once it is let
# For SO_LINGER: on, 0 s. The connection is reset when it is closed.
RESETS = struct.pack("ii", 1, 0)


@dataclass
class Guarded:
    """A guard on a free port.

    Attributes:
        port: it listens at.
        api: what it stands before.
        got: each request that was passed on: its first line and headers, and its body.
        slow: once it is set, slow requests are answered.
    """

    port: int
    api: Api
    got: list[tuple[bytes, bytes]] = field(default_factory=list)
    slow: threading.Event = field(default_factory=threading.Event)

    def connect(self) -> socket.socket:
        """Return a connection to it."""
        return socket.create_connection(("127.0.0.1", self.port), WAIT_S)

    def clients(self) -> list[Client]:
        """Return those that are connected."""
        return [one for one in list(self.api.clients) if isinstance(one, Client)]

    def ask(self, raw: bytes) -> bytes:
        """Send bytes, and nothing after them; return all that comes until the connection ends."""
        with self.connect() as connection:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(partial(connection.recv, 65536), b""))


@contextmanager
def guarded(rules: Rules | None = None, *, is_there: bool = True) -> Iterator[Guarded]:
    """Run a guard before a played TorchServe, or before none."""
    with tempfile.TemporaryDirectory(prefix="guard-") as folder:
        path = Path(folder, "inference")
        server = Guarded(0, Api(rules or Inference(), Pool(path), MOST_BYTES))
        started: list[Callable[[], None]] = []
        is_up = threading.Event()

        async def run() -> None:
            loop = asyncio.get_running_loop()
            ending = asyncio.Event()
            started.append(lambda: loop.call_soon_threadsafe(ending.set))
            listening = await loop.create_server(partial(Client, server.api), "127.0.0.1", 0)
            server.port = listening.sockets[0].getsockname()[1]
            refusals = Refusals({"inference": server.api}, Path(folder))
            looking = loop.create_task(look_after([server.api], refusals))
            played = await asyncio.start_unix_server(partial(_play, server), path) if is_there else None
            is_up.set()
            await ending.wait()
            looking.cancel()
            listening.close()
            if played is not None:
                played.close()

        thread = threading.Thread(target=lambda: uvloop.run(run()), daemon=True)
        thread.start()
        assert is_up.wait(WAIT_S)
        try:
            yield server
        finally:
            server.slow.set()
            started[0]()
            thread.join(WAIT_S)


@pytest.fixture
def guard() -> Iterator[Guarded]:
    with guarded() as server:
        yield server


def get(path: bytes, *headers: bytes) -> bytes:
    return b"\r\n".join([b"GET " + path + b" HTTP/1.1", b"Host: here", *headers, b"", b""])


def post(body: bytes, *headers: bytes) -> bytes:
    length = b"Content-Length: %d" % len(body)
    return b"\r\n".join([b"POST /predictions/digits HTTP/1.1", b"Host: here", *headers, length, b"", body])


def until_closed(connection: socket.socket) -> bytes:
    """Return what still comes until the other side closes, whichever way."""
    found = b""
    with suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            found += piece
    return found


def refusal(answer: bytes) -> tuple[int, str]:
    """Return status and kind of an answer that is the guard's own."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"Connection: close" in head
    said = json.loads(body)
    assert int(head.split(b" ")[1]) == said["code"]
    assert said["message"]
    return said["code"], said["type"]


async def _play(server: Guarded, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while head := await _head(reader):
        length = next(int(line[16:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length: "))
        server.got.append((head, await reader.readexactly(length)))
        path = head.split(b" ")[1]
        if path == BREAK_PATH:
            break
        while path == SLOW_PATH and not server.slow.is_set():
            await asyncio.sleep(0.01)
        is_error = path == ERROR_PATH
        status, kept = (b"400 Bad Request", b"close") if is_error else (b"200 OK", b"keep-alive")
        writer.write(
            b"HTTP/1.1 %b\r\ncontent-length: %d\r\nconnection: %b\r\n\r\n%b" % (status, len(path), kept, path)
        )
        if is_error:
            break
    writer.close()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return (await reader.readuntil(b"\r\n\r\n")).rstrip()
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""
