"""The history's pages in a real Chromium: each drawing is on one of them, whatever another tab changes."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import Engine

from db import embedded, engine
from db.log import PredictionLog
from db.records import Prediction
from db.user_rows import Users
from tests.e2e.filled import Filled, drawing
from tests.e2e.page import SEVEN
from tests.e2e.page import draw as stroke

pytestmark = [pytest.mark.integration, pytest.mark.browser]


@pytest.fixture(scope="module")
def opened(database: embedded.Server) -> Iterator[Engine]:
    with engine.opened(database.url) as created:
        yield created


@pytest.fixture
def page(ada: BrowserContext) -> Iterator[Page]:
    page = ada.new_page()
    yield page
    page.close()


def draw(opened: Engine, count: int, first_at: datetime) -> list[Prediction]:
    """Store so many drawings of ada's that nobody has judged, a second apart."""
    found = Users(opened).find("ada")
    assert found is not None
    session_id = f"user:{found[0].id}"
    times = (first_at + timedelta(seconds=number) for number in range(count))
    made = [replace(drawing(session_id, 5, at), drawing_id=None) for at in times]
    PredictionLog(opened).write(made)
    return made


def listed(page: Page) -> list[str | None]:
    return [link.get_attribute("href") for link in page.locator("[data-rows] a").all()]


def turn(page: Page) -> None:
    page.get_by_role("link", name="Older").click()
    expect(page.get_by_role("link", name="Newest")).to_be_visible()


def test_what_came_meanwhile_pushes_no_drawing_off_both_pages(
    page: Page, filled: Filled, opened: Engine
) -> None:
    page.goto(f"{filled.url}/history")
    before = listed(page)
    new = draw(opened, 10, datetime.now(UTC))
    page.get_by_role("link", name="Older").focus()
    other = page.context.new_page()
    other.goto(f"{filled.url}/history")
    other.evaluate("new BroadcastChannel('sketchserve-history').postMessage('changed')")
    expect(page.locator("[data-rows] a").first).to_have_attribute("href", re.compile(str(new[-1].id)))
    expect(page.get_by_role("link", name="Older")).to_be_focused()
    first = listed(page)
    turn(page)
    assert set(before) <= {*first, *listed(page)}


def test_what_is_judged_meanwhile_leaves_no_drawing_on_both_pages(
    page: Page, filled: Filled, opened: Engine
) -> None:
    draw(opened, 50, datetime.now(UTC) - timedelta(days=40))
    page.goto(f"{filled.url}/history?show=open")
    drawer = page.locator("dialog.drawer[open]")
    for _ in range(2):
        row = page.locator("[data-rows] a").first
        address = row.get_attribute("href")
        row.click()
        drawer.locator(".judge button[name=label]").first.click()
        expect(drawer.get_by_role("button", name="Take it back")).to_be_visible()
        drawer.get_by_role("button", name="Close").click()
        expect(page.locator(f'[data-rows] a[href="{address}"]')).to_have_count(0)
    first = listed(page)
    turn(page)
    assert not {*first} & {*listed(page)}


def test_drawings_that_were_passed_over_are_not_called_judged(page: Page, filled: Filled) -> None:
    page.goto(f"{filled.url}/history/judge")
    skip = page.get_by_role("button", name="Skip")
    passed_over = page.get_by_text("The rest were skipped")
    first = page.locator("[data-piece]").first.get_by_role("img").get_attribute("src")
    while not passed_over.count():
        address = page.url
        for _ in page.locator("[data-piece]").all():
            skip.click()
        page.wait_for_url(lambda url, before=address: url != before)
    expect(page.get_by_text("All of them have been judged.")).to_have_count(0)
    page.get_by_role("link", name="Judge the skipped ones").click()
    expect(page.locator("[data-piece]").first.get_by_role("img")).to_have_attribute("src", first or "")


def test_a_second_tab_hears_of_what_the_first_one_draws_and_judges(
    ada: BrowserContext, filled: Filled
) -> None:
    page = ada.pages[0]
    page.goto(filled.url)
    page.locator("html[data-paper]").wait_for()
    listed, pad = ada.new_page(), ada.new_page()
    listed.goto(f"{filled.url}/history")
    pad.goto(filled.url)
    pad.locator(".history li").first.wait_for()
    drawings = listed.locator("[data-counted]")
    count = int(drawings.inner_text().split()[0])
    newest = listed.locator(".rows li").first

    page.bring_to_front()  # the others are told, not looked at
    stroke(page, SEVEN)
    expect(drawings).to_have_text(f"{count + 1} drawings")
    expect(newest).to_have_class("is-open")
    page.get_by_role("button", name="Yes").click()
    expect(newest).to_have_class("is-right")

    # And the other way round: what is said in the list is seen on the pad's page.
    listed.bring_to_front()
    newest.get_by_role("link").click()
    listed.locator("dialog[open]").get_by_role("button", name="1", exact=True).click()
    expect(newest).to_have_class(re.compile("is-(wrong|left-open)"))
    expect(pad.locator(".history li").first).to_have_text(re.compile("7 or 1.*1$", re.DOTALL))
    listed.close()
    pad.close()
