"""The page's own process as a service: its health addresses, request ids, its log, and how it stops."""

import json
import re
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests

from tests.e2e.page import RunningPage, played_torchserve, running_page, wait_until
from tests.ui.answering import ANSWER, answering
from tests.ui.asking import ask
from tests.ui.conftest import NO_DATABASE
from tests.ui.managing import Managing, managing
from tests.ui.several_models import put_archive

pytestmark = pytest.mark.integration

# What uvicorn says when the time to stop is over and somebody was not answered.
CUT = "timeout graceful shutdown exceeded"
HEX_ID = re.compile(r"[0-9a-f]{32}")


@contextmanager
def page_before(url: str, log: Path, **changes: str) -> Iterator[RunningPage]:
    """Run a page before one server that plays TorchServe, without a database."""
    torchserve = played_torchserve(url)
    with running_page(NO_DATABASE, torchserve, log, **changes) as running:
        yield running


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Managing]:
    store = tmp_path_factory.mktemp("store")
    put_archive(store, "digits.mar", "digits")
    with managing(store, loaded=["digits.mar"]) as server:
        yield server


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log") / "ui.log"


@pytest.fixture(scope="module")
def page(played: Managing, log: Path) -> Iterator[RunningPage]:
    with page_before(played.url, log) as running:
        yield running


def lines_about(log: Path, request_id: str) -> list[str]:
    return [line for line in log.read_text().splitlines() if f"request {request_id}: " in line]


def test_the_page_is_ready_while_a_worker_is_and_alive_in_any_case(
    page: RunningPage, played: Managing
) -> None:
    assert requests.get(f"{page.url}/readyz", timeout=30).status_code == 200
    played.is_away = True
    try:
        began = time.monotonic()
        answer = requests.get(f"{page.url}/readyz", timeout=30)
        assert time.monotonic() - began < 10
        assert answer.status_code == 503
        assert "cannot be reached" in answer.json()["reason"]
        assert requests.get(f"{page.url}/livez", timeout=30).status_code == 200
    finally:
        played.is_away = False
    assert requests.get(f"{page.url}/readyz", timeout=30).status_code == 200


def test_a_torchserve_that_hangs_makes_nobody_wait_long_for_ready(
    page: RunningPage, played: Managing, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = played.answer

    def late(method: str, address: str) -> tuple[int, object]:
        time.sleep(8)
        return answer(method, address)

    monkeypatch.setattr(played, "answer", late)
    began = time.monotonic()
    assert requests.get(f"{page.url}/readyz", timeout=30).status_code == 503
    assert time.monotonic() - began < 6


def test_without_the_database_the_page_is_ready_and_not_healthy(page: RunningPage) -> None:
    answer = requests.get(f"{page.url}/healthz", timeout=30)
    assert answer.status_code == 503
    said = answer.json()
    assert said["status"] == "degraded"
    assert said["reasons"][0].startswith("The database is unavailable")


def test_an_id_that_comes_with_a_request_is_its_id_in_answer_and_log(
    page: RunningPage, log: Path, drawing: bytes
) -> None:
    answer = ask(page.url, drawing, X_Request_Id="from-the-proxy_1.2")
    assert answer.headers["x-request-id"] == "from-the-proxy_1.2"
    wait_until(lambda: bool(lines_about(log, "from-the-proxy_1.2")), "a line about the request", 60)
    (line,) = lines_about(log, "from-the-proxy_1.2")
    assert re.search(r"INFO client\.inference: request \S+: torchserve - 200 \d+ ms$", line)


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "\u00e9", "<script>", "a/b"])
def test_an_id_that_could_do_harm_is_replaced(page: RunningPage, given: str) -> None:
    answer = requests.get(f"{page.url}/livez", headers={"X-Request-Id": given.encode()}, timeout=30)
    assert HEX_ID.fullmatch(answer.headers["x-request-id"])


def test_each_request_without_an_id_gets_one_of_its_own(page: RunningPage) -> None:
    with requests.Session() as session:
        ids = [session.get(f"{page.url}/livez", timeout=30).headers["x-request-id"] for _ in range(3)]
    assert len({*ids}) == 3
    assert all(map(HEX_ID.fullmatch, ids))


def test_ids_of_requests_that_run_at_once_are_not_mixed_up(
    page: RunningPage, log: Path, drawing: bytes
) -> None:
    ids = [f"at-once-{number}" for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda one: ask(page.url, drawing, X_Request_Id=one), ids))
    assert [answer.headers["x-request-id"] for answer in answers] == ids
    wait_until(lambda: all(len(lines_about(log, one)) == 1 for one in ids), "a line about each request", 60)


