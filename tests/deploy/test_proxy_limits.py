"""How large, of what kind and how often: what is refused, with words that say what to do."""

# Fixtures are imported by name.
# ruff: noqa: F401, F811

import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

import pytest
import requests

from tests.deploy.proxy import exchange, running_proxy
from tests.deploy.stand import Stand, stand
from tests.deploy.upstream import running_upstream

pytestmark = pytest.mark.integration

MIB = 1024**2


@pytest.mark.parametrize("route", ["/predict", "/explain"])
def test_a_body_of_16_mib_passes_and_one_byte_more_does_not(stand: Stand, route: str) -> None:
    body = os.urandom(16 * MIB)
    assert requests.post(stand.proxy.url + route, body).status_code == 200
    assert stand.torchserve.asked[-1].body == body
    refused = requests.post(stand.proxy.url + route, body + b"x")
    assert refused.status_code == 413
    assert refused.json() == {
        "code": 413,
        "type": "BodyTooLarge",
        "message": "The body has 16777217 bytes; at most 16 MiB are accepted. "
        "Send a smaller picture, and the file itself as the body (curl -T digit.png).",
    }


def test_grafana_takes_a_dashboard_of_a_megabyte() -> None:
    with (
        running_upstream() as grafana,
        running_proxy(grafana.target, grafana.target, GRAFANA=grafana.target) as proxy,
    ):
        url = f"http://127.0.0.1:{proxy.place.environment['GRAFANA_PORT']}/api/dashboards/import"
        assert requests.post(url, bytes(MIB)).status_code == 200
        assert len(grafana.asked[-1].body) == MIB


def test_a_body_in_chunks_is_measured_too_and_arrives_with_a_length(stand: Stand) -> None:
    chunks = [os.urandom(MIB)] * 3
    assert requests.post(f"{stand.proxy.url}/predict", iter(chunks)).status_code == 200
    asked = stand.torchserve.asked[-1]
    assert asked.body == b"".join(chunks)
    assert asked.header("Content-Length") == str(3 * MIB)
    assert asked.header("Transfer-Encoding") is None
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1000001\r\n"
    assert b'"code": 413' in exchange(stand.proxy.address, head + bytes(16 * MIB) + b"x")


def test_the_page_takes_a_drawing_of_8_mib_and_elsewhere_next_to_nothing(stand: Stand) -> None:
    drawing = b"x" * (8 * MIB * 4 // 3 + 1000)
    assert requests.post(f"{stand.proxy.url}/gradio_api/run/predict", drawing).status_code == 200
    assert stand.page.asked[-1].body == drawing
    assert requests.post(f"{stand.proxy.url}/gradio_api/queue/join?", bytes(12 * MIB)).status_code == 200
    assert requests.post(f"{stand.proxy.url}/pictures", bytes(12 * MIB)).status_code == 200
    assert requests.post(f"{stand.proxy.url}/pictures", bytes(12 * MIB + 1)).status_code == 413
    refused = requests.post(f"{stand.proxy.url}/gradio_api/run/predict", bytes(12 * MIB + 1))
    assert refused.status_code == 413
    assert "at most 8 MiB" in refused.text
    assert requests.post(f"{stand.proxy.url}/login", bytes(64 * 1024)).status_code == 200
    assert requests.post(f"{stand.proxy.url}/login", bytes(64 * 1024 + 1)).status_code == 413


def test_a_number_may_be_as_large_as_a_picture_for_predictions(stand: Stand) -> None:
    assert requests.post(f"{stand.proxy.url}/read?model=a", bytes(16 * MIB)).status_code == 200
    assert stand.page.asked[-1].path == "/read?model=a"
    refused = requests.post(f"{stand.proxy.url}/read", bytes(16 * MIB + 1))
    assert (refused.status_code, refused.json()["type"]) == (413, "BodyTooLarge")


def test_a_head_that_is_too_large_is_refused_in_words(stand: Stand) -> None:
    too_long = requests.get(f"{stand.proxy.url}/?{'x' * 9000}")
    too_large = requests.post(f"{stand.proxy.url}/predict", headers={"X-Long": "x" * 9000})
    for answer, status, kind in [(too_long, 414, "AddressTooLong"), (too_large, 431, "HeadersTooLarge")]:
        assert answer.status_code == answer.json()["code"] == status
        assert answer.json()["type"] == kind
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_who_asks_too_often_is_told_when_to_come_back() -> None:
    with (
        running_upstream() as upstream,
        running_proxy(upstream.target, upstream.target, PREDICT_RATE="2") as proxy,
    ):
        answers = [requests.post(f"{proxy.url}/predict", b"x") for _ in range(30)]
        statuses = [answer.status_code for answer in answers]
        # One, and a burst of twice the rate; what time lets through on a busy machine on top.
        assert statuses[:5] == [200] * 5
        assert 429 in statuses
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert refused.headers["Retry-After"] == "1"
        assert refused.json()["type"] == "TooManyRequests"
        assert "at most 2 a second" in refused.json()["message"]
        assert "in 1 second" in refused.json()["message"]
        time.sleep(1)
        assert requests.post(f"{proxy.url}/predict", b"x").status_code == 200
        # The page's own calls are not among these.
        assert all(requests.post(f"{proxy.internal_url}/predictions/digits", b"x").ok for _ in range(20))


def test_who_asks_for_too_much_at_once_is_refused_too() -> None:
    release = threading.Event()
    with (
        running_upstream(breaks=lambda _: not release.wait(60)) as upstream,
        running_proxy(upstream.target, upstream.target, PREDICT_CONNECTIONS="3") as proxy,
        ThreadPoolExecutor(6) as pool,
    ):
        done = as_completed([pool.submit(requests.post, f"{proxy.url}/predict", b"x") for _ in range(6)])
        assert [next(done).result().status_code for _ in range(3)] == [429] * 3
        release.set()
        assert [one.result().status_code for one in done] == [200] * 3


def test_a_slow_upload_holds_nothing_of_torchserve(stand: Stand) -> None:
    before = len(stand.torchserve.asked)
    with socket.create_connection(stand.proxy.address, timeout=20) as slow:
        slow.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + bytes(999))
        time.sleep(0.5)
        assert requests.post(f"{stand.proxy.url}/predict", b"x").status_code == 200
        assert len(stand.torchserve.asked) == before + 1
        slow.sendall(b"x")
        assert slow.recv(100).startswith(b"HTTP/1.1 200")
