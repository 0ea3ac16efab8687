"""What the guard passes on, what it refuses, and in which order it answers."""

import socket
import time
from pathlib import Path

import pytest

from guard.rules import Management
from system.processes import until
from tests.guard.played import (
    BREAK_PATH,
    ERROR_PATH,
    MOST_BYTES,
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


def test_a_request_is_passed_on_with_what_matters_and_its_length(guard: Guarded) -> None:
    sent = post(b"image", b"X-Request-Id: 7", b"Content-Type: image/png", b"Cookie: a=b", b"User-Agent: curl")
    assert guard.ask(sent).endswith(b"\r\n\r\n/predictions/digits")
    head, body = guard.got[0]
    assert head.split(b"\r\n") == [
        b"POST /predictions/digits HTTP/1.1",
        b"Host: here",
        b"X-Request-Id: 7",
        b"Content-Type: image/png",
        b"Content-Length: 5",
    ]
    assert body == b"image"


def test_a_body_in_chunks_is_passed_on_whole_without_its_trailers(guard: Guarded) -> None:
    guard.ask(
        b"POST /p HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\n"
    )
    assert guard.got == [(b"POST /p HTTP/1.1\r\nHost: here\r\nContent-Length: 5", b"abcde")]


def test_requests_that_come_together_are_answered_in_their_order(guard: Guarded) -> None:
    with guard.connect() as connection:
        connection.sendall(get(SLOW_PATH) + get(b"/a") + get(b"/b"))
        assert until(lambda: guard.got, WAIT_S)
        assert len(guard.got) == 1  # the others wait
        guard.slow.set()
        connection.shutdown(socket.SHUT_WR)
        answers = until_closed(connection)
    assert [answer[:2] for answer in answers.split(b"\r\n\r\n/")[1:]] == [b"sl", b"aH", b"b"]


def test_connections_are_kept_by_both_sides(guard: Guarded) -> None:
    with guard.connect() as connection:
        for _ in range(3):
            connection.sendall(get(b"/a"))
            assert connection.recv(65536).endswith(b"/a")
    assert len(guard.api.pool._idle) == 1


def test_the_connection_ends_with_an_error_as_torchserve_ends_it(guard: Guarded) -> None:
    with guard.connect() as connection:
        connection.sendall(get(ERROR_PATH))
        answer = until_closed(connection)
    assert answer.startswith(b"HTTP/1.1 400")
    assert guard.api.pool._idle == []


def test_who_asked_to_close_is_closed_after_the_answer(guard: Guarded) -> None:
    with guard.connect() as connection:
        connection.sendall(get(b"/a", b"Connection: close"))
        assert until_closed(connection).endswith(b"/a")


def test_a_request_that_torchserve_breaks_off_is_broken_off(guard: Guarded) -> None:
    """As without the guard: who asks sees it at once, and may ask another."""
    with guard.connect() as connection:
        connection.sendall(get(BREAK_PATH))
        assert until_closed(connection) == b""


def test_while_torchserve_is_not_there_the_answer_says_so() -> None:
    with guarded(is_there=False) as guard:
        assert refusal(guard.ask(get(b"/ping"))) == (503, "ServiceUnavailable")


def test_who_waits_to_be_asked_for_the_body_is_asked(guard: Guarded) -> None:
    with guard.connect() as connection:
        connection.sendall(
            b"POST /p HTTP/1.1\r\nHost: here\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        )
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"ab")
        assert connection.recv(65536).endswith(b"/p")


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (
            b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"0\r\n\r\n",
            400,
        ),
        (b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd", 400),
        (b"GET /a\r\nHost: a\r\n\r\n", 400),
        (b"GET http://other/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"HEAD /ping HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (b"CONNECT other:80 HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (b"GET /" + b"a" * 5_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 9_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 90_000, 431),
        (b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (MOST_BYTES + 1), 413),
        (b"POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n30d40\r\n" + b"a" * 200_000, 413),
    ],
)
def test_what_two_servers_might_read_differently_or_is_too_large_is_refused(
    guard: Guarded, raw: bytes, status: int
) -> None:
    assert refusal(guard.ask(raw))[0] == status
    assert guard.got == []


def test_a_refusal_waits_for_the_answer_before_it(guard: Guarded) -> None:
    with guard.connect() as connection:
        connection.sendall(get(SLOW_PATH) + b"nonsense\r\n\r\n")
        assert until(lambda: guard.got, WAIT_S)
        guard.slow.set()
        answer = until_closed(connection)
    first, _, second = answer.partition(SLOW_PATH)
    assert first.startswith(b"HTTP/1.1 200")
    assert refusal(second) == (400, "BadRequest")


def test_a_client_that_sends_on_gets_its_refusal_first(guard: Guarded) -> None:
    """Closing at once would reset the connection and take the answer away."""
    with guard.connect() as connection:
        connection.sendall(b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n")
        for _ in range(40):
            connection.sendall(b"a" * 65_536)
        assert refusal(until_closed(connection)) == (413, "TooLarge")


def test_management_is_for_who_has_the_token(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("Authorization: Bearer secret\n")
    with guarded(Management(token, frozenset({"localhost", "torchserve"}))) as guard:

        def status(*headers: bytes) -> int:
            return int(guard.ask(b"\r\n".join([b"GET /models HTTP/1.1", *headers, b"", b""])).split(b" ")[1])

        has_token = b"Authorization: Bearer secret"
        assert status(b"Host: 127.0.0.1:8081", has_token) == 200
        assert b"secret" not in guard.got[0][0]
        assert status(b"Host: [::1]:8081", has_token) == 200
        assert status(b"Host: LOCALHOST", has_token) == 200
        assert status(b"Host: torchserve:8081", has_token) == 200
        assert status(b"Host: 127.0.0.1:8081") == 401
        assert status(b"Host: 127.0.0.1:8081", b"Authorization: Bearer secre") == 401
        assert status(b"Host: evil.example:8081", has_token) == 421
        assert status(has_token) == 421
        assert status(b"Host: 127.0.0.1:8081", b"Origin: http://127.0.0.1:8081", has_token) == 403
        token.write_text("Authorization: Bearer renewed\n")
        assert status(b"Host: 127.0.0.1:8081", has_token) == 401
        assert status(b"Host: 127.0.0.1:8081", b"Authorization: Bearer renewed") == 200
        for nothing in ("", "\n", "Authorization:", "Authorization: Bearer", "secret"):
            token.write_text(nothing)
            assert status(b"Host: 127.0.0.1:8081") == 503
            assert status(b"Host: 127.0.0.1:8081", b"Authorization:") == 503
        token.unlink()
        assert status(b"Host: 127.0.0.1:8081", b"Authorization: ") == 503
        assert len(guard.got) == 5


def test_an_answer_costs_little_time(guard: Guarded) -> None:
    """A hundred in a row: a sleep or a look at names would show."""
    with guard.connect() as connection:
        started = time.monotonic()
        for _ in range(100):
            connection.sendall(get(b"/a"))
            connection.recv(65536)
        assert time.monotonic() - started < 5
