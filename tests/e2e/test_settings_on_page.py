"""What a visitor has set, on the pad or in the browser: colours, falsified canvases, and live reading.

TorchServe is played by a small server; there is no database.
"""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Route, expect

from tests.e2e.page import ONE, at, draw, opened, sent_by
from tests.e2e.test_pictures_on_page import page_address
from tests.ui.answering import ANSWER, answering
from tests.ui.test_page_as_service import page_before

__all__ = ["page_address"]

pytestmark = [pytest.mark.integration, pytest.mark.browser]


def test_settings_are_kept_and_what_is_sent_follows_them(visitor: BrowserContext, page_address: str) -> None:
    page = opened(visitor, page_address)
    assert page.get_by_label("Pen width").input_value() == "10"
    page.get_by_label("Pen width").fill("14")
    page.locator(".pad-settings summary").click()
    page.get_by_label("Theme").select_option("dark")
    expect(page.locator("body.dark")).to_have_count(1)
    page.get_by_label("Pen", exact=True).fill("#102080")
    page.get_by_label("Paper").fill("#102081")
    expect(page.locator(".pad-complaint")).to_contain_text("hard to see")
    page.get_by_label("Paper").fill("#fff8e0")
    page.keyboard.press("Escape")
    expect(page.locator(".pad-choices")).to_be_hidden()
    page = opened(visitor, page_address)
    expect(page.locator("body.dark")).to_have_count(1)
    values = sent_by(page)
    draw(page, ONE)
    expect(page.get_by_test_id("label")).to_have_text("7")
    assert (values[0]["pen"], values[0]["paper"]) == ("#102080", "#fff8e0")
    assert page.get_by_label("Pen width").input_value() == "14"


def test_a_tab_keeps_what_another_one_chose_meanwhile(visitor: BrowserContext, page_address: str) -> None:
    first, second = opened(visitor, page_address), opened(visitor, page_address)
    first.get_by_label("Pen width").fill("14")
    second.get_by_role("switch", name="Number").check()
    first.reload()
    expect(first.get_by_label("Pen width")).to_have_value("14")
    expect(first.get_by_role("switch", name="Number")).to_be_checked()


def test_a_browser_that_falsifies_its_canvases_is_told_so(visitor: BrowserContext, page_address: str) -> None:
    visitor.add_init_script("""
      const { getImageData } = CanvasRenderingContext2D.prototype;
      CanvasRenderingContext2D.prototype.getImageData = function (...box) {
        const image = getImageData.apply(this, box);
        image.data.forEach((value, at) => { image.data[at] = value ^ 63; });
        return image;
      };
    """)
    page = opened(visitor, page_address)
    expect(page.locator(".pad-complaint")).to_contain_text("adds noise")
    draw(page, ONE)
    expect(page.get_by_test_id("label")).to_have_text("7")
    expect(page.locator(".pad-complaint")).to_contain_text("adds noise")


def test_live_reading_follows_the_pen_and_stores_only_the_end(
    visitor: BrowserContext, page_address: str
) -> None:
    visitor.add_init_script("localStorage.setItem('sketchserve-settings', '{\"live\": true}')")
    page = opened(visitor, page_address)
    values = sent_by(page)
    page.mouse.move(*at(page, 0.3, 0.2))
    page.mouse.down()
    for step in range(
        1000
    ):  # until an answer is there, and the next question went; slow answers have it wait
        page.mouse.move(*at(page, 0.3 + step % 40 / 100, 0.2))
        page.wait_for_timeout(20)
        if page.get_by_test_id("label").inner_text() == "7" and len(values) > 1:
            break
    expect(page.get_by_test_id("label")).to_have_text("7")
    expect(page.locator(".reading.is-stale")).to_have_count(0)
    expect(page.locator(".reading-meta")).not_to_contain_text("not stored")
    expect(page.locator(".reading")).to_have_attribute("data-prediction", "")
    expect(page.locator(".history li")).to_have_count(0)
    page.mouse.up()
    expect(page.locator(".history li")).to_have_count(1)
    expect(page.locator(".reading")).not_to_have_attribute("data-prediction", "")
    *interim, last = values
    assert len(interim) > 1
    assert all((value["interim"], value["keep"]) == (True, False) for value in interim)
    assert (last["keep"], "interim" in last) == (True, False)
    assert {value["drawing"] for value in interim} == {interim[0]["drawing"]}


@pytest.mark.parametrize(
    "answer", [{"json": {"data": [{"__type__": "update"}]}}, {"status": 502, "body": "Bad gateway"}]
)
def test_without_an_answer_the_pen_is_not_followed_for_a_while_and_the_drawing_is_read(
    visitor: BrowserContext, page_address: str, answer: dict[str, Any]
) -> None:
    """The page's server has no time for it and shows nothing new, or a proxy does not reach that server."""
    visitor.add_init_script("localStorage.setItem('sketchserve-settings', '{\"live\": true}')")
    page = opened(visitor, page_address)
    values = sent_by(page)

    def put_off(route: Route) -> None:
        value = (json.loads(route.request.post_data or "{}").get("data") or [None])[0]
        if isinstance(value, dict) and value.get("interim"):
            route.fulfill(**answer)
        else:
            route.continue_()

    page.route("**/run/predict*", put_off)
    page.mouse.move(*at(page, 0.3, 0.2))
    page.mouse.down()
    for step in range(40):
        page.mouse.move(*at(page, 0.3 + step / 100, 0.2))
        page.wait_for_timeout(20)
    expect(page.locator("html")).to_have_attribute("data-sent", "")  # so that no "Reading ..." appears
    page.unroute("**/run/predict*")
    page.mouse.up()
    expect(page.get_by_test_id("label")).to_have_text("7")
    assert [value.get("interim", False) for value in values] == [True, False]


def test_no_live_answer_comes_after_the_drawings_own(visitor: BrowserContext, tmp_path: Path) -> None:
    """The interim question's answer takes longer than the stroke: the drawing waits for it."""
    visitor.add_init_script("localStorage.setItem('sketchserve-settings', '{\"live\": true}')")
    turns = threading.Semaphore(0)
    with (
        answering(ANSWER, slow="/predictions/", turns=turns) as server,
        page_before(server.url, tmp_path / "ui.log") as running,
    ):
        page = opened(visitor, running.url)
        values = sent_by(page)
        page.mouse.move(*at(page, 0.3, 0.2))
        page.mouse.down()
        page.wait_for_timeout(200)
        page.mouse.move(*at(page, 0.6, 0.2), steps=3)
        page.mouse.up()
        turns.release()
        expect(page.locator(".reading")).to_have_attribute("data-sent", "1")
        expect(page.locator(".reading.is-stale")).to_have_count(1)
        turns.release()
        expect(page.locator(".reading")).to_have_attribute("data-sent", "2")
        expect(page.locator(".reading.is-stale")).to_have_count(0)
        assert [value.get("interim", False) for value in values] == [True, False]
