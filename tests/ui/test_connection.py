"""Connections of which nothing comes, too much, or too slowly, and those that are not cut."""

import socket
import time
from collections.abc import Iterator

import psutil
import pytest
import requests

from tests.e2e.page import wait_until
from tests.ui.connecting import LARGE, WAIT_S, Served, get, serving, status, until, until_closed
from ui import connection
from ui.connection import MOST_HEAD_BYTES, MOST_PIPELINED, Connection

CHUNKED = b"POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"
# Longer than any deadline.
LONG_S = 0.8


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """One that cuts off after half a second."""
    for name, value in {"HEAD_WITHIN_S": 0.5, "READ_WITHIN_S": 0.5, "LOOK_S": 0.05}.items():
        monkeypatch.setattr(connection, name, value)
    with serving() as running:
        yield running


def test_a_silent_connection_ends_and_makes_room(served: Served) -> None:
    with served.connect() as client:
        assert until_closed(client) == b""
        wait_until(lambda: not served.connections(), "it is forgotten", WAIT_S)


def test_a_head_that_dribbles_ends_however_often_something_comes(served: Served) -> None:
    with served.connect() as client:
        client.settimeout(0.02)
        client.sendall(HEAD)
        answer, began = b"", time.monotonic()
        while not answer and time.monotonic() - began < WAIT_S:
            client.sendall(b"X: y\r\n")
            try:
                answer = client.recv(65536)
            except TimeoutError:
                continue
    assert status(answer) == 408
    assert b"did not arrive within" in answer


@pytest.mark.parametrize(("rest", "says"), [(b"GET / HT", 408), (b"\r\n", 0)], ids=["a head", "a line"])
def test_what_comes_after_an_answer_has_its_deadline_too(served: Served, rest: bytes, says: int) -> None:
    with served.connect() as client:
        client.sendall(get("/a"))
        until(client, b"/a")
        client.sendall(rest)
        assert status(until_closed(client)) == says


def test_what_is_left_of_a_body_that_nobody_wanted_has_one_too(served: Served) -> None:
    with served.connect() as client:
        client.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
        until(client, b"\r\n\r\n/")
        client.sendall(b"x")
        assert until_closed(client) == b""


def test_a_connection_is_kept_for_many_requests(served: Served) -> None:
    with requests.Session() as session:
        for _ in range(3):
            assert session.get(f"http://127.0.0.1:{served.port}/a", timeout=WAIT_S).text == "/a"
            (one,) = served.connections()
            time.sleep(LONG_S)
            assert served.connections() == {one}


@pytest.mark.parametrize("path", ["/slow", "/stream"])
def test_long_answers_and_streams_are_not_cut(served: Served, path: str) -> None:
    with served.connect() as client:
        client.sendall(get(path))
        time.sleep(LONG_S)
        served.go.set()
        until(client, path.encode())
        client.sendall(get("/next"))
        until(client, b"/next")


