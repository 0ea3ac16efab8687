"""The view of the models: what visitors and operators see, and what operators can change."""

import base64
import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from db.comparison import Judged
from db.user_rows import User
from system import known_archives
from tests.ui.managing import Managing
from tests.ui.operating import ELSEWHERE, Operating, change, fields, operating, slow, words
from tests.ui.several_models import backend, put_archive
from ui.backend import Backend
from ui.models.archives import read_store
from ui.models.listing import Models

VIT = "digits-vit/1.0.0"


@pytest.fixture
def page(
    make_backend: Callable[..., Backend], torchserve: Managing, store: Path, monkeypatch: pytest.MonkeyPatch
) -> Operating:
    """A page whose TorchServe has the first of two models loaded, and that waits until a change is made."""
    monkeypatch.setattr("ui.models.desk.WAIT_S", 60.0)
    return operating_at(make_backend, torchserve, store)


def operating_at(make_backend: Callable[..., Backend], torchserve: Managing, store: Path) -> Operating:
    models, loader = backend(torchserve.url, store)
    return operating(replace(make_backend(torchserve.url), models=models, loader=loader), torchserve, store)


def test_operators_see_how_each_version_is_run_and_visitors_what_it_reads(
    page: Operating, store: Path
) -> None:
    (store / "digits.md").write_text(
        "# Model card: digits 1.0.0\n\n| pictures | correct |\n|---|--:|\n| MNIST | 99.70% |\n"
    )
    seen = words(page.client().get("/models").text)
    for expected in (
        "digits 1.0.0 ready reads what is drawn here",
        "2 ready of 2 (min 2, max 2)",
        "Memory per worker 250 MB",
        "up to 16, collected for 1 ms",
        "Accuracy, by its card 99.70% (MNIST)",
        "Accuracy, as judged here the database is away",
        "digits-vit 1.0.0 not loaded",
        "digits.mar,",
        "kB, known",
    ):
        assert expected in seen
    for visitor in (
        page.client(address=ELSEWHERE),
        page.client(User(7, "ada", "visitor"), ELSEWHERE),
    ):
        seen = words(visitor.get("/models").text)
        assert "digits 1.0.0 ready" in seen
        assert "Reads: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9" in seen
        assert not [word for word in ("Workers", "SHA-256", "Unload", "Compare", "Load ") if word in seen]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/models/change?verb=load&path=digits-vit/1.0.0"),
        ("POST", "/models/change"),
        ("GET", "/models/comparison"),
        ("POST", "/models/comparison"),
        ("POST", "/models/comparison/cancel"),
    ],
)
def test_only_operators_change_or_compare(page: Operating, method: str, path: str) -> None:
    page.torchserve.changes.clear()
    form = {"verb": "load", "path": VIT, "workers": "0", "seen": "not loaded, 0 workers"}
    for asking in (page.client(address=ELSEWHERE), page.client(User(7, "ada", "visitor"))):
        answer = asking.request(method, path, data=form if method == "POST" else None)
        assert answer.status_code == 403
        assert "This is for operators" in answer.text
    assert not page.torchserve.changes


def test_another_site_s_page_causes_nothing(page: Operating) -> None:
    page.torchserve.changes.clear()
    form = {"verb": "load", "path": VIT, "workers": "0", "seen": "not loaded, 0 workers"}
    for path in ("/models/change", "/models/comparison", "/models/comparison/cancel"):
        answer = page.client().post(path, data=form, headers={"Origin": "https://evil.example"})
        assert answer.status_code == 403
        assert "Another site's page sent this" in answer.text
    assert not page.torchserve.changes
    assert page.view.comparer.job is None


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
        "ada: Make digits 1.1.0 the default: done, until TorchServe starts again: the database is away",
        "ada: Unload digits 1.0.0: done",
    ]
    assert "ada: Unload digits 1.0.0 done" in words(ada.get("/models").text)


def test_what_an_operator_loaded_is_not_taken_down_when_idle(page: Operating) -> None:
    change(page.client(), "load", VIT)
    assert page.view._backend.loader._in_use.all() == []


def test_the_page_s_own_model_stays_and_why_is_said(page: Operating) -> None:
    client = page.client()
    assert "digits 1.0.0 stays: it is what this page reads with" in words(client.get("/models").text)
    query = {"verb": "unload", "path": "digits/1.0.0"}
    refused = client.get("/models/change", params=query)
    assert refused.status_code == 409
    assert "make another version of digits the default first" in words(refused.text)
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
        ("scale", "0", "'0' is no number of workers: choose 1 to 64"),
        ("scale", "65", "choose 1 to 64"),
        ("scale", "-1", "choose 1 to 64"),
        ("scale", "²", "choose 1 to 64"),
        ("scale", "9" * 500, "choose 1 to 64"),
        ("scale", "2", "digits 1.0.0 has 2 workers already"),
        ("scale", "60", "58 workers more would take about 14,500 MB, and 1,000 MB are free"),
        ("load", "", "digits 1.0.0 is loaded already"),
        ("default", "", "digits 1.0.0 is the default already"),
        ("destroy", "", "'destroy' is no change of a model"),
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
    assert "this page cannot see how much memory is free there" in words(asked.text)


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
    assert "other programs go on asking it" in words(page.client().get("/models").text)
    assert ("digits-vit", "1.0.0") in page.torchserve.workers


