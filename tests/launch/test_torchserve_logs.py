"""What launch/log4j2.xml makes of what comes from outside, and where it writes, of a real TorchServe."""

import socket
import time
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from launch.settings import read_settings
from launch.temporary import TorchServe, running
from launch.torchserve import INFERENCE, MANAGEMENT, temporary_folder

pytestmark = pytest.mark.integration

# ESC [ 31 m, the same as one C1 character (bare, and as UTF-8), a bell, a delete and a zero.
HOSTILE = [b"\x1b[31m", b"\x9b31m", b"\xc2\x9b31m", b"\x07", b"\x7f", b"\x00"]


def ask_raw(address: Path, request_line: bytes) -> None:
    """Send a request as no client library would, and wait until TorchServe itself is done with it."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(30)
        connection.connect(str(address))
        connection.sendall(request_line + b"\r\nHost: x\r\nConnection: close\r\n\r\n")
        with suppress(ConnectionResetError):  # instead of an end, now and then
            while connection.recv(65536):
                pass


def read_when(log: Path, text: str) -> str:
    """Return the log's text, once it has the given one: it is written a moment after the answer."""
    deadline = time.monotonic() + 20
    while text not in log.read_text(errors="replace") and time.monotonic() < deadline:
        time.sleep(0.05)
    said = log.read_text(errors="replace")
    assert text in said
    return said


def test_no_request_sends_control_characters_to_who_reads_the_logs(torchserve: TorchServe) -> None:
    # Behind the guard, which lets few of these through.
    tmp = temporary_folder(read_settings({"VAR_DIR": str(torchserve.log_dir.parent)}))
    for address in (tmp / INFERENCE, tmp / MANAGEMENT):
        for hostile in HOSTILE:
            ask_raw(address, b"GET /models/hostile" + hostile + b" HTTP/1.1")
        for hostile in (b"\r", b"\n", b"\t", b"\r\nGET /forged HTTP/1.1"):
            ask_raw(address, b"GET /models/a" + hostile + b"b HTTP/1.1")
        ask_raw(address, b"G\x1b[31mT /models/last HTTP/1.1")
        ask_raw(address, b"GET /models/last HTTP/1.1")
    read_when(torchserve.log_dir / "access.log", '"GET /models/hostile?[31m HTTP/1.1" 404')
    read_when(torchserve.log_dir / "access.log", '"GET /models/last HTTP/1.1" 404')
    for log in torchserve.log_dir.glob("*.log"):
        text = log.read_text(errors="replace")
        assert "\x1b" not in text
        assert all(character.isprintable() or character in "\n\t" for character in text), log.name


def test_a_request_is_logged_with_the_pages_id_and_no_other_query(torchserve: TorchServe) -> None:
    url = f"{torchserve.inference_url}/predictions/digits"
    requests.post(f"{url}?request_id=from-the_page.1", data=b"x", timeout=30)
    requests.post(f"{url}?request_id=ours&data=private", data=b"x", timeout=30)
    requests.post(f"{url}?data=private&request_id=ours", data=b"x", timeout=30)
    requests.post(f"{url}?request_id={'p' * 65}", data=b"x", timeout=30)
    requests.post(f"{url}?request_id=last", data=b"x", timeout=30)
    text = read_when(torchserve.log_dir / "access.log", "request_id=last")
    assert '"POST /predictions/digits?request_id=from-the_page.1 HTTP/1.1" 400' in text
    assert "private" not in text
    assert "ours" not in text
    assert "ppp" not in text


def test_what_spans_lines_is_indented(torchserve: TorchServe) -> None:
    lines = (torchserve.log_dir / "ts.log").read_text().splitlines()
    assert "    Torchserve version: 0.12.0" in lines
    assert [line for line in lines if line and not line.startswith(("20", "    "))] == []


def test_in_a_container_the_console_has_it_all(model_store: Path) -> None:
    with running(model_store, LOG_TO="console") as server:
        requests.get(f"{server.inference_url}/models/on-the-console", timeout=30)
        said = read_when(server.log_dir / "console.log", '"GET /models/on-the-console HTTP/1.1" 404')
        assert "INFO  ModelManager" in said
        assert "INFO  MODEL_LOG" in said
        assert (server.log_dir / "access.log").stat().st_size == 0
        assert "Model digits loaded" in (server.log_dir / "ts.log").read_text()


def test_by_default_the_console_has_warnings_only(torchserve: TorchServe) -> None:
    assert "INFO" not in (torchserve.log_dir / "console.log").read_text()
