"""TorchServe's worker reads through a buffer: the same messages, in fewer system calls."""

import logging
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from ts.protocol import otf_message_handler

from handler import worker

WORDS = """
import logging, sys
logging.basicConfig(stream=sys.stdout, format="%(message)s", level=logging.INFO)
from handler import worker
from ts.metrics.caching_metric import logger
worker.print_less()
logging.info("Backend received inference at: 1")
logger.info("[METRICS]PredictionTime.ms:1|#Level:Model")
logger.info("[METRICS]Another.count:1|#Level:Model")
logging.warning("a warning")
"""


def part(value: bytes) -> bytes:
    return struct.pack("!i", len(value)) + value


def request(index: int, body: bytes) -> bytes:
    end = struct.pack("!i", -1)
    headers = part(b"Host") + part(b"somewhere") + end
    inputs = part(b"body") + part(b"application/octet-stream") + part(body) + end
    return part(f"request {index}".encode()) + headers + inputs


@contextmanager
def sent(message: bytes) -> Iterator[socket.socket]:
    """Return a socket from which a message comes, and then its end."""
    ours, theirs = socket.socketpair()

    def send() -> None:
        theirs.sendall(message)
        theirs.close()

    thread = threading.Thread(target=send)
    thread.start()
    with ours:
        yield ours
    thread.join()


@pytest.fixture
def blocks() -> Iterator[None]:
    plain = otf_message_handler._retrieve_buffer
    worker.read_in_blocks()
    assert otf_message_handler._retrieve_buffer is not plain
    yield
    otf_message_handler._retrieve_buffer = plain


@pytest.mark.usefixtures("blocks")
def test_messages_are_read_whole_and_apart() -> None:
    # Larger than the buffer, empty, and small.
    bodies = [bytes(range(256)) * 1000, b"", b"small"]
    message = b"I" + b"".join(request(*pair) for pair in enumerate(bodies)) + struct.pack("!i", -1)
    with sent(message * 2) as connection:
        for _ in range(2):
            command, found = otf_message_handler.retrieve_msg(connection)
            assert command == b"I"
            assert [one["parameters"][0]["value"] for one in found] == bodies
            assert [one["headers"][0]["value"] for one in found] == [b"somewhere"] * 3
            assert [one["requestId"] for one in found] == [b"request 0", b"request 1", b"request 2"]


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("message", [b"", b"I" + part(b"request 0")[:-2]])
def test_the_worker_ends_when_its_server_is_gone(message: bytes) -> None:
    with sent(message) as connection, pytest.raises(SystemExit):
        otf_message_handler.retrieve_msg(connection)


def test_metrics_and_warnings_are_printed_and_no_line_a_batch() -> None:
    done = subprocess.run([sys.executable, "-c", WORDS], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[METRICS]Another.count:1|#Level:Model", "a warning"]


@pytest.mark.parametrize("content_type", [b"application/json", b"text/plain"])
def test_a_body_that_is_called_a_wrong_type_is_passed_on_without_a_traceback(
    content_type: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for logger in (logging.getLogger(), logging.getLogger("ts.metrics.caching_metric")):
        monkeypatch.setattr(logger, "filters", [])
        monkeypatch.setattr(logger, "level", logger.level)
    worker.print_less()
    with sent(part(b"body") + part(content_type) + part(b"\x89PNG")) as connection:
        assert otf_message_handler._retrieve_input_data(connection)["value"] == b"\x89PNG"
    assert not caplog.records
