"""A connection to TorchServe that breaks: the drawing is sent once more, at once; never after a time-out."""

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest

from client.errors import Unreachable
from client.inference import Inference
from tests.ui.answering import ANSWER

RESET = struct.pack("ii", 1, 0)  # SO_LINGER for no time: closing sends a reset


@dataclass
class Breaking:
    """A running server, and the requests that it read."""

    url: str
    requests: list[bytes] = field(default_factory=list)


@contextmanager
def breaking(resets: int, *, within_answer: bool = False, wait_s: float = 0.0) -> Iterator[Breaking]:
    """Reset the first connections once the request is read, answer the others.

    With `within_answer` it ends, after a part of the answer, with no reset. All this takes `wait_s`.
    """
    listening = socket.create_server(("127.0.0.1", 0))
    server = Breaking(f"http://127.0.0.1:{listening.getsockname()[1]}")
    content = json.dumps(ANSWER).encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                with connection, suppress(OSError):
                    request = b""
                    while not request.endswith(b"drawing"):
                        request += connection.recv(65536)
                    server.requests.append(request)
                    breaks = len(server.requests) <= resets
                    if breaks and within_answer:
                        connection.sendall(answer[:-10])
                    time.sleep(wait_s)
                    if not breaks:
                        connection.sendall(answer)
                    elif not within_answer:
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield server
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join(10)


@pytest.mark.parametrize("within_answer", [False, True])
def test_a_drawing_whose_connection_broke_is_read_at_the_second_try(within_answer: bool) -> None:
    with breaking(1, within_answer=within_answer) as server:
        answer = Inference(server.url).predict(b"drawing", "digits")
    assert answer.label == "7"
    assert len(server.requests) == 2
    sent = {request.partition(b"\r\n")[0] for request in server.requests}
    assert sent == {b"POST /predictions/digits?request_id=%s HTTP/1.1" % answer.request_id.encode()}


def test_there_is_no_third_try() -> None:
    with breaking(9) as server, pytest.raises(Unreachable, match="cannot be reached"):
        Inference(server.url).predict(b"drawing", "digits")
    assert len(server.requests) == 2


@pytest.mark.parametrize("within_answer", [False, True])
def test_a_time_out_is_no_reason_to_try_again(within_answer: bool) -> None:
    with (
        breaking(9, within_answer=within_answer, wait_s=1.0) as server,
        pytest.raises(Unreachable, match=r"within 0\.2 seconds"),
    ):
        Inference(server.url, timeout_s=0.2).predict(b"drawing", "digits")
    assert len(server.requests) == 1


def test_both_tries_together_take_no_longer_than_one_may() -> None:
    # With 0.8 s of its own, the second one would be answered.
    with breaking(1, wait_s=0.5) as server, pytest.raises(Unreachable):
        Inference(server.url, timeout_s=0.8).predict(b"drawing", "digits")
