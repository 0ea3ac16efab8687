"""The analytics view: who sees it, what it shows of few and odd drawings, and how often it reads."""

import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from uuid import uuid4

import pytest

from db import drifts
from db.log import PredictionLog
from db.records import Feedback, Prediction
from tests.ui.signing_in import Guarded, guarded
from ui.analytics.once import Busy, Once

pytestmark = pytest.mark.integration

ODD = '<b onclick="x">&amp; "four"</b>'


@pytest.fixture(scope="module")
def page(postgres_url: str):
    """A page that people sign in to, with an operator and a visitor."""
    with guarded(postgres_url) as running:
        running.user("olga", "operator")
        running.user("vera")
        yield running


@pytest.fixture
def model() -> str:
    """A model that no other test asks."""
    return f"m{uuid4().hex[:8]}"


@pytest.fixture
def drawn(page: Guarded, model: str, make_prediction: Callable[..., Prediction]) -> Callable[..., Prediction]:
    """Store a drawing of today, and what somebody says that it was."""

    def store(true_label: str | None = None, kind: str = "label", **values: object) -> Prediction:
        now = datetime.now(UTC)
        made = make_prediction(**{"created_at": now, "model_name": model, "is_digit": True, **values})
        said = [Feedback(made.id, true_label, now, made.session_id, kind)]
        PredictionLog(page.engine).write([made, *(said if true_label or kind != "label" else [])])
        return made

    return store


def shown(page: Guarded, model: str, days: str = "30") -> str:
    answer = page.signed_in("olga").get("/analytics", params={"model": f"{model}/1.0.0", "days": days})
    assert answer.status_code == 200, answer.text
    return answer.text


def section(html: str, name: str) -> str:
    """Return the words of a section, without tags and with single spaces."""
    (found,) = re.findall(rf'<section [^>]*aria-labelledby="h-{name}">(.*?)</section>', html, re.DOTALL)
    return unescape(" ".join(re.sub(r"<[^>]*>", " ", found).split()))


def test_operators_see_it_visitors_are_told_and_others_sign_in(page: Guarded) -> None:
    assert page.signed_in("olga").get("/analytics").status_code == 200
    refused = page.signed_in("vera").get("/analytics")
    assert refused.status_code == 403
    assert "This page is for operators" in refused.text
    unknown = page.client().get("/analytics")
    assert unknown.status_code == 401


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("days=5", "days=5 is not a span of days: choose one of 7, 30, 90, all."),
        ("model=digits", "model=digits is not a version of a model: write it as name/version."),
        ("model=digits/%00", "is not a version of a model: write it as name/version."),
        ("model=/&days=7", "model=/ is not a version of a model: write it as name/version."),
    ],
)
def test_an_address_that_asks_for_what_is_not_is_told_so(page: Guarded, query: str, words: str) -> None:
    answer = page.signed_in("olga").get(f"/analytics?{query}")
    assert answer.status_code == 400
    assert words in unescape(answer.text)


@pytest.mark.parametrize("days", ["7", "30", "90", "all"])
def test_without_drawings_it_says_how_there_will_be_some(page: Guarded, model: str, days: str) -> None:
    html = shown(page, model, days)
    assert f"{model} 1.0.0 has read nothing in" in html
    assert 'href="/">Draw</a>' in html
    assert "<section" not in html


@pytest.mark.parametrize("days", ["7", "30", "90", "all"])
def test_of_one_drawing_it_says_what_is_missing(page: Guarded, model: str, drawn, days: str) -> None:
    drawn(latency_ms=12.5)
    html = shown(page, model, days)
    assert section(html, "drawings").startswith("Drawings 1 in ")
    assert "12 ms for half of the drawings" in section(html, "latency") or "13 ms" in section(html, "latency")
    for name in ("accuracy", "confusion", "worst"):
        assert "Judge a few drawings" in section(html, name)
    assert "has a known label yet. Judge a few drawings" in section(html, "reliability")
    assert "answers without sets" in section(html, "sets")
    assert "there are no drawings from the days before" in section(html, "drift")
    assert "Nothing was doubted" in section(html, "doubted")


def test_each_figure_is_that_of_the_drawings(page: Guarded, model: str, drawn) -> None:
    for _ in range(8):
        drawn("7", confidence=0.97, label_set=("7",))
    drawn("1", confidence=0.97, label_set=("7", "1"))
    drawn("1", confidence=0.7, label_set=("7",))
    worst = drawn(None, "not_a_digit", confidence=0.98, label_set=("7",))
    drawn(None, "not_a_digit", is_digit=False, label_set=("7",))
    drawn(created_at=datetime.now(UTC) - timedelta(days=30), predicted_label="3")
    html = shown(page, model)
    assert "12 in the last 30 days" in section(html, "drawings")
    assert "75.0 % 9 of 12; 95 % interval 46.8 to 91.1 %" in section(html, "accuracy")
    assert "Doubted: 1 of 2 judged not a digit (50.0 %" in section(html, "accuracy")
    assert "Doubted: 0 of 10 judged a digit (0.0 %" in section(html, "accuracy")
    assert "95 to 99 % 97.0 % 88.9 % 56.5 to 98.0 % 9" in section(html, "reliability")
    assert "70 to 80 % 70.0 % 0.0 % 0.0 to 79.3 % 1" in section(html, "reliability")
    assert "1 read as 7, 2 times" in section(html, "confusion")
    assert "90.0 % 9 of 10" in section(html, "sets")
    assert "1 label 91.7 % 11" in section(html, "sets")
    assert "2 labels 8.3 % 1" in section(html, "sets")
    assert "8.3 % 1 of 12 drawings" in section(html, "doubted")
    assert "3 0.0 % 100.0 % 0 1" in section(html, "drift")
    assert "read 7 , really not a digit 98.0 % sure" in section(html, "worst")
    assert f'href="/history/{worst.id}"' in html
    since = datetime.now(UTC).date() - timedelta(days=29)
    of_model = f"model={model}%2F1.0.0&amp;time={since}"
    assert f'href="/history?of=all&amp;label=7&amp;true=1&amp;{of_model}"' in html
    assert f'href="/history?of=all&amp;label=7&amp;show=none&amp;{of_model}"' in html


