"""What the guard gives a client of time, connections and pipelined requests, and that none takes more."""

import socket
import threading
import time
from pathlib import Path

import pytest

from guard import api, client
from guard.answers import Reason
from guard.serve import LOOK_S
from system.processes import until
from tests.guard.played import (
    RESETS,
    SLOW_PATH,
    WAIT_S,
    Guarded,
    get,
    guard,
    guarded,
    post,
    refusal,
    until_closed,
)

__all__ = ["guard"]


def test_a_request_that_does_not_arrive_ends(guard: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "WITHIN_S", 0.2)
    with guard.connect() as connection:
        connection.sendall(b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        assert refusal(until_closed(connection)) == (408, "Timeout")


def test_a_connection_that_nothing_comes_through_ends(
    guard: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "IDLE_S", 0.2)
    with guard.connect() as connection:
        connection.sendall(get(b"/a"))
        assert connection.recv(65536).endswith(b"/a")
        assert until_closed(connection) == b""


def test_what_torchserve_never_answers_is_given_up(guard: Guarded) -> None:
    guard.api.answer_s = 0.2
    assert refusal(guard.ask(get(SLOW_PATH))) == (504, "Timeout")
    assert guard.api.refused == {Reason.NO_ANSWER: 1}
    guard.slow.set()
    assert guard.ask(get(b"/a")).endswith(b"/a"), "its connection to TorchServe is not used again"


def test_a_connection_that_idles_after_an_answer_is_not_told_so(guard: Guarded) -> None:
    guard.api.answer_s = 0.2
    with guard.connect() as connection:
        connection.sendall(get(b"/a"))
        assert connection.recv(65536).endswith(b"/a")
        time.sleep(1.5 * LOOK_S)
        connection.sendall(get(b"/b"))
        assert connection.recv(65536).endswith(b"/b")


def test_a_connection_that_is_reset_before_it_is_accepted_leaves_nothing(
    guard: Guarded, caplog: pytest.LogCaptureFixture
) -> None:
    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    go_on = threading.Event()
    with guard.connect() as connection:
        connection.sendall(get(b"/a"))
        assert connection.recv(65536).endswith(b"/a")
        before = open_files()
        guard.clients()[0]._loop.call_soon_threadsafe(go_on.wait)  # it accepts nobody meanwhile
        for _ in range(20):
            with guard.connect() as reset:
                reset.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESETS)
        go_on.set()
        connection.sendall(get(b"/b"))
        assert connection.recv(65536).endswith(b"/b")
        assert until(lambda: len(guard.api.clients) == 1 and open_files() == before, WAIT_S)
    assert not guard.api.refused
    assert caplog.messages == []


def test_too_many_connections_are_told_so(guard: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "MOST_CONNECTIONS", 1)
    with guard.connect() as first:
        first.sendall(get(b"/a"))
        assert first.recv(65536).endswith(b"/a")
        with guard.connect() as second:
            assert refusal(until_closed(second)) == (503, "ServiceUnavailable")
        first.sendall(get(b"/b"))
        assert first.recv(65536).endswith(b"/b")


def test_nothing_that_a_client_does_ends_the_limits_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that cannot be passed on, and half of the next one after it."""
    monkeypatch.setattr(client, "DRAIN_S", 0.1)
    monkeypatch.setattr(client, "WITHIN_S", 0.5)
    with guarded(is_there=False) as guard, guard.connect() as first:
        first.sendall(get(b"/ping") + post(b"abcde")[:-5])
        assert refusal(until_closed(first)) == (503, "ServiceUnavailable")
        with guard.connect() as second:
            second.sendall(b"GET")
            assert refusal(until_closed(second)) == (408, "Timeout")
        assert until(lambda: not guard.api.clients and not guard.api.room.held_bytes, WAIT_S)


@pytest.mark.parametrize(
    "rest", [b"0\r\nX: " + b"a" * 100_000, b"1\r\na\r\n" * 20_000], ids=["a long trailer", "tiny chunks"]
)
def test_what_is_more_frame_than_body_is_refused(guard: Guarded, rest: bytes) -> None:
    with guard.connect() as connection:
        connection.sendall(b"POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert until(lambda: any(one._reading.is_body for one in guard.clients()), WAIT_S)
        connection.sendall(rest)
        assert refusal(until_closed(connection)) == (400, "BadRequest")
    assert guard.got == []


def test_many_requests_that_wait_for_one_answer_are_refused(guard: Guarded) -> None:
    with guard.connect() as connection:
        connection.sendall(get(SLOW_PATH) + get(b"/a") * 100)
        assert until(lambda: guard.got, WAIT_S)
        guard.slow.set()
        answers = until_closed(connection)
    assert answers.count(b"HTTP/1.1 200") == 1 + client.MOST_PIPELINED
    assert b"HTTP/1.1 400" in answers


def test_a_client_that_left_frees_what_it_held(guard: Guarded) -> None:
    with guard.connect() as connection:
        connection.sendall(post(b"a" * 50_000)[:-1])
    with guard.connect() as connection:
        connection.sendall(post(b"a" * 50_000).replace(b"/predictions/digits", SLOW_PATH, 1))
        assert until(lambda: guard.got, WAIT_S)
    guard.slow.set()
    assert until(lambda: not guard.api.clients and not guard.api.room.held_bytes, WAIT_S)
