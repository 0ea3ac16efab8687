"""Clients that offer another protocol by Upgrade (RFC 9110, 7.8) are answered in plain HTTP/1.1."""

import socket

import pytest

from tests.guard.played import SLOW_PATH, WAIT_S, Guarded, get, guard, post, refusal, until_closed

__all__ = ["guard"]

# As Java's HttpClient and curl --http2 offer it.
H2C = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA")
PASSED_ON = b"POST /predictions/digits HTTP/1.1\r\nHost: here\r\nContent-Length: 5"


def answer(connection: socket.socket, path: bytes = b"/predictions/digits") -> None:
    """Return once the one answer to a request for a path came, and nothing with it."""
    found = b""
    while not found.endswith(b"\r\n\r\n" + path):
        piece = connection.recv(65536)
        assert piece, found
        found += piece
    assert found.count(b"HTTP/1.1 ") == 1
    assert found.startswith(b"HTTP/1.1 200")


def test_the_body_arrives_and_the_connection_is_kept(guard: Guarded) -> None:
    with guard.connect() as connection:
        for _ in range(2):
            connection.sendall(post(b"image", *H2C))
            answer(connection)
        connection.sendall(get(b"/a", *H2C))
        answer(connection, b"/a")
        connection.sendall(get(b"/b"))
        answer(connection, b"/b")
    assert guard.got[:2] == [(PASSED_ON, b"image")] * 2
    assert guard.got[2] == (b"GET /a HTTP/1.1\r\nHost: here\r\nContent-Length: 0", b"")


def test_each_byte_may_come_by_itself(guard: Guarded) -> None:
    with guard.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in post(b"image", *H2C):
            connection.sendall(bytes([byte]))
        answer(connection)
    assert guard.got == [(PASSED_ON, b"image")]


def test_a_body_in_chunks_arrives_whole(guard: Guarded) -> None:
    sent = post(b"", *H2C).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    with guard.connect() as connection:
        connection.sendall(sent + b"3\r\nima\r\n2\r\nge\r\n0\r\n\r\n")
        answer(connection)
    assert guard.got == [(PASSED_ON, b"image")]


def test_who_waits_to_be_asked_for_the_body_is_asked_once(guard: Guarded) -> None:
    with guard.connect() as connection:
        connection.sendall(post(b"image", *H2C, b"Expect: 100-continue")[: -len(b"image")])
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"image")
        answer(connection)
    assert guard.got == [(PASSED_ON, b"image")]


def test_requests_that_come_together_are_answered_in_their_order(guard: Guarded) -> None:
    pairs = [get(b"/%d" % number, *H2C) + post(b"image", *H2C) for number in range(10)]
    with guard.connect() as connection:
        connection.sendall(get(SLOW_PATH) + b"".join(pairs) + get(b"/last", b"Connection: close"))
        guard.slow.set()
        answers = until_closed(connection)
    assert answers.count(b"HTTP/1.1 200") == 22
    paths = [head.split(b" ")[1] for head, _ in guard.got]
    between = [path for number in range(10) for path in (b"/%d" % number, b"/predictions/digits")]
    assert paths == [SLOW_PATH, *between, b"/last"]
    assert [body for _, body in guard.got[2:-1:2]] == [b"image"] * 10


def test_who_offers_and_closes_is_closed_after_the_answer(guard: Guarded) -> None:
    with guard.connect() as connection:
        connection.settimeout(WAIT_S)
        connection.sendall(post(b"image", b"Connection: Upgrade, close", b"Upgrade: websocket"))
        assert until_closed(connection).count(b"HTTP/1.1 ") == 1
    assert guard.got == [(PASSED_ON, b"image")]


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"CONNECT other:80 HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (b"CONNECT other:80 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 405),
        (b"HEAD / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 405),
        (post(b"image", *H2C, b"Content-Length: 4"), 400),
        (post(b"image", *H2C, b"Transfer-Encoding: chunked"), 400),
        (post(b"a" * 200_000, *H2C), 413),
        (get(b"/" + b"a" * 5_000, *H2C), 431),
    ],
)
def test_what_is_refused_without_an_offer_is_refused_once_with_one(
    guard: Guarded, raw: bytes, status: int
) -> None:
    assert refusal(guard.ask(raw))[0] == status
    assert guard.got == []
    assert sum(guard.api.refused.values()) == 1
