"""What the page calls kept is on the disk before it says so; a stroke waits for no disk."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from db.records import HistoryRow, Prediction
from tests.ui.answering import ANSWER, SESSION, answering
from tests.ui.test_many_route import picture
from tests.ui.test_outcome import pad_value
from ui.backend import Backend
from ui.draw.outcome import Reading, is_on_disk, predict
from ui.draw.reading import reading_html
from ui.endpoints import add_endpoints
from ui.history.corrections import judge
from ui.history.deletion import delete
from ui.history.strip import read_history
from ui.many import route
from ui.number import Desks

MakeBackend = Callable[..., Backend]
# Longer than any stroke takes, and no test waits for it.
SLOW_S = 30.0


@contextmanager
def programs(backend: Backend) -> Iterator[Callable[[dict[str, Any]], dict[str, Any]]]:
    """Serve the endpoints of programs; give the function that asks for a prediction."""
    desks = Desks(backend)
    with gr.Blocks() as blocks:
        add_endpoints(backend, desks)

    def ask(value: dict[str, Any]) -> dict[str, Any]:
        sent = [value["image"], "", SESSION, True]
        return client.post("/gradio_api/run/predict", json={"data": sent}).json()["data"][0]

    with TestClient(gr.mount_gradio_app(FastAPI(), blocks, path="/")) as client:
        yield ask
    desks.close()


@contextmanager
def pictures(backend: Backend) -> Iterator[Callable[[dict[str, Any]], dict[str, Any]]]:
    """Serve the table's route; give the function that asks it."""
    web = FastAPI()
    route.add_to(web, backend)
    client = TestClient(web)
    yield lambda value: client.post("/pictures", json=value).json()


def a_disk(monkeypatch: pytest.MonkeyPatch, *, fails: bool) -> list[Path]:
    """Play the disk below every spool; return what is synced."""
    synced: list[Path] = []

    def sync(path: Path) -> None:
        if fails:
            raise OSError("the disk failed")
        synced.append(path)

    monkeypatch.setattr("db.spool.files.sync", sync)
    return synced


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("serves", [programs, pictures])
def test_programs_and_the_table_are_told_kept_of_what_is_on_the_disk(
    make_backend: MakeBackend, drawing: bytes, monkeypatch: pytest.MonkeyPatch, serves: Any, fails: bool
) -> None:
    with answering(ANSWER) as torchserve, serves(make_backend(torchserve.url)) as ask:
        synced = a_disk(monkeypatch, fails=fails)
        said = ask(picture(drawing))
    assert (said["label"], len(synced)) == ("7", 0 if fails else 1)
    is_kept = said["is_kept"] if serves is programs else said["prediction"] is not None
    assert is_kept is not fails


@pytest.mark.parametrize("fails", [False, True])
def test_a_correction_and_a_deletion_are_on_the_disk_before_they_are_called_kept(
    make_backend: MakeBackend,
    make_prediction: Callable[..., Prediction],
    monkeypatch: pytest.MonkeyPatch,
    fails: bool,
) -> None:
    backend, prediction = make_backend(), make_prediction()
    backend.recent.add(prediction)
    synced = a_disk(monkeypatch, fails=fails)
    judged = judge(backend, SESSION, str(prediction.id), "1")
    assert "could not be saved" in judged if fails else isinstance(judged, HistoryRow)
    assert len(synced) == (not fails)
    assert ("Nothing was deleted" in delete(backend, SESSION, "")["said"]) is fails
    assert len(synced) == 2 * (not fails)


def test_the_strip_shows_what_is_on_the_disk(
    make_backend: MakeBackend, drawing: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(ANSWER) as torchserve:
        backend = make_backend(torchserve.url)
        synced = a_disk(monkeypatch, fails=False)
        predict(backend, pad_value(drawing), SESSION)
        assert synced == []
        assert len(read_history(backend, SESSION).rows) == len(synced) == 1


@contextmanager
def a_slow_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, list[Path]]]:
    """Play a disk whose first sync takes half a minute, or until the block ends; give when it has begun."""
    has_begun, is_over = threading.Event(), threading.Event()
    synced: list[Path] = []

    def sync(path: Path) -> None:
        synced.append(path)
        has_begun.set()
        is_over.wait(SLOW_S)

    monkeypatch.setattr("db.spool.files.sync", sync)
    try:
        yield has_begun, synced
    finally:
        is_over.set()


def test_no_stroke_waits_for_a_slow_disk(
    make_backend: MakeBackend, drawing: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(ANSWER) as torchserve, ThreadPoolExecutor() as threads:
        backend = make_backend(torchserve.url)
        first = predict(backend, pad_value(drawing), SESSION)
        assert isinstance(first, Reading)
        with a_slow_disk(monkeypatch) as (has_begun, synced):
            judged = threads.submit(judge, backend, SESSION, str(first.prediction.id), "1")
            assert has_begun.wait(SLOW_S)
            panel = reading_html(predict(backend, pad_value(drawing), SESSION), ())
            assert "not in the history" not in panel
            assert not judged.done()
        assert isinstance(judged.result(), HistoryRow)
    assert len(synced) == 1
    assert backend.writer.pending == 3


def test_pictures_that_are_read_at_once_share_a_sync(
    make_backend: MakeBackend, drawing: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_kept() -> bool:
        found = predict(backend, pad_value(drawing), SESSION)
        return isinstance(found, Reading) and is_on_disk(backend, found)

    with answering(ANSWER) as torchserve, ThreadPoolExecutor() as threads:
        backend = make_backend(torchserve.url)
        with a_slow_disk(monkeypatch) as (has_begun, synced):
            read = [threads.submit(is_kept)]
            assert has_begun.wait(SLOW_S)
            read += [threads.submit(is_kept) for _ in range(4)]
            ends = time.monotonic() + SLOW_S
            while backend.writer.pending < 5 and time.monotonic() < ends:
                time.sleep(0.001)
        assert all(one.result() for one in read)
    # The others came too late for the first one's.
    assert len(synced) == 2
