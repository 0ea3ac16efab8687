"""Loading on demand; `test_idle_models.py` has how it is taken down again."""

import threading
import time
from pathlib import Path

import pytest

from client.errors import ChangeRefused, LoadFailed
from client.management import Management
from tests.ui.managing import Managing
from tests.ui.several_models import VIT, found, listed, pass_idle_time, put_archive
from ui.models.loading import POLL_S


def ready_workers(torchserve: Managing) -> int:
    """Return how many workers of the second model can answer."""
    served, _ = Management(torchserve.url).served()
    return sum(status.ready_workers for status in served if status.model == VIT[0])


def test_two_people_who_choose_at_once_load_it_once(torchserve: Managing, store: Path) -> None:
    torchserve.load_s = 0.3
    models, loader = listed(torchserve, store)
    people = [
        threading.Thread(target=loader.load, args=(found(models, "digits-vit/1.0.0"),)) for _ in range(4)
    ]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert len(torchserve.changes) == 1
    assert ready_workers(torchserve) == 2


def test_a_model_that_somebody_else_registers_meanwhile_is_waited_for(
    torchserve: Managing, store: Path
) -> None:
    torchserve.load_s = 0.3
    models, loader = listed(torchserve, store)
    another, other_loader = listed(torchserve, store)
    first = threading.Thread(target=other_loader.load, args=(found(another, "digits-vit/1.0.0"),))
    first.start()
    time.sleep(0.05)
    loader.load(found(models, "digits-vit/1.0.0"))
    assert ready_workers(torchserve) == 2
    first.join()


def test_a_worker_that_crashed_and_comes_back_is_waited_for(torchserve: Managing, store: Path) -> None:
    models, loader = listed(torchserve, store)
    loader.load(found(models, "digits-vit/1.0.0"))
    # TorchServe names the process that crashed until the next one runs.
    torchserve.load_s = 1.0
    torchserve.crashed.add("digits-vit")
    torchserve.start(VIT, 1)
    loader.load(found(models, "digits-vit/1.0.0"))
    assert ready_workers(torchserve) == 1


def test_workers_that_do_not_come_back_are_not_tried_on_and_on(torchserve: Managing, store: Path) -> None:
    models, loader = listed(torchserve, store)
    model = found(models, "digits-vit/1.0.0")
    loader.load(model)
    pass_idle_time(loader)
    torchserve.failing.add("digits-vit")
    with pytest.raises(LoadFailed, match="its workers do not start"):
        loader.load(model)
    assert (
        torchserve.changes[-1] == "PUT /models/digits-vit/1.0.0?min_worker=0&max_worker=0&synchronous=false"
    )


def test_workers_that_fail_one_after_the_other_are_not_waited_for(torchserve: Managing, store: Path) -> None:
    models, loader = listed(torchserve, store)
    torchserve.failing.add("digits-vit")
    # Each process lives for several looks, so that at every look one of them has been seen before.
    torchserve.load_s = 5 * POLL_S
    with pytest.raises(LoadFailed, match="its workers do not start"):
        loader.load(found(models, "digits-vit/1.0.0"))
    assert VIT not in torchserve.workers


