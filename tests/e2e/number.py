"""Numbers for browser tests: the page with its wide paper, what is written on it, and what is read."""

import uuid

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.page import draw
from tests.e2e.test_waiting_on_page import SHIFTS
from tests.reading.written import strokes


@pytest.fixture
def page(page: Page) -> Page:
    """The page with its wide paper."""
    page.get_by_role("switch", name="Number").check()
    page.evaluate(SHIFTS)
    return page


def write(page: Page, text: str, begin: int = 0) -> None:
    """Write the digits of a number from one on, of four that the paper has room for."""
    page.locator(".pad-paper").scroll_into_view_if_needed()
    for stroke in strokes(text[begin:]):
        draw(page, [(0.05 + (x + 120 * begin) / 520, 0.1 + 0.8 * y / 100) for x, y in stroke])


def expect_read(page: Page, text: str) -> None:
    expect(page.get_by_test_id("number")).to_have_text(text)
    expect(page.locator(".number:not(.is-stale)")).to_be_visible()


def answer_of(page: Page) -> uuid.UUID:
    """Return the id of the digit's answer that is open."""
    return uuid.UUID(page.locator(".reading").get_attribute("data-prediction"))


def nothing_moved(page: Page) -> bool:
    return page.evaluate("window.shifted") == []
