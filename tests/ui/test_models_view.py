"""The view of the models: what visitors and operators see, who may change it, and how two are compared."""

import base64
import re
import threading
import time
from pathlib import Path
from uuid import UUID

import pytest

from db.comparison import Judged
from db.user_rows import User
from tests.ui.operating import ELSEWHERE, VIT, Operating, page, slow, words

__all__ = ["page"]


def test_operators_see_how_each_version_is_run_and_visitors_what_it_reads(
    page: Operating, store: Path
) -> None:
    (store / "digits.md").write_text(
        "# Model card: digits 1.0.0\n\n| pictures | correct |\n|---|--:|\n| MNIST | 99.70% |\n"
    )
    seen = words(page.client().get("/models").text)
    for expected in (
        "digits 1.0.0 ready used by this page",
        "2 ready of 2 (min 2, max 2)",
        "Memory per worker 250 MB",
        "up to 16, collected for 1 ms",
        "Accuracy, from its card 99.70% (MNIST)",
        "Accuracy, as judged here the database is unavailable",
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
        assert "This page is for operators" in answer.text
    assert not page.torchserve.changes


def test_another_site_s_page_causes_nothing(page: Operating) -> None:
    page.torchserve.changes.clear()
    form = {"verb": "load", "path": VIT, "workers": "0", "seen": "not loaded, 0 workers"}
    for path in ("/models/change", "/models/comparison", "/models/comparison/cancel"):
        answer = page.client().post(path, data=form, headers={"Origin": "https://evil.example"})
        assert answer.status_code == 403
        assert "This request came from another site" in answer.text
    assert not page.torchserve.changes
    assert page.view.comparer.job is None


def test_a_slow_torchserve_does_not_hold_the_page(page: Operating) -> None:
    page.client().get("/models")
    time.sleep(1.6)  # until what is known counts as old
    with slow(page.torchserve, 1.5):
        answer = page.client().get("/models")
        assert page.view._boards._boards._looking is not None  # TorchServe is still being asked
    seen = words(answer.text)
    assert "TorchServe is not responding. This is its last known state." in seen
    assert "digits 1.0.0 ready" in seen
    assert "Unload" not in seen


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
        ("digits/1.0.0", 400, "Choose two different versions from the list."),
        ("gone/1.0.0", 400, "Choose two different versions from the list."),
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
    assert (refused.status_code, "A comparison is using it" in refused.text) == (409, True)
    going.set()
    wait_for_the_end(page)
    assert "The database is unavailable, and the drawings with it." in words(
        client.get("/models/comparison").text
    )


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
        "Both are wrong, in different ways",
    ]
    for number, (_, shown) in zip((2, 3, 4), sections, strict=True):
        (link,) = re.findall(r'<a href="/history/([^"]+)">', shown)
        assert link == str(UUID(int=number))
        picture = f"data:image/png;base64,{base64.b64encode(b'%d' % number).decode()}"
        assert re.findall(r'<img class="thumbnail" src="([^"]+)"', shown) == [picture] * (number != 4)
        a, b, really = read[number]
        assert f"{really} , read as {a} · and {b}" in words(shown)
