"""The archive inside the real TorchServe: answers, refusals, and the APIs that docs/api.md shows."""

import base64
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
import requests
from PIL import Image, ImageDraw

from handler.fingerprint import preprocessing_fingerprint
from handler.frame import frame_of
from launch.temporary import TorchServe
from tests.handler.asking_served import BLANK, REFUSED, SEVEN, TIMEOUT_S, predict
from tests.management import manage
from training.data.drawing import STROKES, encoded, png
from training.models import weights

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("digit", STROKES)
def test_a_drawn_digit_is_read(torchserve: TorchServe, digit: str) -> None:
    answer = predict(torchserve, png(digit)).json()
    assert answer["label"] == digit
    assert answer["confidence"] > 0.5


def test_an_answer_is_what_the_contract_says(torchserve: TorchServe) -> None:
    response = predict(torchserve)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    answer = response.json()
    assert list(answer) == [
        "label", "confidence", "set", "is_digit", "digit_score", "probabilities",
        "model", "version", "preprocessing",
    ]  # fmt: skip
    assert (answer["set"], answer["is_digit"]) == (["7"], True)
    assert list(answer["probabilities"]) == list("0123456789")
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    assert answer["confidence"] == max(answer["probabilities"].values())
    assert (answer["model"], answer["version"]) == (
        "digits",
        weights.load(weights.DEFAULT_WEIGHTS)[1].version,
    )
    assert answer["preprocessing"] == preprocessing_fingerprint()


def test_all_ways_to_send_an_image_give_the_same_answer(torchserve: TorchServe) -> None:
    url = f"{torchserve.inference_url}/predictions/digits"
    text = base64.b64encode(SEVEN).decode()
    ways = [
        {"data": SEVEN},
        {"data": SEVEN, "headers": {"Content-Type": "image/png"}},
        {"files": {"data": ("seven.png", SEVEN, "image/png")}},
        {"json": {"image": text}},
        {"json": {"image": f"data:image/png;base64,{text}"}},
    ]
    answers = [requests.post(url, timeout=TIMEOUT_S, **way).json() for way in ways]  # type: ignore[arg-type]
    assert all(answer == answers[0] for answer in answers)


def test_the_frame_comes_along_when_asked_for(torchserve: TorchServe, tmp_path: Path) -> None:
    answer = predict(torchserve, headers={"X-Frame": "1"}).json()
    head, _, encoded_frame = answer["frame"].partition(",")
    assert head == "data:image/png;base64"
    (tmp_path / "frame.png").write_bytes(base64.b64decode(encoded_frame))
    assert (np.asarray(Image.open(tmp_path / "frame.png")) == frame_of(SEVEN)).all()


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_input_gets_its_own_400_that_helps(torchserve: TorchServe, name: str) -> None:
    body, headers, words = REFUSED[name]
    response = predict(torchserve, body, headers=headers)
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/json"
    answer = response.json()
    assert (answer["code"], answer["type"]) == (400, "BadImage")
    assert words in answer["message"]


def test_a_huge_picture_is_refused_quickly(torchserve: TorchServe) -> None:
    body = encoded(Image.new("1", (20_000, 20_000)))
    started = time.perf_counter()
    response = predict(torchserve, body)
    assert response.status_code == 400
    assert "at most" in response.json()["message"]
    assert time.perf_counter() - started < 5


def test_a_get_is_told_what_to_send(torchserve: TorchServe) -> None:
    response = requests.get(f"{torchserve.inference_url}/predictions/digits", timeout=TIMEOUT_S)
    assert response.status_code == 400
    assert response.json()["type"] == "BadImage"


def test_a_scribble_is_answered_as_no_digit(torchserve: TorchServe) -> None:
    points = np.random.default_rng(0).integers(30, 250, (40, 2))
    paper = Image.new("RGB", (280, 280), "white")
    ImageDraw.Draw(paper).line([(int(x), int(y)) for x, y in points], fill="black", width=9)
    answer = predict(torchserve, encoded(paper)).json()
    assert answer["is_digit"] is False
    assert answer["label"] in "0123456789"


def test_batching_and_workers_are_those_of_the_archive(torchserve: TorchServe) -> None:
    deadline = time.monotonic() + 30  # ready means one worker that answers; the other follows
    while time.monotonic() < deadline:
        found = manage(torchserve, "GET", "/digits").json()[0]
        states = [worker["status"] for worker in found["workers"]]
        if states == ["READY", "READY"]:
            break
        time.sleep(0.2)
    assert (found["batchSize"], found["maxBatchDelay"], found["minWorkers"]) == (16, 1, 2)
    assert states == ["READY", "READY"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc to know what a process loaded")
def test_nothing_that_is_answered_makes_a_worker_load_pytorch(torchserve: TorchServe) -> None:
    url = torchserve.inference_url
    told = [predict(torchserve).status_code, predict(torchserve, BLANK).status_code]
    told.append(requests.get(f"{url}/predictions/digits", timeout=TIMEOUT_S).status_code)
    told.append(requests.post(f"{url}/explanations/digits", data=SEVEN, timeout=TIMEOUT_S).status_code)
    assert told == [200, 400, 400, 200]
    java = psutil.Process(torchserve.java_pid)
    workers = [child for child in java.children() if "model_service_worker" in " ".join(child.cmdline())]
    assert len(workers) == 2
    for worker in workers:
        assert "libtorch" not in Path(f"/proc/{worker.pid}/maps").read_text()


def test_archives_come_from_the_model_store_only(torchserve: TorchServe) -> None:
    for url in ("http://127.0.0.1:9/evil.mar", "file:///etc/passwd", "../../etc/passwd"):
        response = manage(torchserve, "POST", url=url)
        assert response.status_code in (400, 404), response.text


def test_a_worker_that_is_killed_comes_back(torchserve: TorchServe) -> None:
    workers = manage(torchserve, "GET", "/digits").json()[0]["workers"]
    psutil.Process(workers[0]["pid"]).kill()
    answered = 0
    for _ in range(20):
        # TorchServe never answers what it was gathering into a batch (launch/torchserve.py, ANSWER_S).
        with suppress(requests.Timeout):
            answered += predict(torchserve, within_s=10).status_code == 200
    assert answered >= 19, "the batch in flight may be lost, no more"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = manage(torchserve, "GET", "/digits").json()[0]["workers"]
        if [worker["status"] for worker in found] == ["READY", "READY"] and found[0]["pid"] != workers[0][
            "pid"
        ]:
            return
        time.sleep(0.2)
    pytest.fail(f"the killed worker did not come back: {found}")


@pytest.mark.mnist
def test_mnists_test_set_is_read_through_the_server(torchserve: TorchServe, mnist_dir: Path) -> None:
    from training.evaluation.ask import Server
    from training.evaluation.evaluate import measure

    server = Server(f"{torchserve.inference_url}/predictions/digits")
    rows = measure(server, mnist_dir, strokes_of_each=0).rows
    assert rows[0].pictures == 10_000
    assert rows[0].accuracy >= 0.995
    assert rows[0].refused == 0