def test_a_long_upload_is_not_cut(served: Served) -> None:
    with served.connect() as client:
        client.sendall(b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n")
        for _ in range(20):
            client.sendall(b"x")
            time.sleep(LONG_S / 20)
        until(client, b"\r\n\r\n20")


def test_small_chunks_are_read_and_what_comes_after_them_is_left_out(served: Served) -> None:
    with served.connect() as client:
        client.sendall(CHUNKED)
        wait_until(lambda: served.paths, "it is read", WAIT_S)
        client.sendall((b"40\r\n" + bytes(64) + b"\r\n") * 10_000 + b"0\r\nX-Trailer: y\r\n\r\n")
        until(client, b"\r\n\r\n640000")
    assert b"x-trailer" not in dict(served.headers)


@pytest.mark.parametrize(
    "rest", [b"0\r\nX: " + b"a" * 10**6, b"1\r\na\r\n" * 200_000], ids=["a long trailer", "tiny chunks"]
)
def test_what_is_more_frame_than_body_is_refused(served: Served, rest: bytes) -> None:
    with served.connect() as client:
        client.sendall(CHUNKED)
        wait_until(lambda: served.paths, "it is read", WAIT_S)
        client.sendall(rest)
        answer = until_closed(client)
    assert status(answer) == 400
    assert b"The body's chunks are too small" in answer


@pytest.mark.parametrize(
    "head",
    [
        HEAD + b"X: " + b"x" * 10**6 + b"\r\n\r\n",
        HEAD + b"".join(b"X%d: y\r\n" % number for number in range(100_000)) + b"\r\n",
        b"GET /" + b"x" * 10**6 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\r\n" * 500_000,
        HEAD + b"X: " + b"x" * MOST_HEAD_BYTES + b"\r\n\r\n",
    ],
    ids=["one header", "many headers", "the address", "empty lines", "all at once"],
)
def test_a_head_that_is_too_large_is_refused_and_nothing_is_asked(served: Served, head: bytes) -> None:
    answer = served.ask(head)
    assert status(answer) == 431
    assert b"have more than 32,768 bytes" in answer
    assert served.paths == []


def test_a_header_of_many_megabytes_takes_no_memory(served: Served) -> None:
    process = psutil.Process()
    before = most = process.memory_info().rss
    with served.connect() as client:
        client.sendall(HEAD + b"X: ")
        for _ in range(300):
            client.sendall(bytes([120]) * 65_536)
            most = max(most, process.memory_info().rss)
    assert most - before < 10e6


def test_a_head_as_large_as_it_may_be_is_read(served: Served) -> None:
    with served.connect() as client:
        client.sendall(HEAD + b"X: " + b"x" * (MOST_HEAD_BYTES - 100) + b"\r\n\r\n")
        until(client, b"\r\n\r\n/")


def test_no_more_requests_wait_for_one_answer_than_may(served: Served) -> None:
    assert served.ask(get("/slow") + get() * 1_000) == b""
    assert served.paths == ["/slow"]


def test_requests_that_come_together_are_answered_in_order(served: Served) -> None:
    paths = [f"/{number}" for number in range(MOST_PIPELINED)]
    with served.connect() as client:
        client.sendall(b"".join(map(get, paths)))
        answers = until(client, paths[-1].encode())
    assert answers.count(b"HTTP/1.1 200") == MOST_PIPELINED
    assert served.paths == paths


@pytest.mark.parametrize("loop", ["auto", "asyncio"])
def test_what_is_answered_hears_of_a_client_that_left_also_where_another_request_waits(loop: str) -> None:
    with serving(loop) as served:
        with served.connect() as client:
            client.sendall(get("/left") + get("/next"))
            wait_until(lambda: served.paths == ["/left"], "it is asked", WAIT_S)
        assert served.left.wait(WAIT_S)


@pytest.mark.parametrize("loop", ["auto", "asyncio"])
def test_a_refusal_of_what_was_to_be_continued_is_no_fault(
    loop: str, caplog: pytest.LogCaptureFixture
) -> None:
    head = CHUNKED.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")
    with serving(loop) as served, caplog.at_level("ERROR"):
        assert status(served.ask(head + b"ZZZ\r\n")) == 400
    assert caplog.text == ""


def test_who_reads_nothing_is_cut_off(served: Served) -> None:
    with served.connect() as client:
        client.sendall(get("/large"))
        wait_until(lambda: served.paths, "it is asked", WAIT_S)
        wait_until(lambda: not served.connections(), "it is cut off", WAIT_S)


def test_who_reads_slowly_is_not_cut_off(served: Served) -> None:
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 100_000)
        client.settimeout(WAIT_S)
        client.connect(("127.0.0.1", served.port))
        client.sendall(get("/large"))
        began, count = time.monotonic(), 0
        while count < LARGE:
            piece = client.recv(LARGE // 50)
            assert piece, f"cut off after {count} bytes"
            count += len(piece)
            time.sleep(LONG_S / 50)
        assert time.monotonic() - began > LONG_S


def test_who_comes_while_there_are_too_many_is_told_so_and_the_others_stay(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MOST_CONNECTIONS", 1)
    monkeypatch.setattr(connection, "HEAD_WITHIN_S", 60)
    with served.connect() as first:
        first.sendall(get("/a"))
        until(first, b"/a")
        answer = served.ask(get("/b"))
        assert status(answer) == 503
        assert b"try again in a moment" in answer
        first.sendall(get("/c"))
        until(first, b"/c")
    assert served.paths == ["/a", "/c"]


def test_a_defect_with_one_connection_keeps_no_others_deadlines_from_holding(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken: set[Connection] = set()
    look = Connection.look

    def breaks_once(self: Connection, now: float) -> None:
        if not broken or self in broken:
            broken.add(self)
            raise RuntimeError("a defect")
        look(self, now)

    monkeypatch.setattr(Connection, "look", breaks_once)
    with served.connect(), served.connect(), served.connect():
        wait_until(lambda: broken and served.connections() == broken, "that one alone is left", WAIT_S)
