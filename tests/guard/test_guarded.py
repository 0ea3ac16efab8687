"""The real TorchServe behind the guard."""

import hashlib
import os
import signal
import socket
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import requests

from client.session import authorization
from launch.temporary import TorchServe, running
from system.processes import until
from training.data.drawing import png

pytestmark = pytest.mark.integration
WAIT_S = 60
SEVEN = png("7")
FIELDS = b"a=1&" * 1_000_000
PARTS = b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 200_000 + b"--B--\r\n"


def predictions(server: TorchServe) -> str:
    return f"{server.inference_url}/predictions/digits"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [("application/x-www-form-urlencoded", FIELDS), ("multipart/form-data; boundary=B", PARTS)],
)
def test_a_form_of_many_fields_holds_up_nobody(
    torchserve: TorchServe, content_type: str, body: bytes
) -> None:
    """TorchServe itself answers nobody for four seconds and more, not even /ping."""

    def longest_ping_s() -> float:
        done = threading.Event()

        def ping() -> float:
            longest = 0.0
            while not done.is_set():
                started = time.monotonic()
                requests.get(f"{torchserve.inference_url}/ping", timeout=WAIT_S).raise_for_status()
                longest = max(longest, time.monotonic() - started)
            return longest

        with ThreadPoolExecutor() as threads:
            pinging = threads.submit(ping)
            answer = requests.post(
                predictions(torchserve), data=body, headers={"Content-Type": content_type}, timeout=WAIT_S
            )
            done.set()
        assert (answer.status_code, answer.json()["type"]) == (413, "TooLarge")
        return pinging.result()

    # Once, others may have had the processor.
    assert min(longest_ping_s() for _ in range(3)) < 2


def test_a_picture_in_a_form_is_read_as_the_picture_itself(torchserve: TorchServe) -> None:
    raw = requests.post(predictions(torchserve), data=SEVEN, timeout=WAIT_S).json()
    form = requests.post(predictions(torchserve), files={"data": ("7.png", SEVEN)}, timeout=WAIT_S).json()
    assert form == raw
    curls = {"Content-Type": "application/x-www-form-urlencoded"}  # curl --data-binary @7.png
    assert requests.post(predictions(torchserve), data=SEVEN, headers=curls, timeout=WAIT_S).json() == raw


def test_pipelined_answers_come_in_order(torchserve: TorchServe) -> None:
    """TorchServe itself answers the ping first, and a proxy hands one visitor another's answer."""
    address = urlsplit(torchserve.inference_url)
    post = b"POST /predictions/digits HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(SEVEN) + SEVEN
    ping = b"GET /ping HTTP/1.1\r\nHost: a\r\n\r\n"
    with socket.create_connection((address.hostname, address.port), WAIT_S) as connection:
        for _ in range(20):
            connection.sendall(post + ping)
            answers = b""
            while b'"Healthy"' not in answers:
                answers += connection.recv(65536)
            assert answers.find(b'"label"') in range(answers.find(b'"Healthy"'))


def test_management_is_refused_to_pages_and_to_who_has_no_token(torchserve: TorchServe) -> None:
    url = f"{torchserve.management_url}/models"
    token = authorization(torchserve.token_file)

    def status(**headers: str) -> int:
        return requests.post(url, params={"url": "digits.mar"}, headers=headers, timeout=WAIT_S).status_code

    assert status() == 401
    assert status(**token, Origin="https://page.example") == 403
    assert status(**token, Host="page.example:8081") == 421
    assert requests.get(url, headers=token, timeout=WAIT_S).status_code == 200


