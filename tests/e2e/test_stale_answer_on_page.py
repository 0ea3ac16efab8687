"""From pen down to the answer, in a real Chromium: the answer that is shown is not the drawing's any more.

TorchServe is played by a small server that takes its time.
"""

import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.page import ONE, SEVEN, draw, opened, played_torchserve, running_page
from tests.ui.answering import ANSWER, answering

pytestmark = [pytest.mark.integration, pytest.mark.browser]

NO_DATABASE = "postgresql://nobody:nothing@127.0.0.1:9/nowhere"
# Each lets one answer come, in the order of the questions.
TURNS = threading.Semaphore(0)
WAITING = "sessionStorage.getItem('sketchserve-unanswered') !== null"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with answering(ANSWER, slow="/predictions/", turns=TURNS) as server:
        torchserve = played_torchserve(server.url)
        with running_page(NO_DATABASE, torchserve) as running:
            yield running.url


@pytest.fixture
def page(visitor: BrowserContext, address: str) -> Page:
    return opened(visitor, address)


def expect_next_answer(page: Page, number: int, *, is_stale: bool) -> None:
    """Let the next answer come, to the drawing with this number."""
    TURNS.release()
    expect_answer_to(page, number, is_stale=is_stale)


def expect_answer_to(page: Page, number: int, *, is_stale: bool) -> None:
    """Wait for the answer to the drawing with this number; look at what can be done with it."""
    reading = page.locator(".reading")
    expect(reading).to_have_attribute("data-sent", str(number))
    expect(page.locator(".reading.is-stale")).to_have_count(int(is_stale))
    expect(page.get_by_role("button", name="Why?")).to_be_visible(visible=not is_stale)
    assert page.evaluate(WAITING) == is_stale


def press_judge_button(page: Page) -> None:
    """Press one with the keyboard, which no style sheet prevents."""
    page.locator(".judge button", has_text="Not a digit").focus()
    page.keyboard.press("Enter")


def begin_stroke(page: Page) -> None:
    page.mouse.move(300, 400)
    page.mouse.down()


def cancel_stroke(page: Page) -> None:
    page.evaluate("""() => {
      const canvas = document.querySelector(".pad-paper");
      canvas.dispatchEvent(new PointerEvent("pointercancel", { pointerId: 1 }));
    }""")


def test_from_pen_down_to_the_answer_nobody_can_judge_the_drawing_before(page: Page) -> None:
    draw(page, SEVEN)
    expect_next_answer(page, 1, is_stale=False)
    begin_stroke(page)
    expect(page.locator(".reading.is-stale")).to_have_count(1)
    press_judge_button(page)
    page.mouse.up()
    press_judge_button(page)
    expect(page.locator(".judge button[aria-pressed=true]")).to_have_count(0)
    expect(page.locator(".judge")).to_have_attribute("aria-disabled", "true")
    expect_next_answer(page, 2, is_stale=False)
    press_judge_button(page)
    expect(page.locator(".judge button[aria-pressed=true]")).to_have_text(["Not a digit"])
    # One row: both answers are to one drawing, of which the last counts.
    expect(page.locator(".history .is-wrong")).to_have_count(1)
    expect(page.locator(".history li")).to_have_count(1)


def test_a_late_answer_is_not_taken_for_the_newer_drawings(page: Page) -> None:
    draw(page, ONE)
    draw(page, SEVEN)
    expect_next_answer(page, 1, is_stale=True)
    # Alike but for the number, and not taken for the same.
    expect_next_answer(page, 2, is_stale=False)


def test_a_stroke_that_was_taken_away_brings_back_the_answer_to_the_last_drawing(page: Page) -> None:
    draw(page, SEVEN)
    expect_next_answer(page, 1, is_stale=False)
    begin_stroke(page)
    expect(page.get_by_role("button", name="Why?")).to_be_hidden()
    cancel_stroke(page)
    expect_answer_to(page, 1, is_stale=False)


def test_a_stroke_that_was_taken_away_brings_back_no_older_answer(page: Page) -> None:
    draw(page, ONE)
    expect_next_answer(page, 1, is_stale=False)
    draw(page, SEVEN)
    begin_stroke(page)
    cancel_stroke(page)
    expect_answer_to(page, 1, is_stale=True)
    expect_next_answer(page, 2, is_stale=False)


def test_an_answer_that_comes_while_the_pen_is_down_waits_for_it(page: Page) -> None:
    draw(page, SEVEN)
    begin_stroke(page)
    expect_next_answer(page, 1, is_stale=True)
    cancel_stroke(page)
    expect_answer_to(page, 1, is_stale=False)
