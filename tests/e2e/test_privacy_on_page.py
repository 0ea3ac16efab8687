"""What visitors decide about their drawings, in a real Chromium: delete one, delete all, store none."""

import pytest
from playwright.sync_api import Dialog, Page, expect

from db import embedded, engine
from db.log import PredictionLog
from tests.e2e.page import ONE, SEVEN, draw, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.browser]


def stored(database: embedded.Server, page: Page) -> list[str]:
    """Return the labels of what PostgreSQL has of this visitor, newest first."""
    session_id = page.evaluate("localStorage.getItem('sketchserve-visitor')")
    with engine.opened(database.url) as opened:
        return [row.prediction.predicted_label for row in PredictionLog(opened).history(session_id)]


def draw_two(page: Page) -> None:
    """Draw a 7 and a 1, each on blank paper."""
    draw(page, SEVEN)
    expect(page.get_by_test_id("label")).to_have_text("7")
    page.get_by_role("button", name="Clear").click()
    draw(page, ONE)
    expect(page.locator(".history li")).to_have_count(2)


def test_all_drawings_are_deleted_once_that_is_confirmed(page: Page, database: embedded.Server) -> None:
    draw_two(page)
    asked: list[str] = []
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.get_by_role("button", name="Delete my drawings").click()
    wait_until(lambda: stored(database, page) == ["1", "7"], "both drawings stay")
    assert "cannot be undone" in asked[0]

    page.once("dialog", Dialog.accept)
    page.get_by_role("button", name="Delete my drawings").click()
    expect(page.locator(".privacy [role=status]")).to_have_text("Your drawings were deleted.")
    expect(page.locator(".history-empty")).to_be_visible()
    wait_until(lambda: stored(database, page) == [], "PostgreSQL has none of them")
    page.reload()
    expect(page.locator(".history-empty")).to_be_visible()


def test_one_drawing_is_deleted_and_the_other_stays(page: Page, database: embedded.Server) -> None:
    draw_two(page)
    page.locator(".history li a").first.click()
    page.get_by_text("Delete …").click()
    page.get_by_role("button", name="Delete this drawing").click()
    expect(page.locator(".rows li")).to_have_count(1)
    wait_until(lambda: stored(database, page) == ["7"], "the other one stays")


def test_a_visitor_who_wants_nothing_stored_is_answered_and_leaves_nothing(
    page: Page, database: embedded.Server
) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.post_data or ""))
    box = page.get_by_label("Do not store my drawings")
    box.check()
    expect(page.locator(".privacy [role=status]")).to_contain_text("read and then forgotten")
    page.reload()
    page.locator("html[data-paper]").wait_for()
    expect(box).to_be_checked()
    draw(page, SEVEN)
    expect(page.get_by_test_id("label")).to_have_text("7")
    expect(page.locator(".reading-meta")).to_contain_text("not stored, as you chose")
    expect(page.locator(".judge")).to_be_hidden()
    expect(page.locator(".history-empty")).to_be_visible()
    expect(page.get_by_role("button", name="Why?")).to_be_hidden()
    assert any('"keep":false' in body for body in sent)

    box.uncheck()
    page.get_by_role("button", name="Clear").click()
    draw(page, ONE)
    expect(page.locator(".history li")).to_have_count(1)
    wait_until(lambda: stored(database, page) == ["1"], "only the later drawing is stored")
    expect(page.get_by_role("button", name="Why?")).to_be_visible()
