"""What config.properties and log4j2.xml promise, asked of a real TorchServe with a model of its own."""

import socket
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import psutil
import pytest
import requests
import torch

from client.session import authorization
from launch.errors import LaunchError
from launch.temporary import TorchServe, running
from system.files import PROJECT
from tests.launch.own_archive import build, predict
from tests.management import manage

TENSOR_HANDLER = """
import torch


class Tensor:
    def initialize(self, context):
        pass

    def handle(self, requests, context):
        return [torch.tensor([1.5, 2.5]) for _ in requests]
"""
# What nothing in TorchServe is to get of the shell that starts it.
FOREIGN = {
    "DATABASE_URL": "postgresql://user:secret@host/name",
    "JAVA_TOOL_OPTIONS": "-Dforeign=true",
    "LD_PRELOAD": "",
    "PYTHONPATH": "/foreign/cv2",
    "SOME_KEY": "secret",
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("store")
    build(store, "digits.mar", "1.0.0")
    build(store, "second.mar", "2.0.0")
    build(store, "tensor.mar", "3.0.0", TENSOR_HANDLER)
    return store


@pytest.fixture(scope="module")
def server(store: Path) -> Iterator[TorchServe]:
    with running(store, **FOREIGN) as server:
        yield server


@pytest.mark.integration
def test_a_second_version_is_registered_scaled_made_default_and_unregistered(server):
    registered = manage(server, "POST", url="second.mar", initial_workers=1, synchronous="true")
    assert registered.status_code == 200, registered.text
    assert predict(server)["label"] == "1.0.0"
    assert predict(server, "digits/2.0.0")["label"] == "2.0.0"
    assert manage(server, "PUT", "/digits/2.0.0/set-default").status_code == 200
    assert predict(server)["label"] == "2.0.0"
    scaled = manage(server, "PUT", "/digits/2.0.0", min_worker=2, max_worker=2, synchronous="true")
    assert scaled.status_code == 200, scaled.text
    described = manage(server, "GET", "/digits/2.0.0").json()[0]
    assert [worker["status"] for worker in described["workers"]] == ["READY", "READY"]
    assert (described["batchSize"], described["maxBatchDelay"]) == (4, 1)
    # The default version cannot go.
    assert manage(server, "DELETE", "/digits/2.0.0").status_code == 403
    assert manage(server, "PUT", "/digits/1.0.0/set-default").status_code == 200
    assert manage(server, "DELETE", "/digits/2.0.0").status_code == 200
    assert predict(server)["label"] == "1.0.0"
    listed = manage(server, "GET").json()["models"]
    assert listed == [{"modelName": "digits", "modelUrl": "digits.mar"}]


@pytest.mark.integration
@pytest.mark.parametrize("scheme", ["http", "https", "file"])
def test_an_archive_is_registered_from_no_url(server, store, scheme):
    place = {"file": str(store / "second.mar")}.get(scheme, "127.0.0.1:9/second.mar")
    answer = manage(server, "POST", url=f"{scheme}://{place}")
    assert answer.status_code == 404
    assert "does not match any allowed URL" in answer.text


@pytest.mark.integration
def test_metrics_are_there_for_prometheus(server):
    predict(server)
    text = requests.get(server.metrics_url, timeout=30).text
    assert 'ts_inference_requests_total{model_name="digits"' in text


@pytest.mark.integration
def test_a_request_up_to_16_mib_is_taken_and_a_larger_one_refused(server):
    predict(server, body=bytes(16 * 1024 * 1024 - 1))
    url = f"{server.inference_url}/predictions/digits"
    answer = requests.post(url, data=bytes(16 * 1024 * 1024 + 1), timeout=30)
    assert answer.status_code == 413


@pytest.mark.integration
def test_java_and_its_workers_get_no_secret_and_no_modules_of_the_shell_that_started_them(server):
    worker = predict(server)
    assert not (FOREIGN.keys() - {"PYTHONPATH"}) & {*worker["variables"].split()}
    assert "/foreign" not in worker["path"]
    java = psutil.Process(server.java_pid).environ()
    assert "/foreign" not in java["PYTHONPATH"]
    assert not (FOREIGN.keys() - {"PYTHONPATH"}) & java.keys()


@pytest.mark.integration
def test_another_handler_may_use_pytorch(server):
    registered = manage(server, "POST", url="tensor.mar", initial_workers=1, synchronous="true")
    assert registered.status_code == 200, registered.text
    try:
        answer = requests.post(f"{server.inference_url}/predictions/digits/3.0.0", data=b"ink", timeout=30)
        assert torch.load(BytesIO(answer.content)).tolist() == [1.5, 2.5]
    finally:
        manage(server, "DELETE", "/digits/3.0.0")


@pytest.mark.integration
def test_every_port_is_on_loopback_only(server):
    listening = [
        c
        for pid in (server.pid, server.java_pid)
        for c in psutil.Process(pid).net_connections("tcp")
        if c.status == psutil.CONN_LISTEN
    ]
    assert len(listening) == 5
    assert {c.laddr[0].removeprefix("::ffff:") for c in listening} == {"127.0.0.1"}


@pytest.mark.integration
def test_the_logs_hold_requests_and_warnings_but_no_payload(server):
    predict(server, body=b"a very private drawing")
    access = server.log_dir / "access.log"
    assert '"POST /predictions/digits HTTP/1.1" 200' in read_when(access, "POST /predictions/digits")
    everything = "".join(log.read_text() for log in server.log_dir.glob("*.log"))
    assert "private" not in everything
    # A worker's stderr comes through as a warning, in the file and on the console.
    assert "WARN  MODEL_LOG" in (server.log_dir / "model.log").read_text()
    assert "a line on stderr" in (server.log_dir / "console.log").read_text()
    # TorchServe's own line for every batch would be most of the log.
    assert "Backend received inference" not in everything


@pytest.mark.integration
def test_a_request_that_fails_before_the_model_leaves_no_payload_in_the_logs(server):
    # A form on which TorchServe fails; past the guard, which lets none of these through.
    url = f"{server.inference_url}/predictions/digits"
    for number, body in enumerate([b"\x89PNG=private-ink\rprivate-ink", b"data=%zzprivate-ink"], start=1):
        assert ask_itself(server, b"/predictions/digits", body).startswith(b"HTTP/1.1 500")
        thrown = read_when(server.log_dir / "requests.log", "ErrorDataDecoderException at", number)
    assert all(line.count(" ERROR HttpRequestHandler ") == 1 for line in thrown.splitlines())
    requests.get(f"{url}?data=private-ink", timeout=30)
    read_when(server.log_dir / "access.log", '"GET /predictions/digits HTTP/1.1"')
    for log in server.log_dir.glob("*.log"):
        assert "private-ink" not in log.read_text(errors="replace"), log.name
        assert "HttpPostRequestDecoder.java" not in log.read_text(errors="replace"), log.name


def ask_itself(server: TorchServe, target: bytes, form: bytes = b"", api: str = "inference") -> bytes:
    """Return how TorchServe itself, behind the guard, begins to answer a web form."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(30)
        connection.connect(str(server.token_file.parent / "tmp" / api))
        head = [
            b"POST " + target + b" HTTP/1.1",
            b"Host: here",
            b"Content-Type: application/x-www-form-urlencoded",
            b"Content-Length: %d" % len(form),
        ]
        connection.sendall(b"\r\n".join([*head, b"", form]))
        return connection.recv(4096)


def read_when(log: Path, text: str, times: int = 1) -> str:
    """The log's text, once it holds the given one so often: it is written a moment after the answer."""
    deadline = time.monotonic() + 10
    while log.read_text().count(text) < times and time.monotonic() < deadline:
        time.sleep(0.05)
    return log.read_text()


@pytest.mark.integration
def test_a_model_with_a_slash_in_its_name_cannot_be_taken_away_and_hides_no_other(server):
    models = f"{server.management_url}/models"
    put = "/models?url=second.mar&model_name=a%2Fb&initial_workers=0&synchronous=false"
    token = authorization(server.token_file)
    refused = requests.post(server.management_url + put, headers=token, timeout=30)
    assert (refused.status_code, refused.json()["code"]) == (400, 400)
    # Past the guard, as an archive does whose manifest has such a name.
    assert ask_itself(server, put.encode(), api="management").startswith(b"HTTP/1.1 202")
    # However it is quoted, with and without its version: only a restart forgets it.
    for name in ("a/b", "a%2Fb", "a%252Fb", "a%25252Fb"):
        for path in (name, f"{name}/2.0.0"):
            assert requests.delete(f"{models}/{path}", headers=token, timeout=30).status_code == 404
    served, skipped = server.management().served()
    assert [status.model for status in served] == ["digits"]
    assert skipped == {"a/b": "TorchServe serves it, but has no address for such a name"}


@pytest.mark.integration
def test_a_second_one_in_the_same_folder_is_refused_and_harms_nothing(server, store):
    failure = pytest.raises(LaunchError, match=r"another TorchServe \(pid \d+\) uses")
    with failure, running(store, VAR_DIR=str(server.log_dir.parent)):
        pass
    assert predict(server)["label"] == "1.0.0"


def test_every_key_of_the_configuration_has_its_reason_above_it():
    lines = (PROJECT / "config.properties").read_text().splitlines()
    explained = False
    for line in lines:
        if line.startswith("#"):
            explained = True
        elif not line:
            explained = False
        else:
            assert explained, f"{line} has no comment above it"
