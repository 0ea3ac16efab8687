"""`POST /fetch`, as the pad asks for a picture from the web."""

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from system.fetching.fetcher import Fetcher
from tests.system.web import PNG, sends, serving
from ui.fetching import route


def asking(*ports: int) -> TestClient:
    web = FastAPI()
    route.add_to(web, Fetcher(lambda _: True, ports))
    return TestClient(web)


def test_the_picture_is_the_answer() -> None:
    with serving(sends(PNG)) as (port, _):
        answer = asking(port).post("/fetch", content=f" http://127.0.0.1:{port}/a.png\n")
    assert (answer.status_code, answer.content) == (200, PNG)
    assert answer.headers["Content-Type"] == "image/png"


def test_a_refusal_says_why() -> None:
    answer = asking(80).post("/fetch", content=b"gopher://example.com/\xff")
    assert answer.status_code == 400
    assert answer.json() == {
        "code": 400,
        "type": "BadAddress",
        "message": "Give an address that begins with http:// or https://.",
    }


def test_where_too_many_are_fetched_it_says_when_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route, "AT_ONCE", 0)
    answer = asking(80).post("/fetch", content=b"http://example.com/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