def test_what_fails_again_and_again_leaves_one_traceback_a_kind(page: RunningPage, log: Path) -> None:
    before = log.stat().st_size

    def bogus_stream(_number: int) -> None:
        with suppress(requests.RequestException):  # the page hangs up on it
            requests.get(f"{page.url}/gradio_api/queue/data?session_hash=bogus", timeout=60)

    def bogus_event(_number: int) -> None:
        body = {"data": [], "fn_index": 0, "session_hash": "bogus"}
        requests.post(f"{page.url}/gradio_api/run/predict", json=body, timeout=60)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(bogus_stream, range(300)))
        list(pool.map(bogus_event, range(100)))
    added = log.read_text()[before:]
    assert added.count("Exception in ASGI application") == 1
    assert added.count("an event failed") == 1
    assert len(added) < 40_000


def test_a_json_log_has_one_object_a_line(played: Managing, tmp_path: Path, drawing: bytes) -> None:
    log = tmp_path / "ui.log"
    with page_before(played.url, log, LOG_FORMAT="json") as running:
        ask(running.url, drawing, X_Request_Id="in-json")
        requests.post(f"{running.url}/gradio_api/run/predict", json={"data": [], "fn_index": 0}, timeout=30)
    events = [json.loads(line) for line in log.read_text().splitlines()]
    (answered,) = [event for event in events if event.get("request_id") == "in-json"]
    assert (answered["logger"], answered["status"]) == ("client.inference", 200)
    assert answered["duration_ms"] > 0
    assert any("Traceback" in event.get("exception", "") for event in events)


def test_who_was_asked_before_the_page_stops_is_still_answered(tmp_path: Path, drawing: bytes) -> None:
    with (
        answering(ANSWER, delay_s=4.0, slow="/predictions/") as torchserve,
        page_before(torchserve.url, tmp_path / "ui.log", ANSWER_TIMEOUT_S="20") as running,
        ThreadPoolExecutor(1) as pool,
        open_stream(f"{running.url}/gradio_api/heartbeat/visitor") as stream,
    ):
        asked = pool.submit(ask, running.url, drawing)
        wait_until(lambda: "/predictions/digits" in torchserve.paths, "TorchServe is asked", 60)
        running.process.send_signal(signal.SIGTERM)
        # It ends, although its visitor is still there.
        assert b"".join(stream.iter_content(None)).startswith(b"data: ALIVE")
        assert not asked.done()
        answer = asked.result(timeout=60)
        assert answer.status_code == 200
        assert "data-prediction" in answer.text
        assert running.process.wait(timeout=30) == 0
    said = (tmp_path / "ui.log").read_text()
    assert CUT not in said
    assert "Traceback" not in said


def test_an_answer_that_takes_too_long_does_not_keep_the_page_from_stopping(
    tmp_path: Path, drawing: bytes
) -> None:
    with (
        answering(ANSWER, delay_s=60.0, slow="/predictions/") as torchserve,
        page_before(torchserve.url, tmp_path / "ui.log", ANSWER_TIMEOUT_S="120") as running,
    ):
        threading.Thread(target=try_to_ask, args=(running.url, drawing), daemon=True).start()
        wait_until(lambda: "/predictions/digits" in torchserve.paths, "TorchServe is asked", 60)
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(timeout=30) == 0
    assert CUT in (tmp_path / "ui.log").read_text()


def test_a_visitor_who_waits_for_a_model_does_not_keep_the_page_from_stopping(
    played: Managing, tmp_path: Path
) -> None:
    log = tmp_path / "ui.log"
    put_archive(played.store, "digits-vit.mar", "digits-vit")
    with page_before(played.url, log, MODEL_STORE=str(played.store)) as running:
        played.load_s = 60
        config = requests.get(f"{running.url}/config", timeout=60).json()
        (choose,) = [
            one["id"] for one in config["dependencies"] if one["targets"] and one["targets"][0][1] == "choose"
        ]
        wanted = {"wanted": "digits-vit/1.0.0", "active": "digits", "asked": 1}
        event = {"data": [], "fn_index": choose, "session_hash": "waiting", "event_data": wanted}
        requests.post(f"{running.url}/gradio_api/queue/join", json=event, timeout=60).raise_for_status()
        with open_stream(f"{running.url}/gradio_api/queue/data?session_hash=waiting") as stream:
            assert b"Loading digits-vit" in read_until(stream, b"Loading digits-vit")
            running.process.send_signal(signal.SIGTERM)
            assert running.process.wait(timeout=30) == 0
    assert CUT not in log.read_text()
    assert "Traceback" not in log.read_text()


def read_until(stream: requests.Response, text: bytes) -> bytes:
    """Read events until one has the text."""
    read = b""
    for chunk in stream.iter_content(None):
        read += chunk
        if text in read:
            break
    return read


def try_to_ask(url: str, drawing: bytes) -> None:
    with suppress(requests.RequestException):
        ask(url, drawing)


@contextmanager
def open_stream(address: str, browser: requests.Session | None = None) -> Iterator[requests.Response]:
    """Open one of the event streams that every open page holds."""
    with (browser or requests).get(address, stream=True, timeout=60) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        yield stream
