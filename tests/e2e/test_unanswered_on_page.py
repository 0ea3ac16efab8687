"""What the page does where a question gets no answer but a proxy's words, of which Gradio tells nobody.

TorchServe is played by a small server; there is no database.
"""

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.page import SEVEN, draw, opened
from tests.e2e.test_pictures_on_page import page_address

__all__ = ["page_address"]

pytestmark = [pytest.mark.integration, pytest.mark.browser]


def lose_next(page: Page | BrowserContext, path: str) -> None:
    page.route(path, lambda route: route.fulfill(status=502, body="Bad gateway"), times=1)


def test_whoever_asked_is_told_and_may_ask_again(visitor: BrowserContext, page_address: str) -> None:
    page = opened(visitor, page_address)
    draw(page, SEVEN)
    expect(page.locator(".history li")).to_have_count(1)

    lose_next(page, "**/run/predict*")
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".judge-said.is-complaint")).to_contain_text("no answer")
    expect(page.locator(".judge button[aria-pressed=true]")).to_have_count(0)
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".judge-said:not(.is-complaint)")).to_have_text("Saved: it is 7")

    for _ in range(2):
        lose_next(page, "**/run/predict*")
        page.get_by_role("button", name="Why?").click()
        expect(page.locator(".why-words")).to_contain_text("no answer")
        expect(page.get_by_role("button", name="Why?")).to_have_attribute("aria-pressed", "false")

    lose_next(page, "**/run/predict*")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete my drawings").click()
    expect(page.locator(".privacy [role=status]")).to_contain_text("no answer")


def test_a_model_can_be_chosen_though_the_first_choice_has_no_answer(
    visitor: BrowserContext, page_address: str
) -> None:
    lose_next(visitor, "**/queue/join*")
    page = opened(visitor, page_address)
    expect(page.locator(".chooser-notice")).to_contain_text("no answer")
    expect(page.get_by_label("Model")).to_be_enabled()
    draw(page, SEVEN)
    expect(page.get_by_test_id("label")).to_have_text("7")


def test_a_drawing_that_fails_is_said_to_have_no_answer_at_once(
    visitor: BrowserContext, page_address: str
) -> None:
    page = opened(visitor, page_address)
    lose_next(page, "**/run/predict*")
    draw(page, SEVEN)
    expect(page.locator(".reading-headline")).to_have_text("No answer yet", timeout=4_000)
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_test_id("label")).to_have_text("7")