def test_a_worker_that_ends_twice_while_another_starts_is_waited_for(
    torchserve: Managing, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models, loader = listed(torchserve, store)
    looks = iter([1, 3, 4, 4])

    def worker(_: Managing, name: str, version: str, share: float) -> dict[str, object]:
        if share:
            return {"status": "UNLOADING", "pid": 2}
        process = next(looks, None)
        return {"status": "UNLOADING", "pid": process} if process else {"status": "READY", "pid": 5}

    monkeypatch.setattr(Managing, "worker", worker)
    loader.load(found(models, "digits-vit/1.0.0"))
    assert torchserve.workers[VIT] == 2


def test_what_torchserve_refused_to_start_is_nobodys_to_take_down(
    torchserve: Managing, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models, loader = listed(torchserve, store)
    model = found(models, "digits-vit/1.0.0")
    loader.load(model)
    pass_idle_time(loader)
    with monkeypatch.context() as patched, pytest.raises(ChangeRefused, match="503"):
        patched.setattr(Managing, "start", lambda *_: (503, {"message": "busy"}))
        loader.load(model)
    # An operator has more luck.
    torchserve.start(VIT, 1)
    pass_idle_time(loader)
    assert torchserve.workers[VIT] == 1


def test_a_model_that_loads_does_not_keep_the_idle_ones_up(torchserve: Managing, store: Path) -> None:
    put_archive(store, "digits-next.mar", "digits", "2.0.0")
    models, loader = listed(torchserve, store)
    loader.load(found(models, "digits-vit/1.0.0"))
    torchserve.load_s = 1_000.0
    loading = threading.Thread(target=loader.load, args=(found(models, "digits/2.0.0"),))
    loading.start()
    while ("digits", "2.0.0") not in torchserve.workers:
        time.sleep(0.01)
    pass_idle_time(loader)
    assert loading.is_alive()
    assert torchserve.workers[VIT] == 0
    torchserve.started["digits", "2.0.0"] = (0.0, 0.0)
    loading.join()


def test_a_model_that_a_restarted_torchserve_forgot_is_registered_anew(
    torchserve: Managing, store: Path
) -> None:
    models, loader = listed(torchserve, store)
    model = found(models, "digits-vit/1.0.0")
    loader.load(model)
    del torchserve.workers[VIT]
    assert loader.has_no_worker(model)
    loader.load(model)
    assert torchserve.workers[VIT] == 2


def test_without_the_management_api_nothing_is_loaded_and_it_says_so(
    torchserve: Managing, store: Path
) -> None:
    models, loader = listed(torchserve, store)
    model = found(models, "digits-vit/1.0.0")
    torchserve.is_away = True
    assert not loader.has_no_worker(model)
    with pytest.raises(LoadFailed, match="management API cannot be reached"):
        loader.load(model)


def test_a_lost_status_after_registering_leaves_no_workers_without_an_idle_clock(
    torchserve: Managing, store: Path
) -> None:
    models, loader = listed(torchserve, store)
    torchserve.lost = 1
    loader.load(found(models, "digits-vit/1.0.0"))
    assert torchserve.workers[VIT] == 2
    pass_idle_time(loader)
    assert torchserve.workers[VIT] == 0


def test_a_model_that_is_not_seen_ready_is_unregistered_again(
    torchserve: Managing, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.models.loading.READY_TIMEOUT_S", 0.1)
    models, loader = listed(torchserve, store)
    torchserve.load_s = 5
    with pytest.raises(LoadFailed, match="seen ready"):
        loader.load(found(models, "digits-vit/1.0.0"))
    assert VIT not in torchserve.workers


def test_a_model_that_is_unregistered_while_it_starts_is_not_waited_for(
    torchserve: Managing, store: Path
) -> None:
    models, loader = listed(torchserve, store)
    torchserve.load_s = 30
    torchserve.on_registered = lambda: torchserve.workers.pop(VIT)
    with pytest.raises(LoadFailed, match="unregistered in the meantime"):
        loader.load(found(models, "digits-vit/1.0.0"))


def test_what_became_the_pages_own_while_it_starts_is_left_alone(torchserve: Managing, store: Path) -> None:
    put_archive(store, "digits-next.mar", "digits", "2.0.0")
    models, loader = listed(torchserve, store)
    torchserve.failing.add("digits")
    torchserve.on_registered = lambda: torchserve.set_default("digits", "2.0.0")
    with pytest.raises(LoadFailed, match="do not start"):
        loader.load(found(models, "digits/2.0.0"))
    assert ("digits", "2.0.0") in torchserve.workers


def test_workers_that_cannot_be_taken_back_are_taken_down_when_idle(
    torchserve: Managing, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models, loader = listed(torchserve, store)
    torchserve.failing.add("digits-vit")
    with monkeypatch.context() as patched, pytest.raises(LoadFailed, match="do not start"):
        patched.setattr(Managing, "unregister", lambda *_: (503, {"message": "busy"}))
        loader.load(found(models, "digits-vit/1.0.0"))
    assert torchserve.workers[VIT] == 2
    pass_idle_time(loader)
    assert torchserve.workers[VIT] == 0
