"""Batches of the served archive: one bad image spoils no other, and a number's pieces are one."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from client.inference import Inference
from launch.temporary import TorchServe, running
from reading.finder import Finder
from reading.reader import Reader
from reading.row import pieces_of
from tests.handler.asking_served import REFUSED, predict
from tests.handler.scraped import totals
from tests.management import manage
from training.data.drawing import encoded, png

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def patient(model_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TorchServe]:
    """One worker and a long delay, so that what is asked at once is one batch, which the counters prove."""
    folder = tmp_path_factory.mktemp("patient")
    shutil.copy(model_store / "digits.mar", folder / "digits.mar")
    with running(folder) as server:
        version = manage(server, "GET", "/digits").json()[0]["modelVersion"]
        manage(server, "DELETE", f"/digits/{version}").raise_for_status()
        together = {"url": "digits.mar", "batch_size": 32, "max_batch_delay": 1000, "initial_workers": 1,
                    "synchronous": "true"}  # fmt: skip
        manage(server, "POST", **together).raise_for_status()
        manage(server, "PUT", "/digits", min_worker=1, max_worker=1, synchronous="true")
        yield server


def test_bad_images_do_not_spoil_their_batch(patient: TorchServe) -> None:
    good = {digit: png(digit) for digit in "0123456"}
    bad = [body for body, _, _ in REFUSED.values()][:8]
    bodies: list[tuple[str | None, bytes]] = [*good.items(), *((None, body) for body in bad)]
    before = totals(patient.handler_metrics_url)
    with ThreadPoolExecutor(len(bodies)) as pool:
        responses = list(pool.map(lambda sent: predict(patient, sent[1]), bodies))
    counted = totals(patient.handler_metrics_url) - before
    for (digit, _), response in zip(bodies, responses, strict=True):
        if digit is None:
            assert response.status_code == 400
            assert response.json()["type"] == "BadImage"
        else:
            assert response.status_code == 200
            assert response.json()["label"] == digit
    assert counted["handler_batch_size_sum"] == len(bodies)
    assert counted["handler_batch_size_count"] <= 2
    assert counted["handler_bad_images_total"] == 8


def test_a_number_asks_for_all_its_pieces_at_once(patient: TorchServe) -> None:
    """So that they are one batch, where TorchServe waits long enough for one."""
    sevens = Image.new("L", (220, 110), 255)
    for left in range(20, 180, 40):  # each bar touches the next one's, so that two may also be one digit
        points = [(left, 20), (left + 35, 20), (left + 15, 90)]
        ImageDraw.Draw(sevens).line(points, fill=0, width=8, joint="curve")
    body = encoded(sevens)
    before = totals(patient.handler_metrics_url)
    with closing(Reader(Inference(patient.inference_url), Finder())) as reader:
        number = reader.read(body, "digits")
    counted = totals(patient.handler_metrics_url) - before
    assert number.text == "7777"
    assert counted["handler_batch_size_sum"] == len(pieces_of(body)) == 7  # more pieces than digits
    assert counted["handler_batch_size_count"] == 1
