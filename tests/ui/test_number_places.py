"""Programs that read numbers have places of their own: however slow they are, the pad is answered."""

import base64
import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from reading.reader import AT_ONCE
from tests.e2e.page import wait_until
from tests.reading.written import png, sheet, strokes
from tests.ui.answering import ANSWER, answering
from tests.ui.asking import ask
from tests.ui.test_page_as_service import page_before
from ui.number import FROM_PAD, OF_ONE_CLIENT

pytestmark = pytest.mark.integration

# Longer than the test; where nobody waits any more, the server answers at once.
SLOW_S = 100
CALLERS = 40
NUMBER = base64.b64encode(png(sheet("17"))).decode()
STROKES = json.dumps({"strokes": strokes("17"), "width": 8})


def post(url: str, path: str, body: str, address: str, caller: str, timeout_s: float) -> HTTPResponse:
    """Return what the page answers a caller at one of this machine's addresses."""
    page = HTTPConnection(urlsplit(url).netloc, timeout=timeout_s, source_address=(address, 0))
    page.request("POST", path, body, {"Content-Type": "application/json", "X-Request-Id": f"slow-{caller}"})
    return page.getresponse()


def call(url: str, caller: int) -> int:
    """Ask by name, as gradio_client does, from one of some addresses; return the status."""
    body = json.dumps({"data": [NUMBER, ""]})
    address = f"127.0.0.{2 + caller // OF_ONE_CLIENT}"
    return post(url, "/gradio_api/run/read_number", body, address, str(caller), SLOW_S).status


def refused(url: str) -> str:
    """Return why a program is refused; it takes the place of a caller that is late, and then another asks."""
    for another in range(CALLERS):
        with suppress(TimeoutError):
            answer = post(url, "/read", STROKES, f"127.0.1.{1 + another}", f"program-{another}", 5)
            return str(json.load(answer)["type"])
    raise AssertionError("there is always another place")


@contextmanager
def callers(url: str) -> Iterator[list[Future[int]]]:
    """Have forty callers wait until the end of the `with`."""
    pool = ThreadPoolExecutor(CALLERS)
    yield [pool.submit(call, url, caller) for caller in range(CALLERS)]
    pool.shutdown(wait=False, cancel_futures=True)


def test_forty_slow_callers_hold_up_no_stroke_and_no_number_of_the_pad(
    tmp_path: Path, drawing: bytes
) -> None:
    # TorchServe's requests carry the ids of those that they are made for.
    with (
        answering(ANSWER, delay_s=SLOW_S, slow="slow-") as torchserve,
        page_before(torchserve.url, tmp_path / "ui.log", ANSWER_TIMEOUT_S=str(SLOW_S)) as page,
        callers(page.url) as waiting,
    ):
        # All that asks for programs waits for TorchServe, and no place is left for another one.
        wait_until(lambda: sum("slow-" in query for query in torchserve.queries) >= AT_ONCE, "slow ones", 60)
        assert refused(page.url) == "Busy"
        assert "7" in ask(page.url, drawing).text
        number = requests.post(f"{page.url}/read", STROKES, headers={FROM_PAD: "{}"}, timeout=60)
        assert number.json()["text"] == "77"
        assert not any(one.done() and one.result() == requests.codes.ok for one in waiting)
        # Now the callers are answered, or their connections end with the page.
        page.process.kill()
