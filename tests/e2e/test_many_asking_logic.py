"""Many pictures, the logic by itself: what is asked for each, and what the server may say."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, Route

from tests.e2e.modules import HOST, blank_page, run
from tests.e2e.test_many_files_logic import ANSWER, written

pytestmark = pytest.mark.browser

AWAY = "The server cannot be reached"
SIGNED_OUT = "You are signed out. Sign in again in another tab, then choose Continue to read the rest."


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Iterator[Page]:
    with chromium.new_context() as visitor:
        yield blank_page(visitor)


@pytest.mark.parametrize(
    ("status", "body", "retry", "found"),
    [
        (200, '{"label": "7", "set": []}', "", {"answer": {"label": "7", "set": []}}),
        (200, '{"label": "7", "s', "", {"why": AWAY, "retryS": 1}),
        (200, "<html>Welcome to the hotel</html>", "", {"why": AWAY, "retryS": 1}),
        (200, "null", "", {"why": AWAY, "retryS": 1}),
        (200, "{}", "", {"why": AWAY, "retryS": 1}),
        (400, '{"type": "BadImage", "message": "Nothing is drawn."}', "", {"why": "Nothing is drawn."}),
        (413, "The body is too large", "", {"why": "The body is too large"}),
        (503, '{"type": "Busy", "message": "Later."}', "4", {"why": "Later.", "retryS": 4}),
        (429, "<html>Too many</html>", "2", {"why": "There was no answer (status 429).", "retryS": 2}),
        (408, "Too slow", "", {"why": "Too slow", "retryS": 1}),
        (502, "", "", {"why": "There was no answer (status 502).", "retryS": 1}),
        (503, "null", "", {"why": "There was no answer (status 503).", "retryS": 1}),
        (401, "Sign in first, at /sign-in", "", {"why": SIGNED_OUT, "stops": True}),
    ],
)
def test_a_refusal_is_for_good_and_a_full_house_is_not(
    page: Page, status: int, body: str, retry: str, found: dict[str, Any]
) -> None:
    headers = {"Retry-After": retry} if retry else {}
    address = f"{HOST}/pictures"
    page.route(address, lambda route: route.fulfill(status=status, body=body, headers=headers))
    assert run(page, "many/asking.js", "return m.ask({ image: 'x' });") == found
    page.unroute(address)


def test_a_server_that_is_away_is_asked_again(page: Page) -> None:
    page.route(f"{HOST}/pictures", lambda route: route.abort())
    found = run(page, "many/asking.js", "return m.ask({ image: 'x' });")
    page.unroute(f"{HOST}/pictures")
    assert found == {"why": AWAY, "retryS": 1}


def test_a_server_that_does_not_answer_is_given_up(page: Page) -> None:
    script = """
      const limits = [];
      const [before, timeout] = [window.fetch, AbortSignal.timeout];
      AbortSignal.timeout = (limit) => {
        limits.push(limit);
        return timeout.call(AbortSignal, 1);
      };
      window.fetch = (_address, { signal }) => new Promise((_, fail) => {
        signal.addEventListener("abort", () => fail(signal.reason));
      });
      try {
        return [await m.ask({ image: "x" }), limits];
      } finally {
        [window.fetch, AbortSignal.timeout] = [before, timeout];
      }"""
    assert run(page, "many/asking.js", script) == [{"why": AWAY, "retryS": 1}, [60_000]]


@pytest.mark.parametrize("storage", ["has none", "is refused"])
def test_where_storage_is_refused_a_visitor_is_who_the_page_took_them_for(page: Page, storage: str) -> None:
    sent: list[Any] = []

    def answer(route: Route) -> None:
        sent.append(route.request.post_data_json)
        route.fulfill(status=400, body="No")

    page.route(f"{HOST}/pictures", answer)
    script = """
      window.sketchserveVisitor = "abc";
      const getItem = Storage.prototype.getItem;
      if (given === "is refused") Storage.prototype.getItem = () => { throw new Error("refused"); };
      try { await m.ask({ image: "x" }); } finally { Storage.prototype.getItem = getItem; }
      delete window.sketchserveVisitor;"""
    run(page, "many/asking.js", script, storage)
    page.unroute(f"{HOST}/pictures")
    assert [one["visitor"] for one in sent] == ["abc"]


def test_a_model_that_is_loaded_or_gone_is_named_to_the_chooser(page: Page) -> None:
    body = '{"type": "Loading", "message": "Idle", "loads": "letters/2.0.0"}'
    page.route(f"{HOST}/pictures", lambda route: route.fulfill(status=503, body=body))
    script = """
      let loads;
      document.addEventListener("sketchserve-load", ({ detail }) => { loads = detail; }, { once: true });
      return [await m.ask({ image: "x" }), loads];"""
    found = run(page, "many/asking.js", script)
    page.unroute(f"{HOST}/pictures")
    assert found == [{"why": "Idle", "retryS": 1}, "letters/2.0.0"]


DIGIT = {"label": "4", "confidence": 0.9, "set": ["4"], "is_digit": True, "is_sure": True, "prediction": "p"}
NUMBER = {
    "text": "45",
    "digits": [DIGIT, {**DIGIT, "label": "5", "confidence": 0.6, "set": ["5", "6"], "is_sure": False}],
    "model": "digits",
    "version": "1.0.0",
}


def test_a_number_is_asked_for_as_the_pad_does_and_its_row_is_a_digit_s(page: Page) -> None:
    sent: list[Request] = []

    def answer(route: Route) -> None:
        sent.append(route.request)
        route.fulfill(json=NUMBER)

    page.route(f"{HOST}/read?*", answer)
    value = {"image": "x", "source": "upload", "thumbnail": "y", "drawing": "ab" * 16, "isNumber": True}
    found = run(page, "many/asking.js", "return m.ask(given);", value)
    page.unroute(f"{HOST}/read?*")
    assert found == {
        "answer": {
            "label": "45",
            "confidence": 0.6,
            "set": ["4", "5/6"],
            "is_digit": None,
            "model": "digits",
            "version": "1.0.0",
            "prediction": "p p",
            "headline": "Not sure of digit 2.",
            "frame": "",
            "detail": "",
            "is_private": False,
        }
    }
    (asked,) = sent
    said = json.loads(asked.headers["x-sketchserve-pad"])
    assert asked.post_data_json == {"image": "x"}
    assert (said["paper"], said["before"], said["isListed"]) == ("ab" * 16, [], True)


@pytest.mark.parametrize("said", [None, {}, {"set": ["4"]}, {"digits": "none"}])
def test_what_is_no_number_is_no_answer_to_one(page: Page, said: Any) -> None:
    assert run(page, "many/asking.js", "return m.asRow(given, true);", said) is None


def test_a_number_without_a_digit_that_could_be_read_names_no_model(page: Page) -> None:
    nothing = {
        "label": "?",
        "confidence": 0,
        "set": [],
        "is_digit": False,
        "is_sure": False,
        "prediction": "",
    }
    said = {"text": "?", "digits": [nothing], "model": None, "version": None}
    answer = run(page, "many/asking.js", "return m.asRow(given, true);", said)
    (read,) = written(page, [{"name": "x", "state": "read", "why": "", "answer": answer}])
    assert (read["label"], read["model"], read["prediction"]) == ("?", "", "")


def test_a_number_s_label_leads_to_its_first_digit(page: Page) -> None:
    answer = {**ANSWER, "label": "45", "is_digit": None, "detail": "", "headline": "", "prediction": "p q"}
    script = """
      const row = m.createRow({ name: "x", state: "read", answer: given });
      return row.querySelector("a").getAttribute("href");"""
    assert run(page, "many/row.js", script, answer) == f"{HOST}/history/p"


def test_a_number_whose_model_is_gone_waits_until_the_chooser_has_another(page: Page) -> None:
    body = '{"type": "ModelNotFound", "message": "Gone", "loads": "letters/2.0.0"}'
    page.route(f"{HOST}/read?*", lambda route: route.fulfill(status=404, body=body))
    script = """
      let loads;
      document.addEventListener("sketchserve-load", ({ detail }) => { loads = detail; }, { once: true });
      return [await m.ask({ image: "x", isNumber: true }), loads];"""
    found = run(page, "many/asking.js", script)
    page.unroute(f"{HOST}/read?*")
    assert found == [{"why": "Gone", "retryS": 1}, "letters/2.0.0"]