def test_labels_are_words_and_never_html(page: Guarded, model: str, drawn) -> None:
    drawn("é & co.", predicted_label=ODD, label_set=(ODD, "é & co."))
    drawn(created_at=datetime.now(UTC) - timedelta(days=31), predicted_label=ODD)
    html = shown(page, model)
    assert "<b onclick" not in html
    assert ODD in section(html, "confusion")
    assert f"read {ODD} , really é & co." in section(html, "worst")
    assert "label=%3Cb+onclick%3D%22x%22%3E%26amp%3B+%22four%22%3C%2Fb%3E&amp;true=%C3%A9+%26+co." in html


def test_thirty_long_labels_have_their_place(page: Guarded, model: str, drawn) -> None:
    labels = [f"a rather long name of a class, number {i}" for i in range(30)]
    for label in labels:
        drawn(label, predicted_label=label)
    drawn(labels[1], predicted_label=labels[0])
    drawn(created_at=datetime.now(UTC) - timedelta(days=31), predicted_label=labels[0])
    html = shown(page, model)
    assert 'class="scroll matrix has-long-labels" tabindex="0"' in html
    matrix = section(html, "confusion")
    assert all(label in matrix for label in labels)
    assert "Of 30 labels, the 12 that changed most" in section(html, "drift")


def test_of_more_labels_than_make_a_picture_those_with_mistakes_are_shown(
    page: Guarded, model, drawn
) -> None:
    for i in range(43):
        drawn(f"class {i}", predicted_label=f"class {i}")
    drawn("class 42", predicted_label="class 41")
    matrix = section(shown(page, model), "confusion")
    assert "3 labels with fewer mistakes are left out" in matrix
    assert "class 41" in matrix
    assert "class 42" in matrix


def test_all_days_are_divided_so_that_the_bars_fit(page: Guarded, model: str, drawn) -> None:
    for age in (0, 1, 400):
        drawn(created_at=datetime.now(UTC) - timedelta(days=age), is_digit=age > 0)
    html = shown(page, model, "all")
    assert "7 days from (UTC)" in section(html, "drawings")
    assert "3 in all days" in section(html, "drawings")
    assert html.count("<rect") < 400


def test_the_latest_look_at_training_is_shown_whatever_the_days(page: Guarded, model: str, drawn) -> None:
    drawn(created_at=datetime.now(UTC) - timedelta(days=1))
    assert section(shown(page, model), "training").startswith(
        "Similar to training? Not checked yet: python -m"
    )
    until = datetime(2026, 1, 2, tzinfo=UTC)
    labels = drifts.Figure("labels", 0.0, True, 0.3, None, [ODD, "7"], [0.5, 0.5], [0.9, 0.1])
    drifts.add(page.engine, drifts.Look(model, "1.0.0", until, until, 1234, [labels]))
    html = shown(page, model, "7")
    assert "<b onclick" not in html
    words = section(html, "training")
    assert "Different: Labels 1,234 drawings from 2 Jan 2026 to 2 Jan 2026" in words
    assert "What differs most: Labels" in words
    assert "90.0 %, in training 50.0 %" in words


def test_what_was_read_a_moment_ago_is_shown_again() -> None:
    once, read = Once(), []
    assert [once.get("a", lambda: read.append(1) or len(read)) for _ in range(3)] == [1, 1, 1]
    assert once.get("b", lambda: "other") == "other"


def test_one_reads_one_waits_and_others_are_told_at_once() -> None:
    once = Once()
    is_reading, go_on = threading.Event(), threading.Event()

    def slow() -> str:
        is_reading.set()
        assert go_on.wait(20)
        return "slow"

    once.get("old", lambda: "old")
    once._kept["old"] = (-1e9, "old")
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(once.get("a", slow))) for _ in range(2)]
    threads[0].start()
    assert is_reading.wait(20)
    threads[1].start()
    while once._places._value:
        pass
    with pytest.raises(Busy):
        once.get("b", lambda: "never")
    assert once.get("old", lambda: "never") == "old"
    go_on.set()
    for thread in threads:
        thread.join()
    assert found == ["slow", "slow"]


def test_a_failure_leaves_the_place_to_others() -> None:
    once = Once()
    for _ in range(5):
        with pytest.raises(ZeroDivisionError):
            once.get("a", lambda: 1 // 0)
    assert once.get("a", lambda: "well") == "well"
