"""Models that nobody asks any more lose the workers that they were given."""

import time
from pathlib import Path

import pytest

from tests.ui.managing import Managing, managing
from tests.ui.several_models import IDLE_S, VIT, age, found, listed, pass_idle_time, put_archive


def test_an_idle_model_loses_its_workers_and_gets_as_many_back(torchserve: Managing, store: Path) -> None:
    models, loader = listed(torchserve, store)
    model = found(models, "digits-vit/1.0.0")
    loader.load(model)
    assert not loader.has_no_worker(model)
    loader.scale_down_idle()
    assert torchserve.workers[VIT] == 2
    pass_idle_time(loader)
    assert torchserve.workers[VIT] == 0
    assert loader.has_no_worker(model)
    loader.load(model)
    assert torchserve.workers[VIT] == 2
    assert (
        torchserve.changes[-1] == "PUT /models/digits-vit/1.0.0?min_worker=2&max_worker=2&synchronous=false"
    )


def test_a_model_that_is_asked_keeps_its_workers(torchserve: Managing, store: Path) -> None:
    models, loader = listed(torchserve, store)
    model = found(models, "digits-vit/1.0.0")
    loader.load(model)
    for _ in range(3):
        age(loader, 0.6 * IDLE_S)
        loader.used(model)
        loader.scale_down_idle()
    assert torchserve.workers[VIT] == 2


def test_what_was_loaded_by_others_is_never_taken_down(store: Path) -> None:
    with managing(store, loaded=["digits.mar", "digits-vit.mar"]) as torchserve:
        models, loader = listed(torchserve, store)
        for path in ("digits", "digits-vit/1.0.0"):
            loader.load(found(models, path))
            loader.used(found(models, path))
        pass_idle_time(loader)
        assert torchserve.changes == []


def test_the_watch_takes_idle_models_down_by_itself(torchserve: Managing, store: Path) -> None:
    models, loader = listed(torchserve, store, idle_s=0.2)
    loader.start()
    try:
        loader.load(found(models, "digits-vit/1.0.0"))
        deadline = time.monotonic() + 10
        while torchserve.workers[VIT] and time.monotonic() < deadline:
            time.sleep(0.05)
        assert torchserve.workers[VIT] == 0
    finally:
        loader.stop()


def test_an_idle_model_is_tried_again_after_the_management_api_was_away(
    torchserve: Managing, store: Path
) -> None:
    models, loader = listed(torchserve, store)
    loader.load(found(models, "digits-vit/1.0.0"))
    age(loader, IDLE_S)
    torchserve.is_away = True
    loader.scale_down_idle()
    assert torchserve.workers[VIT] == 2
    torchserve.is_away = False
    pass_idle_time(loader)
    assert torchserve.workers[VIT] == 0


def test_a_model_that_became_the_pages_own_keeps_its_workers(torchserve: Managing, store: Path) -> None:
    put_archive(store, "digits-1.1.0.mar", "digits", "1.1.0")
    models, loader = listed(torchserve, store)
    loader.load(found(models, "digits/1.1.0"))
    torchserve.set_default("digits", "1.1.0")
    del torchserve.workers["digits", "1.0.0"]
    for _ in range(2):
        pass_idle_time(loader)
    assert torchserve.workers == {("digits", "1.1.0"): 2}


def test_while_nobody_says_which_version_is_the_pages_own_none_is_taken_down(
    torchserve: Managing, store: Path
) -> None:
    put_archive(store, "digits-1.1.0.mar", "digits", "1.1.0")
    models, loader = listed(torchserve, store)
    loader.load(found(models, "digits/1.1.0"))
    age(loader, IDLE_S)
    torchserve.lost = 1
    loader.scale_down_idle()
    assert torchserve.workers["digits", "1.1.0"] == 2


def test_what_an_operator_scales_up_after_it_was_idle_is_his(torchserve: Managing, store: Path) -> None:
    models, loader = listed(torchserve, store)
    model = found(models, "digits-vit/1.0.0")
    loader.load(model)
    pass_idle_time(loader)
    torchserve.workers[VIT] = 1
    loader.used(model)
    pass_idle_time(loader)
    assert torchserve.workers[VIT] == 1


def test_a_model_that_an_operator_unregistered_is_forgotten_without_a_warning(
    torchserve: Managing, store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    models, loader = listed(torchserve, store)
    loader.load(found(models, "digits-vit/1.0.0"))
    del torchserve.workers[VIT]
    for _ in range(2):
        pass_idle_time(loader)
    assert "keeps its workers for now" not in caplog.text
    torchserve.workers[VIT] = 1
    loader.scale_down_idle()
    assert torchserve.workers[VIT] == 1
