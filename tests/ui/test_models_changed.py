"""What operators change in the view of the models: confirmed, done and logged, or refused with a reason."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from db.user_rows import User
from system import known_archives
from tests.ui.managing import Managing
from tests.ui.operating import ELSEWHERE, VIT, Operating, change, fields, operating, page, words
from tests.ui.several_models import put_archive
from ui.backend import Backend
from ui.models.archives import read_store
from ui.models.listing import Models

__all__ = ["page"]


def test_load_scale_default_and_unload_are_confirmed_done_and_logged(
    page: Operating, store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put_archive(store, "digits-1.1.0.mar", "digits", "1.1.0")
    caplog.set_level(logging.INFO, "ui.models.desk")
    ada = page.client(User(8, "ada", "operator"), ELSEWHERE)
    new = "digits/1.1.0"
    for verb, workers in (("load", 0), ("scale", 3), ("default", 0)):
        assert change(ada, verb, new, workers).status_code == 303
    assert page.torchserve.workers == {("digits", "1.1.0"): 3, ("digits", "1.0.0"): 2}
    assert change(ada, "unload", "digits/1.0.0").status_code == 303
    assert list(page.torchserve.workers) == [("digits", "1.1.0")]
    assert [record.getMessage() for record in caplog.records] == [
        "ada: Load digits 1.1.0: done",
        "ada: Give digits 1.1.0 3 workers: done",
        "ada: Make digits 1.1.0 the default: done, but only until TorchServe restarts: "
        "the database is unavailable",
        "ada: Unload digits 1.0.0: done",
    ]
    assert "ada: Unload digits 1.0.0 done" in words(ada.get("/models").text)


def test_what_an_operator_loaded_is_not_taken_down_when_idle(page: Operating) -> None:
    change(page.client(), "load", VIT)
    assert page.view._backend.loader._in_use.all() == []


def test_the_page_s_own_model_stays_and_why_is_said(page: Operating) -> None:
    client = page.client()
    assert "digits 1.0.0 cannot be unloaded: this page reads with it" in words(client.get("/models").text)
    query = {"verb": "unload", "path": "digits/1.0.0"}
    refused = client.get("/models/change", params=query)
    assert refused.status_code == 409
    assert "First make another version of digits the default" in words(refused.text)
    sent = client.post("/models/change", data={**query, "seen": "ready, 2 workers, default"})
    assert sent.status_code == 409
    assert ("digits", "1.0.0") in page.torchserve.workers


def test_an_archive_that_is_not_known_cannot_be_loaded(
    make_backend: Callable[..., Backend], torchserve: Managing, store: Path
) -> None:
    known = store / known_archives.NAME
    known_archives.begin(known, store)
    put_archive(store, "theirs.mar", "theirs")
    original = make_backend(torchserve.url)
    models = Models("digits", original.management, store, known)
    page = operating(replace(original, models=models), torchserve, store)
    client = page.client()
    assert "theirs.mar : it was not built here" in words(client.get("/models").text)
    torchserve.changes.clear()
    assert client.get("/models/change?verb=load&path=theirs/1.0.0").status_code == 404
    form = {"verb": "load", "path": "theirs/1.0.0", "seen": "not loaded, 0 workers"}
    assert client.post("/models/change", data=form).status_code == 409
    assert not torchserve.changes


def test_a_load_counts_the_memory_that_the_archive_states(page: Operating, store: Path) -> None:
    stated = {"count": 1, "batch": 16, "own_bytes": 900_000_000, "shared_bytes": 90_000_000}
    put_archive(store, "large.mar", "large", worker=stated)
    page.view._desk.free_bytes = lambda: 800_000_000  # more than the 250 MB of the largest that runs
    asked = page.client().get("/models/change", params={"verb": "load", "path": "large/1.0.0"})
    assert "1 worker more would take about 900 MB, and 800 MB are free" in words(asked.text)
    page.view._desk.free_bytes = lambda: 1_000_000_000
    asked = page.client().get("/models/change", params={"verb": "load", "path": "large/1.0.0"})
    assert "A worker takes about 900 MB." in words(asked.text)


@pytest.mark.parametrize("worker", [None, "much", {"own_bytes": "much"}])
def test_an_archive_with_another_statement_of_memory_is_as_before(worker: object, tmp_path: Path) -> None:
    put_archive(tmp_path, "a.mar", "a", worker=worker)
    (archive,), damaged = read_store(tmp_path)
    assert (archive.worker_bytes, damaged) == (0, {})


@pytest.mark.parametrize(
    ("verb", "workers", "says"),
    [
        ("scale", "0", "'0' is not a number of workers: choose 1 to 64"),
        ("scale", "65", "choose 1 to 64"),
        ("scale", "-1", "choose 1 to 64"),
        ("scale", "²", "choose 1 to 64"),
        ("scale", "9" * 500, "choose 1 to 64"),
        ("scale", "2", "digits 1.0.0 already has 2 workers"),
        ("scale", "60", "58 workers more would take about 14,500 MB, and 1,000 MB are free"),
        ("load", "", "digits 1.0.0 is already loaded"),
        ("default", "", "digits 1.0.0 is already the default"),
        ("destroy", "", "'destroy' is not a change of a model"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(page: Operating, verb: str, workers: str, says: str) -> None:
    page.view._desk.free_bytes = lambda: 1_000_000_000
    page.torchserve.changes.clear()
    form = {"verb": verb, "path": "digits/1.0.0", "workers": workers}
    asked = page.client().get("/models/change", params=form)
    sent = page.client().post("/models/change", data={**form, "seen": "ready, 2 workers, default"})
    for answer in (asked, sent):
        assert answer.status_code in (400, 409)
        assert says in words(answer.text)
    assert not page.torchserve.changes


def test_where_nobody_can_see_the_memory_the_confirmation_says_so(page: Operating) -> None:
    page.view._desk.free_bytes = lambda: None
    asked = page.client().get("/models/change?verb=scale&path=digits/1.0.0&workers=3")
    assert "the page cannot see how much memory is free there" in words(asked.text)


def test_what_has_changed_since_the_confirmation_is_not_done(page: Operating) -> None:
    client = page.client()
    asked = client.get("/models/change?verb=scale&path=digits/1.0.0&workers=3")
    page.torchserve.start(("digits", "1.0.0"), 5)
    refused = client.post("/models/change", data=fields(asked.text))
    assert refused.status_code == 409
    assert "it is now ready, 5 workers, default" in words(refused.text)
    assert page.torchserve.workers["digits", "1.0.0"] == 5


def test_of_two_operators_at_once_one_is_told_of_the_other(page: Operating) -> None:
    page.torchserve.load_s = 1.0
    confirmed = fields(page.client().get(f"/models/change?verb=load&path={VIT}").text)
    page.torchserve.changes.clear()
    ada, grace = page.client(User(8, "ada", "operator")), page.client(User(9, "grace", "operator"))
    answers: list[int] = []
    people = [
        threading.Thread(
            target=lambda one=one: answers.append(one.post("/models/change", data=confirmed).status_code)
        )
        for one in (ada, grace)
    ]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert sorted(answers) == [303, 409]
    assert [call for call in page.torchserve.changes if call.startswith("POST")] == page.torchserve.changes
    assert len(page.torchserve.changes) == 1


def test_a_failure_says_what_torchserve_said(page: Operating, store: Path) -> None:
    page.torchserve.failing.add("digits-vit")
    change(page.client(), "load", VIT)
    deadline = time.monotonic() + 20
    while page.view._desk.is_at_work and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "Load digits-vit 1.0.0 its workers do not start; TorchServe's model.log says why" in words(
        page.client().get("/models").text
    )
    put_archive(store, "digits-vit-2.mar", "digits-vit", "2.0.0")
    page.torchserve.failing.clear()
    for file in ("digits-vit.mar", "digits-vit-2.mar"):
        page.torchserve.register(store / file)
    change(page.client(), "unload", VIT)
    said = words(page.client().get("/models").text)
    assert "TorchServe answers 403 (Cannot remove default version for model digits-vit)" in said


def test_unloading_waits_until_nothing_waits_for_the_model(page: Operating, store: Path) -> None:
    page.torchserve.register(store / "digits-vit.mar")
    page.torchserve.waiting = 3
    client = page.client()
    asking = threading.Thread(target=change, args=(client, "unload", VIT))
    asking.start()
    deadline = time.monotonic() + 10
    while not page.view._desk.is_at_work and time.monotonic() < deadline:
        time.sleep(0.02)
    # Whoever wants it now is told that it is not there: what is sent later than this would be dropped.
    deadline = time.monotonic() + 5
    while page.view._backend.models.find(VIT) is not None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert page.view._backend.models.find(VIT) is None
    assert ("digits-vit", "1.0.0") in page.torchserve.workers
    page.torchserve.waiting = 0
    asking.join()
    assert ("digits-vit", "1.0.0") not in page.torchserve.workers
    # It can be chosen, and loaded, again.
    assert page.view._backend.models.find(VIT) is not None


def test_a_model_that_others_go_on_asking_is_not_unloaded(
    page: Operating, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.models.desk.QUIET_WITHIN_S", 0.5)
    page.torchserve.register(store / "digits-vit.mar")
    page.torchserve.waiting = 3
    change(page.client(), "unload", VIT)
    assert "other programs keep sending it requests" in words(page.client().get("/models").text)
    assert ("digits-vit", "1.0.0") in page.torchserve.workers


def test_without_torchserve_nothing_is_changed_and_the_page_says_so(page: Operating) -> None:
    client = page.client()
    confirmed = fields(client.get(f"/models/change?verb=load&path={VIT}").text)
    page.torchserve.is_away = True
    answer = client.post("/models/change", data=confirmed)
    assert answer.status_code == 409
    assert "TorchServe is not responding: nothing was changed" in words(answer.text)
    assert client.get(f"/models/change?verb=load&path={VIT}").status_code == 503
