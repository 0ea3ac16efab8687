"""The history's list by keyboard: one drawing over it."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from db import embedded, engine
from db.drawings import Drawings
from db.log import PredictionLog
from tests.e2e.filled import Filled, drawing

pytestmark = [pytest.mark.integration, pytest.mark.browser]


@pytest.fixture
def page(ada: BrowserContext, filled: Filled) -> Iterator[Page]:
    """The list of what nobody has judged."""
    page = ada.new_page()
    page.goto(f"{filled.url}/history?show=open")
    yield page
    page.close()


def row(page: Page, number: int) -> Locator:
    return page.locator(".rows a").nth(number)


def path(page: Page, number: int) -> str:
    return row(page, number).get_attribute("href") or ""


def drawer(page: Page) -> Locator:
    return page.locator("dialog.drawer[open]")


def open_drawer(page: Page, number: int) -> Locator:
    """Open a row with the keyboard."""
    row(page, number).focus()
    page.keyboard.press("Enter")
    expect(drawer(page).get_by_role("heading", level=1)).to_be_visible()
    return drawer(page)


def test_a_row_opens_over_the_list_at_the_address_of_its_drawing(page: Page, filled: Filled) -> None:
    address = path(page, 1)
    opened = open_drawer(page, 1)
    expect(page).to_have_url(filled.url + address)
    expect(page).to_have_title(re.compile("^Read as"))
    expect(opened.get_by_role("button", name="Close")).to_be_focused()
    expect(opened.locator(".frame img")).to_be_visible()
    expect(opened.locator(".drawer-bar [role=status]")).to_contain_text(re.compile(r"2 of \d+"))
    page.reload()
    expect(page.get_by_role("link", name="All drawings")).to_be_visible()
    page.go_back()
    expect(row(page, 1)).to_be_visible()


@pytest.mark.parametrize("how", ["Escape", "back", "Close", "beside"])
def test_however_it_is_closed_the_list_is_where_it_was(page: Page, filled: Filled, how: str) -> None:
    open_drawer(page, 1)
    if how == "Escape":
        page.keyboard.press("Escape")
    elif how == "back":
        page.go_back()
    elif how == "Close":
        page.keyboard.press("Enter")
    else:
        page.mouse.click(20, 300)
    expect(drawer(page)).to_have_count(0)
    expect(page).to_have_url(f"{filled.url}/history?show=open")
    expect(page).to_have_title(re.compile("^History"))
    expect(row(page, 1)).to_be_focused()
    page.go_forward()
    expect(drawer(page).get_by_role("heading", level=1)).to_be_visible()


def test_who_goes_forth_and_back_before_the_answer_stays_at_the_list(page: Page) -> None:
    address = page.url
    open_drawer(page, 0)
    page.keyboard.press("Escape")
    expect(page).to_have_url(address)
    page.evaluate("""() => {
      const ask = window.fetch;
      const come = new Promise((resolve) => { window.come = resolve; });
      window.fetch = (...request) => come.then(() => ask(...request));
      const gone = () => new Promise((resolve) => addEventListener("popstate", resolve, { once: true }));
      history.forward();
      return gone().then(() => { history.back(); return gone(); });
    }""")
    with page.expect_response("**/history/*"):
        page.evaluate("come()")
    page.wait_for_timeout(300)
    expect(drawer(page)).to_have_count(0)
    assert page.url == address


def test_one_goes_on_to_the_next_drawing_and_comes_back_to_its_row(page: Page, filled: Filled) -> None:
    addresses = [path(page, number) for number in range(3)]
    opened = open_drawer(page, 0)
    page.keyboard.press("ArrowLeft")
    expect(opened.locator(".drawer-bar [role=status]")).to_have_text("This is the first one on this page.")
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(filled.url + addresses[1])
    opened.get_by_role("button", name="Older").click()
    expect(page).to_have_url(filled.url + addresses[2])
    opened.get_by_role("button", name="Newer").click()
    expect(page).to_have_url(filled.url + addresses[1])
    page.go_back()
    expect(drawer(page)).to_have_count(0)
    expect(row(page, 1)).to_be_focused()


# Both before the first one's answer can have come.
AT_ONCE = """([key, label]) => {
  const drawer = document.querySelector("dialog.drawer");
  [...drawer.querySelectorAll("button")].find((one) => one.textContent.trim() === label)?.click();
  const press = () => drawer.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  press();
  if (!label) press();
}"""


def test_two_quick_arrows_go_two_rows_on(page: Page, filled: Filled) -> None:
    third = path(page, 2)
    open_drawer(page, 0)
    page.evaluate(AT_ONCE, ["ArrowRight", None])
    expect(page).to_have_url(filled.url + third)


def test_what_is_said_is_seen_in_the_list_though_one_goes_on_at_once(page: Page, filled: Filled) -> None:
    count, second = page.locator(".rows a").count(), path(page, 1)
    open_drawer(page, 0)
    page.evaluate(AT_ONCE, ["ArrowRight", "Not a digit"])
    expect(page).to_have_url(filled.url + second)
    expect(page.locator(".rows a")).to_have_count(count - 1)


def test_a_drawing_is_judged_explained_and_deleted_without_leaving_the_list(page: Page) -> None:
    count, first, second = page.locator(".rows a").count(), path(page, 0), path(page, 1)
    opened = open_drawer(page, 0)
    opened.get_by_role("link", name="Why?").focus()
    page.keyboard.press("Enter")
    expect(opened.locator(".sheet .map")).to_be_visible()
    expect(opened.get_by_role("link", name="Hide")).to_be_focused()
    expect(page).to_have_url(re.compile(f"{first}\\?why=importance$"))
    opened.get_by_label("Model").select_option("digits-vit 1.0.0")
    opened.get_by_role("button", name="Ask").click()
    expect(opened.locator(".other [role=status]")).to_contain_text("reads it as 1")
    opened.get_by_role("button", name="Not a digit").focus()
    page.keyboard.press("Enter")
    expect(opened.locator(".judge [role=status]")).to_contain_text("It was not a digit")
    expect(opened.locator(".drawer-bar .only-heard")).to_contain_text("It was not a digit")
    expect(opened.get_by_role("button", name="Not a digit")).to_be_focused()
    # It is none of these any more; the next one is in its place.
    expect(page.locator(".rows a")).to_have_count(count - 1)
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile(f"{second}$"))
    opened.get_by_text("Delete …").click()
    opened.get_by_role("button", name="Delete this drawing").click()
    expect(drawer(page)).to_have_count(0)
    expect(page.locator(".rows a")).to_have_count(count - 2)
    expect(page).to_have_url(re.compile("/history\\?show=open$"))


def test_of_a_drawing_that_is_gone_it_says_so(page: Page, ada: BrowserContext, filled: Filled) -> None:
    address = path(page, 0)
    opened = open_drawer(page, 1)
    ada.request.post(f"{filled.url}{address}/delete", headers={"Origin": filled.url})
    page.keyboard.press("ArrowLeft")
    expect(opened.get_by_role("heading", level=1)).to_have_text("Drawing not found")


def test_where_no_script_runs_and_in_a_new_tab_a_row_leads_to_the_page(
    page: Page, ada: BrowserContext, chromium: Browser, filled: Filled
) -> None:
    address = path(page, 0)
    with ada.expect_page() as tab:
        row(page, 0).click(modifiers=["Control"])
    expect(tab.value.get_by_role("link", name="All drawings")).to_be_visible()
    tab.value.close()
    with chromium.new_context(java_script_enabled=False, storage_state=ada.storage_state()) as context:
        plain = context.new_page()
        plain.goto(f"{filled.url}/history?show=open")
        row(plain, 0).click()
        expect(plain).to_have_url(filled.url + address)
        plain.get_by_role("button", name="Not a digit").click()
        expect(plain.locator(".judge [role=status]")).to_contain_text("It was not a digit")


def test_rows_are_put_under_the_days_of_the_browser(
    ada: BrowserContext, chromium: Browser, filled: Filled, database: embedded.Server
) -> None:
    day = datetime(2025, 3, 4, tzinfo=UTC)
    with engine.opened(database.url) as opened:
        known = Drawings(opened).find(filled.drawing, None)
        assert known is not None
        made = [
            replace(
                drawing(known.prediction.session_id, 7, day + timedelta(hours=hours)),
                model_name="late",
                drawing_id=drawing_id,
            )
            for hours, drawing_id in (
                (14.5, None),
                (23.5, uuid.UUID(int=7)),
                (23.6, uuid.UUID(int=7)),
                (23.7, uuid.UUID(int=7)),
            )
        ]
        PredictionLog(opened).write(made)
    address = f"{filled.url}/history?model=late/1.0.0"
    with chromium.new_context(timezone_id="Asia/Tokyo", storage_state=ada.storage_state()) as context:
        page = context.new_page()
        page.goto(address)
        expect(page.locator(".day h2")).to_have_text(["Wed, Mar 5, 2025", "Tue, Mar 4, 2025"])
        expect(page.locator(".rows time")).to_have_text(["08:42 AM", "11:30 PM"])
        row(page, 0).click()
        answers = drawer(page).locator("section").filter(has_text="Answers to this drawing")
        expect(answers.locator("img.thumbnail")).to_have_count(3)
        expect(answers.locator("[aria-current]")).to_have_attribute("href", re.compile(str(made[-1].id)))
        expect(drawer(page).locator("time")).to_have_text("Wed, Mar 5, 2025, 08:42 AM")
    with chromium.new_context(java_script_enabled=False, storage_state=ada.storage_state()) as context:
        plain = context.new_page()
        plain.goto(address)
        expect(plain.locator(".day h2")).to_have_text(["Tue 4 Mar 2025"])
        expect(plain.locator(".rows time")).to_have_text(["23:42 UTC", "14:30 UTC"])
