"""A TorchServe that is too busy to accept connections is waited for; it has not gone."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from guard.answers import Reason
from system.processes import until
from tests.guard.played import RESETS, WAIT_S, Guarded, get, guarded, refusal, until_closed


class Busy:
    """A guard before a socket that has no room for another connection until one is accepted."""

    def __init__(self, guard: Guarded, path: Path, stack: ExitStack) -> None:
        self.guard = guard
        self._stack = stack
        self._listening = stack.enter_context(socket.socket(socket.AF_UNIX))
        self._listening.bind(str(path))
        self._listening.listen(0)
        self._listening.settimeout(WAIT_S)
        stack.enter_context(socket.socket(socket.AF_UNIX)).connect(str(path))

    def asked(self, path: bytes) -> socket.socket:
        """Return a connection on which a request waits for room."""
        connection = self._stack.enter_context(self.guard.connect())
        connection.sendall(get(path))
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):  # without an answer, such as 503
            connection.recv(1)
        connection.settimeout(WAIT_S)
        return connection

    def accept(self) -> socket.socket:
        """Return the connection that has waited longest."""
        return self._stack.enter_context(self._listening.accept()[0])

    def answer(self) -> None:
        """Accept a connection of the guard's, and answer what comes through it with its path."""
        connection = self.accept()
        path = connection.recv(65536).split(b" ")[1]
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(path), path))


@pytest.fixture
def busy() -> Iterator[Busy]:
    with guarded(is_there=False) as guard, ExitStack() as stack:
        yield Busy(guard, Path(guard.api.pool._path), stack)


def test_requests_wait_for_room_and_are_answered(busy: Busy) -> None:
    connections = [busy.asked(b"/%d" % number) for number in range(5)]
    busy.accept()
    for _ in connections:
        busy.answer()
    for number, connection in enumerate(connections):
        assert connection.recv(65536).endswith(b"/%d" % number)
    assert not busy.guard.api.refused


def test_who_leaves_is_not_waited_for(busy: Busy) -> None:
    left, stays = busy.asked(b"/left"), busy.asked(b"/stays")
    left.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESETS)
    left.close()
    assert until(lambda: len(busy.guard.api.clients) == 1, WAIT_S)
    busy.accept()
    busy.answer()
    assert stays.recv(65536).endswith(b"/stays")
    assert not busy.guard.api.refused


def test_a_request_waits_for_room_as_long_as_for_an_answer(busy: Busy) -> None:
    busy.guard.api.answer_s = 0.5
    assert refusal(until_closed(busy.asked(b"/a"))) == (504, "Timeout")
    assert busy.guard.api.refused == {Reason.NO_ANSWER: 1}
    assert until(lambda: not busy.guard.api.pool._connecting, WAIT_S)


def test_a_torchserve_that_ends_meanwhile_is_told(busy: Busy) -> None:
    connection = busy.asked(b"/a")
    busy._listening.close()
    assert refusal(until_closed(connection)) == (503, "ServiceUnavailable")
    assert busy.guard.api.refused == {Reason.NO_TORCHSERVE: 1}
