"""What the page says of itself: whether it can read a drawing, and whether all behind it is whole."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import OperationalError

from db import engine, spool_file
from db.records import Prediction
from db.spool import MAX_BYTES, RESERVE_BYTES
from tests.ui.conftest import NO_DATABASE
from tests.ui.managing import Managing, managing
from ui import health
from ui.backend import Backend
from ui.health import readiness

MakeBackend = Callable[..., Backend]
MakePrediction = Callable[..., Prediction]
# Stands for a database that is up: a connection to it can be taken.
ANY_DATABASE = create_engine("sqlite://")


def test_all_is_whole(make_backend: MakeBackend, torchserve: Managing) -> None:
    backend = make_backend(torchserve.url)
    assert readiness(backend) == {"is_ready": True}
    found = health.health(backend, ANY_DATABASE)
    assert (found["status"], found["reasons"]) == ("ok", [])
    assert found["torchserve"]["ready_workers"] == 2


def test_without_torchserve_the_page_is_not_ready(make_backend: MakeBackend) -> None:
    backend = make_backend()
    reason = "TorchServe's management API cannot be reached."
    assert readiness(backend) == {"is_ready": False, "reason": reason}
    found = health.health(backend, ANY_DATABASE)
    assert (found["status"], found["reasons"]) == ("degraded", [reason])


def test_without_a_ready_worker_the_page_is_not_ready(make_backend: MakeBackend, store: Path) -> None:
    with managing(store, loaded=["digits.mar"]) as torchserve:
        torchserve.workers["digits", "1.0.0"] = 0
        backend = make_backend(torchserve.url)
        assert readiness(backend)["reason"] == "TorchServe has no ready worker for digits 1.0.0."
        assert health.health(backend, ANY_DATABASE)["status"] == "degraded"


def test_a_database_that_is_away_is_told_and_drawings_are_read_all_the_same(
    make_backend: MakeBackend, make_prediction: MakePrediction, torchserve: Managing
) -> None:
    backend = make_backend(torchserve.url)
    backend.writer.submit(make_prediction())
    found = health.health(backend, engine.create(NO_DATABASE))
    assert found["status"] == "degraded"
    assert found["reasons"] == ["The database is unavailable; records waiting on disk: 1."]
    assert readiness(backend) == {"is_ready": True}


def test_a_database_whose_name_nobody_looks_up_is_away_before_who_asks_has_gone(
    make_backend: MakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "LOOK_S", 0.05)
    found_at_last = threading.Event()

    class Slow:
        def connect(self) -> None:
            found_at_last.wait(10)
            raise OperationalError("", {}, OSError())

    backend = make_backend()
    began = time.monotonic()
    try:
        # More than there are threads that may wait.
        found = [health.health(backend, cast(Engine, Slow())) for _ in range(5)]
    finally:
        found_at_last.set()
    assert time.monotonic() - began < 5
    assert [one["database"]["is_up"] for one in found] == [False] * 5
    monkeypatch.undo()
    assert health.health(backend, ANY_DATABASE)["database"]["is_up"]


def test_a_record_that_waits_long_is_told(
    make_backend: MakeBackend,
    make_prediction: MakePrediction,
    torchserve: Managing,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backend = make_backend(torchserve.url)
    backend.writer.submit(make_prediction())
    assert health.health(backend, ANY_DATABASE)["status"] == "ok"
    monkeypatch.setattr(health, "WAITS_TOO_LONG_S", 0.01)
    time.sleep(0.02)
    found = health.health(backend, ANY_DATABASE)
    assert found["status"] == "degraded"
    assert found["reasons"][0].startswith("A record has waited for the database for ")
    oldest_s = backend.metrics.registry.get_sample_value("sketchserve_records_oldest_seconds")
    assert oldest_s is not None
    assert oldest_s > 0.01


def test_records_that_were_dropped_are_told_for_a_while(
    make_backend: MakeBackend,
    make_prediction: MakePrediction,
    torchserve: Managing,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backend = make_backend(torchserve.url, max_records=0)
    backend.writer.submit(make_prediction())
    assert "Records were dropped" in health.health(backend, ANY_DATABASE)["reasons"][0]
    monkeypatch.setattr(health, "RECENTLY_S", 0.0)
    assert health.health(backend, ANY_DATABASE)["status"] == "ok"


def test_a_disk_that_is_short_is_told_before_records_are_refused(
    make_backend: MakeBackend,
    make_prediction: MakePrediction,
    torchserve: Managing,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backend = make_backend(torchserve.url)
    monkeypatch.setattr(spool_file, "free_bytes", lambda _: RESERVE_BYTES + MAX_BYTES - 5_000_000)
    found = health.health(backend, ANY_DATABASE)
    place = backend.writer.spool.path
    assert found["reasons"] == [f"The disk is short: 5 MB more are needed at {place} for all that may wait."]
    assert backend.writer.submit(make_prediction())
    monkeypatch.setattr(spool_file, "free_bytes", os.listdir)
    (reason,) = health.health(backend, ANY_DATABASE)["reasons"]
    assert reason.startswith("Records cannot be kept: ")


def test_records_that_are_set_aside_are_told_and_counted(
    make_backend: MakeBackend, make_prediction: MakePrediction, torchserve: Managing
) -> None:
    backend = make_backend(torchserve.url)
    spool = backend.writer.spool
    for _ in range(2):
        backend.writer.submit(make_prediction())
    spool.set_aside(spool.first(1, 10**9)[0], "breaks a constraint")
    found = health.health(backend, ANY_DATABASE)
    assert found["database"]["set_aside"] == 1
    assert found["reasons"] == [f"Records that PostgreSQL refused are set aside in {spool.path}: 1."]
    assert backend.metrics.registry.get_sample_value("sketchserve_records_set_aside") == 1
