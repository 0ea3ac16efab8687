"""Many drawings judged or reviewed one after the other, by keyboard, and the page that is left meanwhile."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect
from sqlalchemy import text

from db import embedded, engine
from db.drawings import Drawings
from db.log import PredictionLog
from db.records import HistoryRow
from tests.e2e.filled import Filled, drawing
from tests.e2e.page import wait_until, wait_within

pytestmark = [pytest.mark.integration, pytest.mark.browser]


@pytest.fixture
def page(ada: BrowserContext) -> Iterator[Page]:
    page = ada.new_page()
    yield page
    page.close()


def shown(page: Page) -> str:
    """Return the id of the drawing that is to be judged."""
    address = page.locator("[data-piece]:not([hidden]) img").get_attribute("src") or ""
    return address.split("/")[-2]


def stored(database: embedded.Server, id_: str) -> HistoryRow:
    with engine.opened(database.url) as opened:
        row = Drawings(opened).find(id_, None)
    assert row is not None
    return row


def test_drawings_are_judged_by_keyboard_alone_and_the_last_one_is_taken_back(
    page: Page, filled: Filled, database: embedded.Server
) -> None:
    page.goto(f"{filled.url}/history/judge")
    judged, status = [], page.locator("[data-status]")
    for key, said in {"3": "3", "Enter": None, "x": "Not a digit", "8": "8"}.items():
        judged.append(shown(page))
        page.keyboard.press(key)
        expect(status).to_have_text(re.compile(f"That was {said or '.+'}\\.", re.IGNORECASE))
        assert shown(page) not in judged
    page.keyboard.press("u")
    expect(status).to_have_text("Taken back.")
    assert shown(page) == judged[-1]
    expect(page.locator("[data-done]")).to_have_text("3 judged ·")
    # Each key that it does not know, and each with Control, says nothing.
    for key in ("y", "Control+7"):
        page.keyboard.press(key)
    assert shown(page) == judged[-1]
    # What is sent last is kept last.
    wait_until(
        lambda: not stored(database, judged[3]).is_judged and stored(database, judged[2]).is_judged, "kept"
    )
    three, right, none, _ = (stored(database, id_) for id_ in judged)
    assert three.true_label == "3"
    assert right.is_right
    assert none.is_no_digit


def test_what_is_said_last_is_kept_though_the_page_is_left_at_once(
    page: Page, filled: Filled, database: embedded.Server
) -> None:
    page.goto(f"{filled.url}/history/judge")
    network = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 400, "downloadThroughput": -1, "uploadThroughput": -1}
    network.send("Network.emulateNetworkConditions", slow)
    judged = []
    for key in ("3", "x", "8"):
        judged.append(shown(page))
        page.keyboard.press(key)
    page.goto("about:blank")
    wait_until(lambda: all(stored(database, one).is_judged for one in judged), "kept")
    assert [stored(database, one).true_label for one in judged] == ["3", None, "8"]
    network.detach()
    page.goto(f"{filled.url}/history/judge")
    expect(page.locator(".heading")).to_contain_text("3 judged")


def test_the_last_one_is_judged_once_and_taken_back_before_the_next_page(page: Page, filled: Filled) -> None:
    """Pressed twice, as its answer takes long, or taken back meanwhile."""
    page.goto(f"{filled.url}/history/judge")
    address, pieces = page.url, page.locator("[data-piece]")
    come: list[Route] = []
    page.route("**/history/*/judge", lambda route: come.append(route))
    for _ in range(pieces.count() - 1):
        page.keyboard.press("ArrowRight")
    last = shown(page)
    page.keyboard.press("3")
    page.keyboard.press("3")
    expect(page.locator("[data-done]")).to_have_text("1 judged ·")
    page.keyboard.press("u")
    assert shown(page) == last
    for _ in range(2):
        wait_within(page, lambda: come != [], "it is sent")
        come.pop().continue_()
    page.wait_for_timeout(300)
    assert (page.url, shown(page), come) == (address, last, [])


def test_what_could_not_be_kept_is_said_until_it_was_shown_again(
    page: Page, filled: Filled, database: embedded.Server
) -> None:
    page.goto(f"{filled.url}/history/judge")
    status, pieces = page.locator("[data-status]"), page.locator("[data-piece]")
    wrong = shown(page)
    page.route("**/history/*/judge", lambda route: route.abort(), times=1)
    page.keyboard.press("3")
    expect(status).to_contain_text("Not saved: 1")
    page.keyboard.press("Enter")
    expect(status).to_have_text(
        re.compile("That was .+ Not saved: 1. What was not saved will be shown again")
    )
    for _ in range(pieces.count() - 2):
        page.keyboard.press("ArrowRight")
    expect(status).to_have_text("Your judgement of this one could not be saved. Judge it again.")
    assert shown(page) == wrong
    page.keyboard.press("8")
    expect(status).to_have_text("That was 8.")
    wait_until(lambda: stored(database, wrong).true_label == "8", "kept")


def test_what_waits_for_an_operator_is_reviewed_by_keyboard_alone(
    page: Page, filled: Filled, database: embedded.Server
) -> None:
    page.goto(f"{filled.url}/history")
    page.get_by_role("link", name="Review").click()
    expect(page.locator(".heading")).to_contain_text("5 drawings to review")
    reviewed, status = [], page.locator("[data-status]")
    expect(page.locator("[data-piece]:not([hidden])")).to_contain_text("and something else by another")
    for key, said in {"3": "3", "x": "Not a digit", "s": "Skip for good", "Enter": None}.items():
        reviewed.append(shown(page))
        page.keyboard.press(key)
        expect(status).to_have_text(re.compile(f"That was {said or '.+'}\\.", re.IGNORECASE))
    # What is asked for meanwhile would show the drawing as reviewed.
    with page.expect_response(lambda answer: "taken_back" in (answer.request.post_data or "")):
        page.keyboard.press("u")
    expect(status).to_have_text("Taken back.")
    assert shown(page) == reviewed[-1]

    def decided() -> dict[str, tuple]:
        query = "SELECT prediction_id, decision, label FROM reviews WHERE decision IS NOT NULL"
        with engine.opened(database.url) as opened, opened.connect() as connection:
            return {str(row[0]): tuple(row[1:]) for row in connection.execute(text(query))}

    expected = [("label", "3"), ("not_a_digit", None), ("skip", None)]
    wait_until(lambda: decided() == dict(zip(reviewed[:3], expected, strict=True)), "kept")
    page.reload()
    expect(page.locator(".heading")).to_contain_text("2 drawings to review")
    assert shown(page) == reviewed[3]
    # What is reviewed is no judgement of its visitor's.
    assert stored(database, reviewed[0]).true_label != "3"


def test_of_many_labels_one_is_written(page: Page, filled: Filled, database: embedded.Server) -> None:
    names = [f"bird {number:02}" for number in range(13)]
    with engine.opened(database.url) as opened:
        known = Drawings(opened).find(filled.drawing, None)
        assert known is not None
        birds = [
            replace(
                drawing(known.prediction.session_id, 7, datetime.now(UTC)),
                predicted_label=names[7],
                probabilities=dict.fromkeys(names, 1 / 13),
                model_name="birds",
            )
            for _ in range(2)
        ]
        PredictionLog(opened).write(birds)
    page.goto(f"{filled.url}/history/judge?model=birds/1.0.0")
    field, status = page.get_by_role("combobox", name="Another label"), page.locator("[data-status]")
    field.fill("bird 3")  # digits and letters that are no keys here
    field.press("Enter")
    expect(status).to_have_text("No label has that name.")
    field.fill("Bird 11")
    field.press("Enter")
    expect(status).to_have_text("That was bird 11.")
    field.fill("bird 03")
    field.press("Enter")
    expect(page.get_by_text("All of them have been judged.")).to_be_visible()
    assert {stored(database, str(bird.id)).true_label for bird in birds} == {"bird 11", "bird 03"}