def test_torchserves_own_sockets_and_the_token_are_their_owners_alone(torchserve: TorchServe) -> None:
    folder = torchserve.token_file.parent / "tmp"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert (folder / "inference").is_socket()
    assert (folder / "management").is_socket()
    assert stat.S_IMODE(torchserve.token_file.stat().st_mode) == 0o600
    listening = [
        connection.laddr.port
        for connection in psutil.Process(torchserve.java_pid).net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert urlsplit(torchserve.inference_url).port not in listening
    assert urlsplit(torchserve.management_url).port not in listening


def test_a_file_descriptor_is_there_for_each_connection(torchserve: TorchServe) -> None:
    for pid in (torchserve.pid, torchserve.java_pid):
        soft, hard = psutil.Process(pid).rlimit(psutil.RLIMIT_NOFILE)
        assert soft >= min(17_000, hard)


def test_the_guard_lets_workers_go_first(torchserve: TorchServe) -> None:
    java = psutil.Process(torchserve.java_pid)
    own = psutil.Process(torchserve.pid).nice()
    assert all(own > process.nice() for process in (java, *java.children()))


def test_a_client_with_slow_bodies_keeps_no_other_out(torchserve: TorchServe) -> None:
    """They hold all of the memory that there is for bodies, but for some bytes."""
    address = urlsplit(torchserve.inference_url)
    body = bytes(16 * 1024**2)
    head = b"POST /predictions/digits HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
    with ExitStack() as slow:
        for _ in range(16):
            connection = socket.create_connection((address.hostname, address.port), WAIT_S)
            slow.enter_context(connection).sendall(head + body[:-1])
        for _ in range(5):
            assert requests.post(predictions(torchserve), data=SEVEN, timeout=WAIT_S).json()["label"] == "7"


def test_what_is_under_way_is_answered_before_the_end(model_store: Path) -> None:
    with running(model_store) as server, ThreadPoolExecutor() as threads:
        workers = psutil.Process(server.java_pid).children(recursive=True)
        for worker in workers:
            worker.suspend()
        asked = threads.submit(requests.post, predictions(server), data=SEVEN, timeout=WAIT_S)
        assert until(lambda: is_asked(server), WAIT_S)
        os.kill(server.pid, signal.SIGTERM)
        assert until(lambda: not listens(server), WAIT_S)
        for worker in workers:
            worker.resume()
        assert asked.result().json()["label"] == "7"


def is_asked(server: TorchServe) -> bool:
    """Return whether a request was passed on: TorchServe has a connection beside that it listens at."""
    path = str(server.token_file.parent / "tmp" / "inference")
    connections = psutil.Process(server.java_pid).net_connections("unix")
    return sum(connection.laddr == path for connection in connections) > 1


def listens(server: TorchServe) -> bool:
    """Return whether the guard lets new clients in."""
    port = urlsplit(server.inference_url).port
    connections = psutil.Process(server.pid).net_connections("tcp")
    return any(c.laddr.port == port and c.status == psutil.CONN_LISTEN for c in connections)


def test_programs_on_other_hosts_need_a_key(model_store: Path, tmp_path: Path) -> None:
    """Another address of this machine stands for another host: connections to it come from it."""
    other = next(
        (
            address.address
            for addresses in psutil.net_if_addrs().values()
            for address in addresses
            if address.family == socket.AF_INET and not address.address.startswith("127.")
        ),
        None,
    )
    if other is None:
        pytest.skip("this machine has no address but loopback")
    file = tmp_path / "keys"
    with running(model_store, INFERENCE_HOST="0.0.0.0", KEY_FILE=str(file)) as server:
        from_here = predictions(server)
        from_there = from_here.replace("127.0.0.1", other)
        assert requests.post(from_here, data=SEVEN, timeout=WAIT_S).status_code == 200
        refused = requests.post(from_there, data=SEVEN, timeout=WAIT_S)
        assert (refused.status_code, refused.json()["type"]) == (401, "KeyMissing")
        assert requests.get(f"http://{other}:{urlsplit(from_here).port}/ping", timeout=WAIT_S).ok
        file.write_text(f"{hashlib.sha256(b'secret').hexdigest()} 0.05 phone\n")
        bearer = {"Authorization": "Bearer secret"}

        def asked() -> requests.Response:
            return requests.post(from_there, data=SEVEN, headers=bearer, timeout=WAIT_S)

        assert until(lambda: asked().status_code == 200, WAIT_S)
        assert until(lambda: asked().status_code == 429, WAIT_S, every_s=0)


def test_what_is_refused_is_among_the_metrics_and_in_the_log(torchserve: TorchServe) -> None:
    address = urlsplit(torchserve.inference_url)
    series = 'sketchserve_guard_refusals_total{api="inference",reason="method"}'

    def count() -> float:
        lines = requests.get(torchserve.handler_metrics_url, timeout=WAIT_S).text.splitlines()
        return next((float(line.split()[1]) for line in lines if line.startswith(series)), -1)

    assert until(lambda: count() >= 0, WAIT_S)
    before = count()
    with socket.create_connection((address.hostname, address.port), WAIT_S) as connection:
        connection.sendall(b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 405")
    assert until(lambda: count() == before + 1, WAIT_S)
    said = torchserve.log_dir / "console.log"
    assert until(lambda: "requests to inference: method (405)" in said.read_text(), WAIT_S)
