"""`POST /pictures`: answers, refusals and what is recorded, asked of the page without its services."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from db.user_rows import User
from tests.ui.answering import ANSWER, SESSION, answering
from tests.ui.managing import Managing
from ui.backend import Backend
from ui.limits import MOST_BYTES, Limits
from ui.many import route
from ui.sign_in.who import USER

DRAWING = "0123456789abcdef0123456789abcdef"


@contextmanager
def page(backend: Backend, user: User | None = None) -> Iterator[TestClient]:
    web = FastAPI()
    route.add_to(web, backend)

    async def app(scope, receive, send):
        if user is not None:
            scope[USER] = user
        await Limits(web)(scope, receive, send)

    yield TestClient(app)


def picture(file: bytes, **more: object) -> dict[str, Any]:
    image = "data:image/png;base64," + base64.b64encode(file).decode()
    return {"image": image, "source": "upload", "visitor": SESSION, "drawing": DRAWING, **more}


def test_a_picture_is_answered_in_the_page_s_words_and_kept_as_its_visitor_s(
    make_backend: Callable[..., Backend], drawing: bytes
) -> None:
    with answering(ANSWER) as torchserve:
        backend = make_backend(torchserve.url)
        with page(backend) as client:
            said = client.post("/pictures", json=picture(drawing)).json()
    (row,) = backend.recent.rows(SESSION)
    assert said == {
        "prediction": str(row.prediction.id),
        "label": "7",
        "confidence": 0.9,
        "set": [],
        "is_digit": None,
        "model": "digits",
        "version": "1.0.0",
        "headline": "90.0 % sure",
        "detail": "or perhaps 0, 1.1 %",
        "is_private": False,
        "frame": ANSWER["frame"],
    }
    assert (row.prediction.source, row.prediction.drawing_id.hex) == ("upload", DRAWING)
    assert backend.recent.drawing(SESSION, row.prediction.id) == drawing
    assert torchserve.bodies == [drawing]


def test_a_picture_that_is_sent_again_is_one_row(
    make_backend: Callable[..., Backend], drawing: bytes
) -> None:
    with answering(ANSWER) as torchserve:
        backend = make_backend(torchserve.url)
        with page(backend) as client:
            ids = [client.post("/pictures", json=picture(drawing)).json()["prediction"] for _ in range(2)]
    assert [str(row.prediction.id) for row in backend.recent.rows(SESSION)] == ids[1:]


@pytest.mark.parametrize("wish", [{"keep": False}, {"keep": "no"}, {"visitor": None}, {"visitor": "user:1"}])
def test_nothing_is_kept_of_who_does_not_want_it_or_does_not_say_who_they_are(
    make_backend: Callable[..., Backend], drawing: bytes, wish: dict[str, Any]
) -> None:
    with answering(ANSWER) as torchserve:
        backend = make_backend(torchserve.url)
        with page(backend) as client:
            said = client.post("/pictures", json=picture(drawing, **wish)).json()
    assert (said["label"], said["prediction"]) == ("7", None)
    assert said["is_private"] is ("keep" in wish)
    assert backend.writer.pending == 0


def test_what_a_user_sends_is_theirs_whatever_the_browser_says(
    make_backend: Callable[..., Backend], drawing: bytes
) -> None:
    with answering(ANSWER) as torchserve:
        backend = make_backend(torchserve.url)
        with page(backend, User(7, "ada", "visitor")) as client:
            assert client.post("/pictures", json=picture(drawing)).json()["prediction"]
    assert backend.recent.rows(SESSION) == []
    assert len(backend.recent.rows("user:7")) == 1


def refused(client: TestClient, body: object) -> tuple[int, str, str]:
    answer = client.post("/pictures", content=body if isinstance(body, bytes) else json.dumps(body))
    said = answer.json()
    assert answer.status_code == said["code"]
    return said["code"], said["type"], said["message"]


def test_what_is_no_picture_is_refused_in_one_line(
    make_backend: Callable[..., Backend], drawing: bytes
) -> None:
    with page(make_backend()) as client:
        for body in (b"", b"\xff", b"[" * 9_999, [], "picture", 7):
            assert refused(client, body) == (400, "BadRequest", route.NO_JSON), body
        assert refused(client, {}) == (400, "BadImage", route.NO_JSON)
        assert refused(client, {"image": ""}) == (400, "BadImage", route.NO_JSON)
        code, kind, words = refused(client, {"image": "data:text/html,x"})
        assert (code, kind) == (400, "BadImage") and "choose a PNG or JPEG" in words
        assert refused(client, picture(drawing, drawing="x"))[2].startswith("The drawing's id must be")
        assert client.post("/pictures", content=bytes(MOST_BYTES + 1)).status_code == 413


def test_what_the_model_refuses_is_refused_with_its_words(
    make_backend: Callable[..., Backend], drawing: bytes
) -> None:
    blank = {"code": 400, "type": "BadImage", "message": "Nothing is drawn."}
    with answering(blank, status=400) as torchserve, page(make_backend(torchserve.url)) as client:
        assert refused(client, picture(drawing)) == (400, "BadImage", "Nothing is drawn.")


@pytest.mark.parametrize("status", [500, 503])
def test_without_the_model_s_answer_it_is_said_when_to_ask_again(
    make_backend: Callable[..., Backend], drawing: bytes, status: int
) -> None:
    with answering({}, status=status) as torchserve, page(make_backend(torchserve.url)) as client:
        answer = client.post("/pictures", json=picture(drawing))
    assert (answer.status_code, answer.json()["type"]) == (503, "Unavailable")
    assert int(answer.headers["Retry-After"]) == route.BUSY_S


@pytest.mark.parametrize("model", ["digits-vit/1.0.0", "letters/2.0.0"])
def test_a_model_that_was_idle_or_is_gone_is_named_to_the_chooser_and_asked_for_again(
    vit: tuple[Backend, Managing], drawing: bytes, model: str
) -> None:
    backend, torchserve = vit
    torchserve.workers["digits-vit", "1.0.0"] = 0
    with page(backend) as client:
        answer = client.post("/pictures", json=picture(drawing, model=model))
    said = answer.json()
    assert (answer.status_code, said["type"], answer.headers["Retry-After"]) == (503, "Loading", "2")
    assert said["loads"] == model


def test_one_client_has_no_more_than_its_share(
    make_backend: Callable[..., Backend], drawing: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route, "OF_ONE_CLIENT", 0)
    with page(make_backend()) as client:
        answer = client.post("/pictures", json=picture(drawing))
    assert (answer.status_code, answer.json()["type"], answer.headers["Retry-After"]) == (503, "Busy", "1")
