"""Workers' metrics at one address, whichever of them lives: real processes, without TorchServe."""

import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from prometheus_client import values

from handler import exporter
from tests.handler.exporting import COUNT, Worker, environ, total, url, worker
from tests.handler.scraped import WAIT_S, page, types

pytestmark = pytest.mark.processes
__all__ = ["environ", "worker"]


def test_without_a_folder_metrics_stay_and_nobody_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    monkeypatch.setenv("HANDLER_METRICS_PORT", "8083")
    assert exporter.join() is None
    assert values.ValueClass is values.MutexValue


def test_a_folder_that_cannot_be_used_stops_no_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "absent"))
    assert exporter.join() is None
    assert "metrics stay in this worker" in caplog.text


def test_the_workers_sums_are_at_one_address(worker: Callable[..., Worker], environ: dict[str, str]) -> None:
    first, second = worker(), worker()
    for one in (first, second, second):
        one.add()
    assert total(environ) == 3
    assert total(environ, "handler_batch_size_count") == 3
    assert total(environ, "handler_workers") == 2


def test_types_are_what_they_are(worker: Callable[..., Worker], environ: dict[str, str]) -> None:
    worker().add()
    histograms = (
        "batch_size",
        "preprocess_seconds",
        "network_seconds",
        "latency_seconds",
        "confidence",
        "set_size",
    )
    assert types(url(environ)) == {
        **{f"handler_{name}": "histogram" for name in histograms},
        **{
            f"handler_{name}": "counter"
            for name in ("answers", "doubted", "not_a_digit", "unknown", "bad_images", "busy")
        },
        "handler_workers": "gauge",
    }


def test_when_the_one_that_serves_is_killed_another_does_and_no_sum_falls(
    worker: Callable[..., Worker], environ: dict[str, str]
) -> None:
    serving, second = worker(), worker()
    for one in (serving, second):
        one.add()
    assert total(environ) == 2
    serving.kill()
    killed = time.monotonic()
    assert total(environ) == 2
    print(f"served again {time.monotonic() - killed:.3f} s after the worker was killed")
    assert total(environ, "handler_workers") == 1
    second.add()
    assert total(environ) == 3


def test_whoever_comes_after_the_dead_goes_on_with_their_files(
    worker: Callable[..., Worker], environ: dict[str, str], tmp_path: Path
) -> None:
    worker()
    for number in range(1, 4):
        other = worker()
        other.add()
        assert total(environ) == number
        other.kill()
    assert sorted(path.name for path in tmp_path.glob("counter_*")) == ["counter_0.db", "counter_1.db"]


def test_a_seat_that_another_model_had_counts_for_the_one_that_has_it(
    worker: Callable[..., Worker], environ: dict[str, str]
) -> None:
    worker(model="digits")
    worker(model="fashion").kill()
    worker(model="letters").add()
    assert [total(environ, "handler_workers", model) for model in ("digits", "fashion", "letters")] == [
        1,
        0,
        1,
    ]
    assert total(environ, COUNT, "letters") == 1


def test_after_all_are_dead_the_next_serves_what_they_counted(
    worker: Callable[..., Worker], environ: dict[str, str]
) -> None:
    for number in (1, 2):
        one = worker()
        one.add()
        assert total(environ) == number
        one.kill()


def test_a_taken_port_is_one_warning_and_served_once_it_is_free(
    worker: Callable[..., Worker], environ: dict[str, str]
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(environ["HANDLER_METRICS_PORT"])))
        other.listen()
        one = worker()
        one.add()
        time.sleep(2.5 * exporter.RETRY_S)
    assert total(environ) == 1
    said = one.kill().splitlines()
    assert len(said) == 1
    assert f"metrics are not served at 127.0.0.1:{environ['HANDLER_METRICS_PORT']}" in said[0]


def test_other_paths_are_not_there(worker: Callable[..., Worker], environ: dict[str, str]) -> None:
    one = worker()
    page(url(environ))
    assert requests.get(url(environ).replace("metrics", "favicon.ico"), timeout=WAIT_S).status_code == 404
    assert one.kill() == ""
