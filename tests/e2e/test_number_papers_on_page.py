"""What each of the two papers keeps on the page: when one takes the other's place, and without an answer."""

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import select

from db import embedded, engine
from db.schema import predictions
from tests.e2e.number import answer_of, expect_read, nothing_moved, page, write
from tests.e2e.page import SEVEN, draw, wait_until, wait_within
from tests.e2e.test_web_pictures_on_page import give
from tests.reading.written import png, sheet

__all__ = ["page"]

pytestmark = [pytest.mark.integration, pytest.mark.browser]

SENT = "document.documentElement.dataset.sent"  # which question of the pad's has what is seen for its answer
BUSY = '{"code": 503, "type": "Unavailable", "message": "The model cannot be reached."}'


def test_one_digit_is_read_as_before_and_each_paper_keeps_what_is_on_it(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/read?" in request.url else None)
    write(page, "20")
    expect_read(page, "20")
    read = len(asked)
    switch = page.get_by_role("switch", name="Number")
    switch.uncheck()
    expect(page.locator(".reading.is-blank")).to_be_visible()
    expect(page.locator("#number")).to_be_hidden()
    draw(page, SEVEN)
    expect(page.get_by_test_id("label")).to_have_text("7")
    expect(page.locator(".history li")).to_have_count(3)
    seven, sent = answer_of(page), page.evaluate(SENT)
    switch.check()
    expect_read(page, "20")
    expect(page.locator(".judge-question")).to_have_text("Is it 0?")
    switch.uncheck()
    expect(page.locator(".judge-question")).to_have_text("Is it 7?")
    assert answer_of(page) == seven
    # Nothing was asked again, and the switch outlives the page.
    assert page.evaluate(SENT) == sent
    switch.check()
    page.reload()
    expect(switch).to_be_checked()
    expect(page.locator("#number")).to_be_visible()
    expect(page.get_by_role("button", name="Clear")).to_be_disabled()
    assert len(asked) == read


def test_without_an_answer_one_line_says_why_and_ask_again_asks(page: Page) -> None:
    def refuse(route: Route) -> None:
        route.fulfill(status=503, content_type="application/json", body=BUSY)

    page.route("**/read?*", refuse)
    write(page, "2")
    expect(page.locator(".number-words")).to_have_text("The model cannot be reached.")
    expect(page.locator(".number-heard")).to_have_text("The model cannot be reached.")
    page.unroute("**/read?*")
    page.get_by_role("button", name="Try again").click()
    expect_read(page, "2")
    expect(page.get_by_role("button", name="Try again")).to_be_hidden()
    assert nothing_moved(page)


@pytest.mark.parametrize("is_loaded_anew", [False, True], ids=["page stays", "page is loaded anew"])
def test_a_digit_whose_answer_was_lost_and_that_is_undone_is_in_no_history(
    page: Page, database: embedded.Server, is_loaded_anew: bool
) -> None:
    write(page, "20")
    expect_read(page, "20")

    def lose(route: Route) -> None:
        route.fetch()  # the server has answered, and stored it
        route.abort()

    page.route("**/read?*", lose)
    write(page, "201", begin=2)
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    page.unroute("**/read?*")
    if is_loaded_anew:
        page.reload()
        expect_read(page, "201")
    page.get_by_role("button", name="Undo").click()
    expect_read(page, "20")
    visitor = page.evaluate("localStorage.getItem('sketchserve-visitor')")
    own = select(predictions.c.predicted_label, predictions.c.is_superseded).where(
        predictions.c.session_id == visitor
    )
    with engine.opened(database.url) as opened_database:

        def stored() -> tuple[list[str], bool]:
            """Return the labels that count, and whether the lost one was stored and counts no longer."""
            with opened_database.connect() as connection:
                rows = [tuple(row) for row in connection.execute(own)]
            return sorted(label for label, is_superseded in rows if not is_superseded), ("1", True) in rows

        wait_until(lambda: stored() == (["0", "2"], True), "only what is on the paper counts")


def test_a_picture_that_comes_late_lands_on_the_paper_that_is_there_and_is_read(page: Page) -> None:
    switch = page.get_by_role("switch", name="Number")
    switch.uncheck()
    draw(page, SEVEN)
    expect(page.get_by_test_id("label")).to_have_text("7")
    held: list[Route] = []
    page.route("**/fetch", lambda route: held.append(route))
    with page.expect_request("**/fetch"):
        give(page, "paste", "text/plain", "https://pictures.example/number.png")
    switch.check()
    wait_within(page, lambda: len(held) == 1, "the picture is asked for")
    held[0].fulfill(body=png(sheet("45")), content_type="image/png")
    expect_read(page, "45")
    switch.uncheck()
    expect(page.locator(".judge-question")).to_have_text("Is it 7?")


def test_what_had_no_answer_outlives_a_reload_on_the_other_paper_too(page: Page) -> None:
    page.route("**/read?*", lambda route: route.abort())
    write(page, "20")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    switch = page.get_by_role("switch", name="Number")
    switch.uncheck()
    expect(page.locator(".reading.is-blank")).to_be_visible()
    page.reload()
    page.locator("html[data-paper=blank]").wait_for()
    page.unroute("**/read?*")
    switch.check()
    expect_read(page, "20")
    assert page.evaluate("sessionStorage.getItem('sketchserve-unanswered-number')") is None


def test_blank_paper_hears_of_a_model_that_was_chosen_beside_the_other_one(page: Page) -> None:
    page.evaluate("document.dispatchEvent(new CustomEvent('sketchserve-model'))")
    sent = int(page.evaluate(SENT))
    page.get_by_role("switch", name="Number").uncheck()
    expect(page.locator(f".reading.is-blank[data-sent='{sent + 1}']")).to_be_visible()
