"""What the guard refuses by itself is counted and told."""

import logging
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from guard.answers import Reason
from guard.api import Api
from guard.refusals import LOG_S, Refusals
from guard.rules import Inference
from guard.upstream import Pool
from tests.guard.played import MOST_BYTES, guarded


def api(folder: Path) -> Api:
    return Api(Inference(), Pool(folder / "socket"), MOST_BYTES)


def shown(folder: Path) -> list[str]:
    """Return the series that the handler's address would serve for the folder."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))
    return [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]


def test_what_is_refused_is_counted_by_its_reason() -> None:
    with guarded() as guard:
        guard.ask(b"nonsense\r\n\r\n")
        guard.ask(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
        for _ in range(2):
            guard.ask(b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n")
        guard.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert guard.api.refused == {Reason.MALFORMED: 1, Reason.METHOD: 1, Reason.LARGE_BODY: 2}
    with guarded(is_there=False) as guard:
        guard.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert guard.api.refused == {Reason.NO_TORCHSERVE: 1}


def test_prometheus_gets_every_reason_of_each_api_from_the_start_on(tmp_path: Path) -> None:
    inference, management = api(tmp_path), api(tmp_path)
    refusals = Refusals({"inference": inference, "management": management}, tmp_path)
    refusals.tell(0.0)
    assert len(shown(tmp_path)) == 2 * len(Reason)
    assert all(line.endswith(" 0.0") for line in shown(tmp_path))
    inference.refused[Reason.SLOW] += 3
    refusals.tell(1.0)
    assert 'sketchserve_guard_refusals_total{api="inference",reason="slow"} 3.0' in shown(tmp_path)
    assert 'sketchserve_guard_refusals_total{api="management",reason="slow"} 0.0' in shown(tmp_path)


def test_the_log_gets_one_line_for_each_reason_in_so_many_seconds(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = api(tmp_path)
    refusals = Refusals({"inference": one}, tmp_path)
    refusals.tell(100.0)
    for second in range(1, 1 + int(LOG_S)):
        one.refused[Reason.MEMORY] += 1000
        one.refused[Reason.METHOD] += 1
        one.refused[Reason.NO_TORCHSERVE] += 1
        refusals.tell(100.0 + second)
    refusals.tell(200.0)
    assert caplog.messages == [
        "the guard refused 10 requests to inference: method (405)",
        "the guard refused 10000 requests to inference: memory (503)",
    ]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


def test_without_a_folder_for_metrics_the_log_is_told_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = api(tmp_path)
    refusals = Refusals({"inference": one}, tmp_path / "none")
    one.refused[Reason.SLOW] += 1
    refusals.tell(0.0)
    assert "in no metric" in caplog.messages[0]
    assert caplog.messages[1:] == ["the guard refused 1 requests to inference: slow (408)"]
