"""What stays open between browser and proxy: the page's event streams, Grafana's web sockets."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.deploy.proxy import running_proxy

pytestmark = pytest.mark.integration


@contextmanager
def one_connection(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """Return host:port of a server that reads a request's head and leaves the rest to `serve`."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            connection, _ = server.accept()
            with connection:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += connection.recv(4096)
                serve(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        thread.join(20)


def test_an_event_is_passed_on_at_once_while_its_stream_goes_on() -> None:
    seen = threading.Event()
    was_seen_in_time = []

    def serve(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: first\n\n")
        was_seen_in_time.append(seen.wait(20))
        connection.sendall(b"data: last\n\n")

    with one_connection(serve) as page, running_proxy("127.0.0.1:1", page) as proxy:
        with socket.create_connection(proxy.address, timeout=20) as browser:
            browser.sendall(b"GET /gradio_api/queue/data HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = b""
            while b"data: first" not in answer:
                answer += browser.recv(4096)
            assert b"data: last" not in answer
            seen.set()
            while part := browser.recv(4096):
                answer += part
        assert b"data: last" in answer
    assert was_seen_in_time == [True]


def test_a_web_socket_of_grafana_speaks_both_ways() -> None:
    def serve(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        while part := connection.recv(4096):
            connection.sendall(part.upper())

    with (
        one_connection(serve) as grafana,
        running_proxy("127.0.0.1:1", "127.0.0.1:1", GRAFANA=grafana) as proxy,
        socket.create_connection(("127.0.0.1", int(proxy.place.environment["GRAFANA_PORT"])), 20) as browser,
    ):
        browser.sendall(b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += browser.recv(4096)
        assert answer.startswith(b"HTTP/1.1 101 ")
        for word in (b"first", b"second"):
            browser.sendall(word)
            assert browser.recv(4096) == word.upper()
