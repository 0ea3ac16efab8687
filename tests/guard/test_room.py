"""The memory for bodies is bounded, and no client keeps the others out of it."""

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import pytest

from guard import room
from system.processes import until
from tests.guard.played import MOST_BYTES, SLOW_PATH, WAIT_S, Guarded, guarded, post, refusal, until_closed

# In the place of megabytes. A body is as large as a share.
BODY = b"a" * MOST_BYTES
SCARCE, MOST = 4 * MOST_BYTES, 8 * MOST_BYTES


class Named:
    """Rules that take each client's word for who it is."""

    def stranger(self, _peer: str) -> str | None:
        """Let everybody in."""

    def check(self, _target: bytes, headers: Mapping[bytes, bytes], _peer: str) -> str:
        """Return what a header says."""
        return headers.get(b"who", b"").decode()

    def check_body(self, content_type: bytes, body: bytes) -> None:
        """Let every body pass."""


@pytest.fixture
def guard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Guarded]:
    monkeypatch.setattr(room, "SHARE_BYTES", MOST_BYTES)
    monkeypatch.setattr(room, "SCARCE_BYTES", SCARCE)
    monkeypatch.setattr(room, "MOST_BYTES_HELD", MOST)
    with guarded(Named()) as server:
        yield server
        assert until(lambda: not server.api.clients and not server.api.room.held_bytes, WAIT_S)
        assert not server.api.room._held


@pytest.fixture
def connections() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def begin(guard: Guarded, connections: ExitStack, who: bytes) -> socket.socket:
    """Return a connection on which a body comes, but for its last byte."""
    time.sleep(0.005)  # the loop's clock counts milliseconds, and none begins with another
    connection = connections.enter_context(guard.connect())
    address = connection.getsockname()

    def came() -> bool:
        there = [one for one in guard.clients() if one._transport.get_extra_info("peername") == address]
        return any(one._reading.body.size == MOST_BYTES - 1 for one in there)

    connection.sendall(post(BODY, b"Who: " + who)[:-1])
    assert until(came, WAIT_S)
    return connection


def wait_whole(guard: Guarded, connections: ExitStack, who: bytes) -> socket.socket:
    """Return a connection whose whole request waits for its answer."""
    connection = connections.enter_context(guard.connect())
    before = len(guard.got)
    connection.sendall(post(BODY, b"Who: " + who).replace(b"/predictions/digits", SLOW_PATH, 1))
    assert until(lambda: len(guard.got) > before, WAIT_S)
    return connection


def refused(connection: socket.socket) -> bool:
    """Return whether something came, without waiting."""
    connection.setblocking(False)
    try:
        return bool(connection.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False
    finally:
        connection.settimeout(WAIT_S)


def status(guard: Guarded, who: bytes) -> bytes:
    return guard.ask(post(BODY, b"Who: " + who)).split(b" ")[1]


def test_one_that_sends_slowly_gives_way_to_itself(guard: Guarded, connections: ExitStack) -> None:
    """As programs of one machine do, which count as one client: the slow to the quick."""
    slow = [begin(guard, connections, b"here") for _ in range(4)]
    for _ in range(10):
        assert status(guard, b"here") == b"200"
    assert refusal(until_closed(slow[0])) == (503, "ServiceUnavailable")
    assert not any(map(refused, slow[1:]))
    slow[-1].sendall(b"a")
    assert slow[-1].recv(65536).startswith(b"HTTP/1.1 200")


def test_one_that_holds_all_it_may_keeps_nobody_out(guard: Guarded, connections: ExitStack) -> None:
    """Even with bodies that came whole, which nobody takes back."""
    for _ in range(4):
        wait_whole(guard, connections, b"greedy")
    with guard.connect() as fifth:
        fifth.sendall(post(BODY, b"Who: greedy"))
        assert refusal(until_closed(fifth)) == (503, "ServiceUnavailable")
    for who in (b"a", b"b", b"c"):
        wait_whole(guard, connections, who)
        assert status(guard, b"greedy") == b"503"
    assert status(guard, b"d") == b"200"
    guard.slow.set()


def test_where_all_is_taken_who_holds_most_gives_way(guard: Guarded, connections: ExitStack) -> None:
    greedy = [begin(guard, connections, b"greedy") for _ in range(4)]
    others = [begin(guard, connections, who) for who in (b"a", b"b", b"c", b"d")]
    assert status(guard, b"e") == b"200"
    assert refusal(until_closed(greedy[0])) == (503, "ServiceUnavailable")
    assert not any(map(refused, [*greedy[1:], *others]))


def test_where_nothing_can_be_taken_back_who_comes_is_refused_until_it_is_answered(
    guard: Guarded, connections: ExitStack
) -> None:
    for who in (b"a", b"a", b"a", b"a", b"b", b"c", b"d", b"e"):
        wait_whole(guard, connections, who)
    assert status(guard, b"f") == b"503"
    guard.slow.set()
    assert until(lambda: status(guard, b"f") == b"200", WAIT_S)
    assert until(lambda: guard.api.room.held_bytes == 0, WAIT_S)
