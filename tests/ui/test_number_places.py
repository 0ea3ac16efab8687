"""Programs that read numbers have places of their own: however slow they are, the pad is answered."""

import base64
import http.client
import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.e2e.page import wait_until
from tests.reading.written import png, sheet, strokes
from tests.ui.answering import ANSWER, answering
from tests.ui.asking import ask
from tests.ui.test_page_as_service import page_before
from ui.number import FROM_PAD, OF_ONE_CLIENT, THREADS

pytestmark = pytest.mark.integration

# Longer than the test; where nobody waits any more, the server answers at once.
SLOW_S = 100
CALLERS = 40
NUMBER = base64.b64encode(png(sheet("17"))).decode()


def call(url: str, caller: int) -> int:
    """Ask by name, as gradio_client does, from one of some addresses; return the status."""
    source = (f"127.0.0.{2 + caller // OF_ONE_CLIENT}", 0)
    page = http.client.HTTPConnection(urlsplit(url).netloc, timeout=SLOW_S, source_address=source)
    headers = {"Content-Type": "application/json", "X-Request-Id": f"slow-{caller}"}
    page.request("POST", "/gradio_api/run/read_number", json.dumps({"data": [NUMBER, ""]}), headers)
    return page.getresponse().status


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
        wait_until(lambda: sum("slow-" in query for query in torchserve.queries) >= THREADS, "slow ones", 60)
        assert "7" in ask(page.url, drawing).text
        said = json.dumps({"strokes": strokes("17"), "width": 8})
        number = requests.post(f"{page.url}/read", said, headers={FROM_PAD: "{}"}, timeout=60)
        assert number.json()["text"] == "77"
        assert not any(one.done() for one in waiting)
        # There is no place left for another program.
        program = requests.post(f"{page.url}/read", said, timeout=60)
        assert (program.status_code, program.json()["type"]) == (503, "Busy")
        # Now the callers are answered, or their connections end with the page.
        page.process.kill()
