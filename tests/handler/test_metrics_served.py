"""The handler's metrics beside the real TorchServe, whose workers come, go and are killed."""

import os
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import requests

from launch.temporary import TorchServe, running
from tests.handler.scraped import WAIT_S, page, totals, types
from tests.management import manage
from training.data.drawing import png

pytestmark = pytest.mark.integration
SEVEN = png("7")


def ask(server: TorchServe, count: int = 1, api: str = "predictions", **options: object) -> list[int]:
    """Return the status of so many answers, asked for four at a time."""

    def one(_: int) -> int:
        url = f"{server.inference_url}/{api}/digits"
        options.setdefault("data", SEVEN)
        return requests.post(url, timeout=WAIT_S, **options).status_code  # type: ignore[arg-type]

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(one, range(count)))


def worker_pids(server: TorchServe, count: int = 2, without: int = 0) -> list[int]:
    """Return the process ids once so many workers are ready, and the one that was killed is none of them."""
    deadline = time.monotonic() + 3 * WAIT_S
    while time.monotonic() < deadline:
        found = manage(server, "GET", "/digits").json()[0]["workers"]
        pids = [worker["pid"] for worker in found if worker["status"] == "READY"]
        if len(pids) == len(found) == count and without not in pids:
            return pids
        time.sleep(0.1)
    pytest.fail(f"there were not {count} ready workers: {found}")


def serving(server: TorchServe, pids: list[int]) -> int:
    """Return the worker that listens for scrapers."""
    port = int(server.handler_metrics_url.split(":")[2].split("/")[0])
    for pid in pids:
        for connection in psutil.Process(pid).net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
                return pid
    pytest.fail(f"none of {pids} listens on {port}")


def live_workers(server: TorchServe, count: int) -> int:
    """Return how many workers live, once these are so many: TorchServe forgets one before it is dead."""
    deadline = time.monotonic() + WAIT_S
    while True:
        found = totals(server.handler_metrics_url)["handler_workers"]
        if found == count or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


def scale(server: TorchServe, workers: int) -> None:
    answer = manage(server, "PUT", "/digits", min_worker=workers, max_worker=workers, synchronous="true")
    assert answer.status_code == 200, answer.text


def test_requests_are_counted_by_what_became_of_them(torchserve: TorchServe) -> None:
    before, theirs = totals(torchserve.handler_metrics_url), totals(torchserve.metrics_url)
    assert ask(torchserve, 6) == [200] * 6
    assert ask(torchserve, data=b"hello") == [400]
    assert ask(torchserve, api="explanations") == [200]
    grown = totals(torchserve.handler_metrics_url)
    grown.subtract(before)
    assert grown["handler_batch_size_sum"] == grown["handler_latency_seconds_count"] == 8
    assert grown["handler_confidence_count"] == grown["handler_answers_total"] == 6, "an explanation is none"
    assert grown["handler_set_size_sum"] == 6
    assert grown["handler_bad_images_total"] == 1
    assert grown["handler_not_a_digit_total"] == grown["handler_doubted_total"] == 0
    after = totals(torchserve.metrics_url)
    assert after["ts_inference_requests_total"] == theirs["ts_inference_requests_total"] + 8


def test_histograms_are_called_so_and_the_archives_version_is_on_them(torchserve: TorchServe) -> None:
    answer = requests.post(f"{torchserve.inference_url}/predictions/digits", data=SEVEN, timeout=WAIT_S)
    named = {name: answer.json()[name] for name in ("model", "version")}
    kinds = types(torchserve.handler_metrics_url)
    for name in ("batch_size", "preprocess_seconds", "network_seconds", "latency_seconds", "confidence"):
        assert kinds[f"handler_{name}"] == "histogram"
    assert totals(torchserve.handler_metrics_url, **named, label="7")["handler_answers_total"] >= 1
    assert "handler_" not in page(torchserve.metrics_url), "they would be there twice"


def test_latency_counts_the_wait_that_a_client_tells_of(torchserve: TorchServe) -> None:
    before = totals(torchserve.handler_metrics_url)
    ask(torchserve, headers={"X-Request-Start": f"t={time.time() - 20:.3f}"})
    ask(torchserve, headers={"X-Request-Start": "yesterday"})
    grown = totals(torchserve.handler_metrics_url)
    grown.subtract(before)
    assert grown["handler_latency_seconds_count"] == 2
    assert 20 <= grown["handler_latency_seconds_sum"] < 20 + WAIT_S


def test_prometheus_has_nothing_to_complain_of(torchserve: TorchServe) -> None:
    if shutil.which("promtool") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("promtool is missing: install Debian's package prometheus")
        pytest.skip("needs promtool, of Debian's package prometheus")
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=page(torchserve.handler_metrics_url),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_sums_outlive_killed_workers_and_scaling(model_store: Path) -> None:
    name = "handler_latency_seconds_count"
    with running(model_store) as server:
        pids = worker_pids(server)
        answered = ask(server, 40).count(200)
        assert totals(server.handler_metrics_url)[name] == answered == 40

        killed = serving(server, pids)
        psutil.Process(killed).kill()
        began = time.monotonic()
        assert totals(server.handler_metrics_url)[name] >= answered
        print(f"served again {time.monotonic() - began:.2f} s after the worker was killed")
        pids = worker_pids(server, without=killed)
        assert live_workers(server, 2) == 2
        answered += ask(server, 40).count(200)
        # A request that was under way in a worker when it died would be counted and not answered.
        assert totals(server.handler_metrics_url)[name] == answered == 80

        scale(server, 1)
        worker_pids(server, 1)
        answered += ask(server, 10).count(200)
        assert live_workers(server, 1) == 1
        assert totals(server.handler_metrics_url)[name] == answered
        scale(server, 2)
        worker_pids(server, 2)
        answered += ask(server, 10).count(200)
        assert live_workers(server, 2) == 2
        assert totals(server.handler_metrics_url)[name] == answered
        assert answered == 100
