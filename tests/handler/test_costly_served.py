"""One stranger's costly pictures against the real TorchServe, while visitors draw."""

import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
import requests

from launch.temporary import TorchServe
from tests.handler.costly import COSTLY, TOO_LARGE
from tests.management import manage
from training.data.drawing import png

pytestmark = [pytest.mark.integration, pytest.mark.alone]
# Both workers are given full batches, and some requests wait for the next ones.
AT_ONCE = 34
# A batch has 2.25 s, on cores of its own. Two in a row, and others at work beside the test, make it 12.
LONGEST_S = 12


def post(server: TorchServe, body: bytes) -> tuple[int, float]:
    """Return an answer's status, and how long it took, seconds."""
    started = time.monotonic()
    response = requests.post(f"{server.inference_url}/predictions/digits", data=body, timeout=120)
    return response.status_code, time.monotonic() - started


def workers(server: TorchServe) -> list[int]:
    found = manage(server, "GET", "/digits").json()[0]["workers"]
    return sorted(worker["pid"] for worker in found if worker["status"] == "READY")


@pytest.mark.parametrize("name", ["TIFF: floats, 8K", "JPEG: scans"])
def test_visitors_are_answered_beside_a_strangers_costly_pictures(torchserve: TorchServe, name: str) -> None:
    deadline = time.monotonic() + 60
    while len(before := workers(torchserve)) < 2 and time.monotonic() < deadline:
        time.sleep(0.2)
    body, drawing = {**COSTLY, **TOO_LARGE}[name](), png("7")
    with ThreadPoolExecutor(AT_ONCE) as strangers:
        costly = [strangers.submit(post, torchserve, body) for _ in range(AT_ONCE)]
        drawn = [post(torchserve, drawing)]
        while not all(request.done() for request in costly):
            drawn.append(post(torchserve, drawing))
    assert {status for status, _ in drawn} == {200}
    assert max(took_s for _, took_s in drawn) < LONGEST_S
    assert {request.result()[0] for request in costly} <= {400, 503}
    assert workers(torchserve) == before, "no worker was killed"
    aside = [child for pid in before for child in psutil.Process(pid).children()]
    assert len(aside) <= len(before), "one process beside each worker, and none is left over"