def test_a_slow_torchserve_does_not_hold_the_page(page: Operating) -> None:
    page.client().get("/models")
    time.sleep(1.6)  # until what is known counts as old
    with slow(page.torchserve, 1.5):
        answer = page.client().get("/models")
        assert page.view._boards._boards._looking is not None  # TorchServe is still being asked
    seen = words(answer.text)
    assert "TorchServe does not answer. This is what it said last." in seen
    assert "digits 1.0.0 ready" in seen
    assert "Unload" not in seen


def test_without_torchserve_nothing_is_changed_and_the_page_says_so(page: Operating) -> None:
    client = page.client()
    confirmed = fields(client.get(f"/models/change?verb=load&path={VIT}").text)
    page.torchserve.is_away = True
    answer = client.post("/models/change", data=confirmed)
    assert answer.status_code == 409
    assert "TorchServe does not answer: nothing was changed" in words(answer.text)
    assert client.get(f"/models/change?verb=load&path={VIT}").status_code == 503


def test_torchserve_is_asked_once_for_all_who_look(page: Operating, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    answer = page.torchserve.answer
    monkeypatch.setattr(
        page.torchserve,
        "answer",
        lambda method, address: asked.append(address) or answer(method, address),  # type: ignore[func-returns-value]
    )
    threads = [threading.Thread(target=page.view._boards.board) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([address for address in asked if address.startswith("/models?")]) == 1


def test_a_comparison_needs_two_versions_that_can_answer(page: Operating) -> None:
    client = page.client()
    assert "There is no comparison" in words(client.get("/models/comparison").text)
    for b, status, says in (
        ("digits/1.0.0", 400, "Choose two different versions that are there."),
        ("gone/1.0.0", 400, "Choose two different versions that are there."),
        (VIT, 409, "digits-vit 1.0.0 has no worker that can answer: load it first."),
    ):
        answer = client.post("/models/comparison", data={"a": "digits/1.0.0", "b": b})
        assert answer.status_code == status
        assert says in words(answer.text)


def wait_for_the_end(page: Operating) -> None:
    deadline = time.monotonic() + 10
    while page.view.comparer.job is None or not page.view.comparer.job.is_over:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_a_comparison_asks_is_not_unloaded_and_without_the_database_it_says_so(
    page: Operating, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.torchserve.register(store / "digits-vit.mar")
    going = threading.Event()
    comparer, client = page.view.comparer, page.client()
    ask = comparer._comparison.judged
    monkeypatch.setattr(comparer._comparison, "judged", lambda limit: going.wait(10) and ask(limit))
    assert client.post("/models/comparison", data={"a": "digits/1.0.0", "b": VIT}).status_code == 303
    refused = client.post("/models/change", data={"verb": "unload", "path": VIT})
    assert (refused.status_code, "A comparison asks it" in refused.text) == (409, True)
    going.set()
    wait_for_the_end(page)
    assert "The database is away, and with it the drawings." in words(client.get("/models/comparison").text)


def test_the_drawings_on_which_two_differ_are_shown_as_pictures_that_lead_to_them(
    page: Operating, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.torchserve.register(store / "digits-vit.mar")
    # What each of the two reads in a drawing, whose bytes are its number, and what it is.
    read = {1: ("7", "7", "7"), 2: ("7", "1", "7"), 3: ("7", "1", "1"), 4: ("7", "1", "4")}
    page.torchserve.label = lambda name, image: read[int(image)][name == "digits-vit"]
    judged = [Judged(UUID(int=number), really) for number, (_, _, really) in read.items()]
    comparer, client = page.view.comparer, page.client()
    monkeypatch.setattr(comparer._comparison, "judged", lambda limit: judged[:limit])
    monkeypatch.setattr(comparer._comparison, "drawing", lambda id_: b"%d" % id_.int)
    monkeypatch.setattr(
        comparer._comparison, "thumbnails", lambda ids: {id_: b"%d" % id_.int for id_ in ids if id_.int != 4}
    )
    client.post("/models/comparison", data={"a": "digits/1.0.0", "b": VIT})
    wait_for_the_end(page)
    html = client.get("/models/comparison").text
    sections = re.findall(r"<section.*?<h2[^>]*>(.*?)</h2>(.*?)</section>", html, re.DOTALL)
    assert [title for title, _ in sections] == [
        "Only digits 1.0.0 is right",
        "Only digits-vit 1.0.0 is right",
        "Both are wrong, each in its own way",
    ]
    for number, (_, shown) in zip((2, 3, 4), sections, strict=True):
        (link,) = re.findall(r'<a href="/history/([^"]+)">', shown)
        assert link == str(UUID(int=number))
        picture = f"data:image/png;base64,{base64.b64encode(b'%d' % number).decode()}"
        assert re.findall(r'<img class="thumbnail" src="([^"]+)"', shown) == [picture] * (number != 4)
        a, b, really = read[number]
        assert f"{really} , read as {a} · and {b}" in words(shown)
