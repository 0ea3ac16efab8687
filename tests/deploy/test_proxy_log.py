"""One id for a request from the client to the log, and a log that holds nothing of a drawing."""

# Fixtures are imported by name.
# ruff: noqa: F401, F811

import json
import re

import pytest
import requests

from tests.deploy.proxy import exchange
from tests.deploy.stand import Stand, stand

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("kept", ["a", "A.b_c-9", "x" * 64])
def test_a_harmless_id_is_kept_passed_on_answered_and_logged(stand: Stand, kept: str) -> None:
    for path, upstream in [("/predict", stand.torchserve), ("/gradio_api/run/predict", stand.page)]:
        answer = requests.post(stand.proxy.url + path, b"x", headers={"X-Request-Id": kept})
        assert answer.headers["X-Request-Id"] == kept
        assert upstream.asked[-1].header("X-Request-Id") == kept
    assert stand.proxy.log(kept)["status"] == "200"


@pytest.mark.parametrize("sent", ["", "x" * 65, 'a"b', "a b", "a\x1b[31m", "ä", "a,b"])
def test_any_other_id_is_replaced(stand: Stand, sent: str) -> None:
    headers = {"X-Request-Id": sent.encode()}
    answer = requests.post(f"{stand.proxy.url}/predict", b"x", headers=headers)
    made = answer.headers["X-Request-Id"]
    assert re.fullmatch("[0-9a-f]{32}", made)
    assert stand.torchserve.asked[-1].header("X-Request-Id") == made


def test_errors_have_an_id_too(stand: Stand) -> None:
    answer = requests.get(f"{stand.proxy.url}/predict", headers={"X-Request-Id": "refused"})
    assert answer.status_code == 405
    assert answer.headers["X-Request-Id"] == "refused"
    assert stand.proxy.log("refused")["status"] == "405"


def test_a_line_says_who_answered_and_how_long_it_took(stand: Stand) -> None:
    requests.post(f"{stand.proxy.url}/predict?drawing=secret", b"secret", headers={"X-Request-Id": "line"})
    line = stand.proxy.log("line")
    assert line["method"] == "POST"
    assert line["route"] == "predict"
    assert line["path"] == "/predict"
    assert line["client"] == "127.0.0.1"
    assert line["upstream"] == stand.torchserve.target
    assert line["upstream_status"] == "200"
    assert 0 <= float(line["upstream_seconds"]) <= line["seconds"] + 0.01
    assert line["bytes_in"] > len("secret")
    assert line["bytes_out"] > 0


def test_no_query_and_no_body_is_logged(stand: Stand) -> None:
    url = f"{stand.proxy.url}/gradio_api/queue/data?session_hash=secret"
    requests.get(url, headers={"X-Request-Id": "quiet", "Cookie": "secret", "Referer": "http://secret/"})
    stand.proxy.log("quiet")
    assert "secret" not in stand.proxy.output()


def test_every_line_is_json_whatever_a_client_sends(stand: Stand) -> None:
    lines = (b"GET /\x1b[31m\x80\"'\\ HTTP/1.1", b"nonsense", b'GET /"}{" HTTP/1.1', b"GET /%0a%22 HTTP/1.1")
    for line in lines:
        exchange(stand.proxy.address, line + b"\r\nHost: x\r\nConnection: close\r\n\r\n")
    requests.get(f"{stand.proxy.url}/", headers={"X-Request-Id": "after"})
    stand.proxy.log("after")
    output = stand.proxy.output()
    assert "\x1b" not in output
    for line in output.splitlines():
        if line.startswith("{"):
            json.loads(line)


def test_a_health_check_that_succeeds_is_not_worth_a_line(stand: Stand) -> None:
    requests.get(f"{stand.proxy.url}/health", headers={"X-Request-Id": "healthy"})
    requests.get(f"{stand.proxy.url}/", headers={"X-Request-Id": "next"})
    stand.proxy.log("next")
    assert "healthy" not in stand.proxy.output()
