"""`POST /read`: answers and refusals, in the form of the API's, asked of the page without its services."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from client.inference import Inference
from reading import finder as finder_module
from reading.piece import NoNumber, Piece
from tests.ui.answering import ANSWER, answering
from ui import number
from ui.backend import Backend
from ui.draw.canvas import FOLDER
from ui.limits import MOST_BYTES_OF_A_NUMBER, MOST_VALUES, Limits

PIECES = [Piece(index, index + 1, (40.0 * index, 5.0, 30.0, 50.0), (0.6, 1.0), b"png") for index in range(3)]
SAID = {**ANSWER, "confidence": 0.999, "set": ["7"], "is_digit": True, "digit_score": 0.99}


@pytest.fixture(autouse=True)
def found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three pieces in any picture but a blank one: finding them has tests of its own."""

    def pieces(_finder: object, payload: bytes) -> list[Piece]:
        if payload == b"blank":
            raise NoNumber("Nothing is drawn.")
        return PIECES

    monkeypatch.setattr(finder_module.Finder, "pieces", pieces)


def page(backend: Backend) -> TestClient:
    web = FastAPI()
    number.add_to(web, number.Desks(backend))
    return TestClient(Limits(web))


@pytest.fixture
def client(make_backend: Callable[..., Backend]) -> Iterator[TestClient]:
    with answering(SAID) as torchserve:
        backend = replace(make_backend(), inference=Inference(torchserve.url))
        yield page(backend)


@pytest.mark.parametrize(
    "kind", ["image/png", "application/octet-stream", "application/x-www-form-urlencoded", ""]
)
def test_a_number_is_answered_with_its_digits(client: TestClient, kind: str) -> None:
    answer = client.post("/read", content=b"a picture", headers={"Content-Type": kind})
    assert answer.status_code == 200
    said = answer.json()
    assert (said["text"], said["is_sure"], said["model"], said["version"]) == ("777", True, "digits", "1.0.0")
    assert said["digits"][1] == {
        "label": "7",
        "confidence": 0.999,
        "set": ["7"],
        "is_digit": True,
        "is_sure": True,
        "box": [40.0, 5.0, 30.0, 50.0],
    }


def test_refusals_have_the_form_of_the_apis(client: TestClient) -> None:
    blank = client.post("/read", content=b"blank")
    assert (blank.status_code, blank.json()) == (
        400,
        {"code": 400, "type": "BadImage", "message": "Nothing is drawn."},
    )
    form = client.post("/read", files={"data": b"a picture"})
    assert (form.status_code, form.json()["type"]) == (400, "BadImage")
    assert "curl --data-binary" in form.json()["message"]
    nowhere = client.post("/read?model=letters/2.0.0", content=b"a picture")
    assert (nowhere.status_code, nowhere.json()["type"]) == (404, "ModelNotFound")
    assert "'letters/2.0.0'" in nowhere.json()["message"]
    # A name alone is the page's own model's.
    assert client.post("/read?model=letters", content=b"a picture").status_code == 404
    assert client.post("/read?model=digits", content=b"a picture").status_code == 200


@pytest.mark.parametrize(
    ("status", "kind", "retry_s"), [(503, "Busy", "1"), (500, "Unavailable", "5"), (404, "Unavailable", "5")]
)
def test_without_the_model_s_answers_it_is_said_when_to_ask_again(
    make_backend: Callable[..., Backend], status: int, kind: str, retry_s: str
) -> None:
    with answering({}, status=status) as torchserve:
        answer = page(make_backend(torchserve.url)).post("/read", content=b"a picture")
    assert (answer.status_code, answer.json()["type"]) == (503, kind)
    assert answer.headers["Retry-After"] == retry_s


def test_a_piece_that_the_model_refuses_is_no_digit(make_backend: Callable[..., Backend]) -> None:
    refusal = {"code": 400, "type": "BadImage", "message": "Nothing is drawn."}
    with answering(refusal, status=400) as torchserve:
        said = page(make_backend(torchserve.url)).post("/read", content=b"a picture").json()
    assert (said["text"], said["is_sure"], said["digits"][0]["is_digit"]) == ("???", False, False)


def test_too_many_who_wait_are_told_so(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(number, "OF_ONE_CLIENT", 0)
    answer = request.getfixturevalue("client").post("/read", content=b"a picture")
    assert (answer.status_code, answer.json()["type"], answer.headers["Retry-After"]) == (503, "Busy", "1")


def test_a_picture_may_be_as_large_as_for_the_api_and_strokes_have_no_more_values(client: TestClient) -> None:
    assert client.post("/read", content=b"[" * MOST_BYTES_OF_A_NUMBER).status_code == 200
    assert client.post("/read", content=b"[" * (MOST_BYTES_OF_A_NUMBER + 1)).status_code == 413
    assert client.post("/read", content=b'{"strokes":' + b"[" * (MOST_VALUES + 1)).status_code == 413


def test_the_pad_hears_that_it_takes_too_long_before_it_gives_up_and_a_program_waits(
    make_backend: Callable[..., Backend], monkeypatch: pytest.MonkeyPatch
) -> None:
    script = (FOLDER / "pad" / "numbers.js").read_text(encoding="utf-8")
    (away_ms,) = re.findall(r"AWAY_MS = ([0-9_]+);", script)
    assert int(away_ms) > 1000 * number.PAD_WITHIN_S
    monkeypatch.setattr(number, "PAD_WITHIN_S", 0.05)
    with answering(SAID, delay_s=0.5) as torchserve:
        backend = replace(make_backend(), inference=Inference(torchserve.url))
        late = page(backend).post("/read", content=b"a picture", headers={number.FROM_PAD: "{}"})
        assert (late.status_code, late.json()["type"]) == (503, "Busy")
        assert "not read in time" in late.json()["message"]
        assert page(backend).post("/read", content=b"a picture").json()["text"] == "777"


def test_the_pad_is_told_to_load_a_model_that_is_idle_or_gone_and_programs_how_to_name_one(
    make_backend: Callable[..., Backend], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(number, "is_idle", lambda *_: True)
    with answering({}, status=503) as torchserve:
        client = page(replace(make_backend(), inference=Inference(torchserve.url)))
        for path, words in [("digits", "was idle and is being loaded again"), ("x/1", "not available now")]:
            url = f"/read?model={path}"
            pad = client.post(url, content=b"a picture", headers={number.FROM_PAD: "{}"}).json()
            assert words in pad["message"] and pad["loads"].startswith(path)
            program = client.post(url, content=b"a picture").json()
            assert words not in program["message"] and "loads" not in program
