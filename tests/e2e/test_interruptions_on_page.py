"""The page in a real Chromium when an answer is late, a service is away, or the page itself is stopped."""

import signal
from contextlib import closing
from pathlib import Path

import pytest
import requests
from playwright.sync_api import BrowserContext, Page, expect

from db import embedded, engine, migrate
from db.log import PredictionLog
from db.spool import Spool
from launch.temporary import TorchServe
from system.ports import free_ports
from tests.e2e.page import ONE, SEVEN, draw, opened, running_page, wait_within
from tests.ui.test_page_as_service import CUT

pytestmark = [pytest.mark.integration, pytest.mark.browser]


def label(page: Page) -> str:
    return page.get_by_test_id("label").inner_text()


def delay_next_answer(page: Page) -> None:
    """Let the next answer reach the page so late that one to a later request could overtake it."""
    page.evaluate("""() => {
      const fetchNow = window.fetch;
      window.fetch = async (...request) => {
        const isDelayed = String(request[0]).includes("/run/predict");
        if (isDelayed) window.fetch = fetchNow;
        const response = await fetchNow(...request);
        if (isDelayed) await new Promise((done) => setTimeout(done, 800));
        return response;
      };
    }""")


def test_a_late_answer_does_not_come_back_over_blank_paper(page: Page) -> None:
    delay_next_answer(page)
    draw(page, SEVEN)
    page.keyboard.press("Escape")
    expect(page.locator(".history li")).to_have_count(1)
    expect(page.locator(".reading.is-blank")).to_be_visible()
    page.wait_for_timeout(1_000)
    assert page.locator(".reading.is-blank").count() == 1


def test_a_late_answer_does_not_replace_a_newer_one(page: Page) -> None:
    delay_next_answer(page)
    draw(page, ONE)
    page.keyboard.press("Escape")
    draw(page, SEVEN)
    expect(page.get_by_test_id("label")).to_have_text("7")
    page.wait_for_timeout(1_000)
    assert label(page) == "7"


def test_a_drawing_outlives_an_interruption_of_the_page(page: Page) -> None:
    page.route("**/run/predict", lambda route: route.abort(), times=1)
    draw(page, SEVEN)
    # Gradio says that the connection was lost, and loads the page anew once the server answers.
    expect(page.locator(".toast-body")).to_have_count(1)
    expect(page.locator(".toast-body")).to_have_count(0)
    page.locator(".history").wait_for()
    expect(page.locator(".pad-hint")).to_be_hidden()
    expect(page.get_by_test_id("label")).to_have_text("7")


def test_history_pauses_without_the_database_and_is_complete_afterwards(
    visitor: BrowserContext, torchserve: TorchServe, tmp_path: Path
) -> None:
    server = embedded.start(tmp_path / "postgres")
    try:
        migrate.upgrade(server.url)
        with running_page(server.url, torchserve) as running:
            page = opened(visitor, running.url)
            draw(page, SEVEN)
            expect(page.locator(".history li")).to_have_count(1)
            server.stop()
            page.get_by_role("button", name="Clear").click()
            draw(page, ONE)
            expect(page.get_by_test_id("label")).to_have_text("1")
            expect(page.locator("#notice")).to_contain_text("History is paused")
            expect(page.locator(".history li")).to_have_count(2)
            page.get_by_role("button", name="Yes").click()
            assert requests.get(f"{running.url}/healthz", timeout=10).json()["status"] == "degraded"

            server = embedded.start(tmp_path / "postgres", port=server.port)
            expect(page.locator("#notice")).to_contain_text("back and complete", timeout=30_000)
            session_id = page.evaluate("localStorage.getItem('sketchserve-visitor')")
            rows = PredictionLog(engine.create(server.url)).history(session_id)
            assert [(row.prediction.predicted_label, row.true_label) for row in rows] == [
                ("1", "1"),
                ("7", None),
            ]
    finally:
        server.stop()


def test_without_torchserve_the_page_says_so_and_raises_no_alarm(
    visitor: BrowserContext, database: embedded.Server, torchserve: TorchServe
) -> None:
    (nobody,) = free_ports(1)
    url = f"http://127.0.0.1:{nobody}"
    with running_page(database.url, torchserve, TORCHSERVE_INFERENCE_URL=url) as running:
        page = opened(visitor, running.url)
        draw(page, SEVEN)
        expect(page.locator(".reading-headline")).to_have_text("The model cannot be reached.")
        expect(page.locator(".reading-detail")).to_contain_text("TorchServe is not responding.")
        page.get_by_role("button", name="Try again").click()
        expect(page.locator(".reading")).to_have_attribute("data-sent", "2")
        expect(page.locator(".toast-body")).to_have_count(0)
        assert label(page) == ""


def test_the_page_stops_soon_and_keeps_what_was_drawn(
    visitor: BrowserContext, database: embedded.Server, torchserve: TorchServe, tmp_path: Path
) -> None:
    log = tmp_path / "ui.log"
    with running_page(database.url, torchserve, log, VAR_DIR=str(tmp_path)) as running:
        page = opened(visitor, running.url)
        draw(page, SEVEN)
        expect(page.get_by_test_id("label")).to_have_text("7")
        session_id = page.evaluate("localStorage.getItem('sketchserve-visitor')")
        running.process.send_signal(signal.SIGTERM)
        # Half a second at rest. Waiting for the open browser to go, as servers do by themselves, never ends.
        assert running.process.wait(timeout=30) == 0
    assert CUT not in log.read_text()
    rows = PredictionLog(engine.create(database.url)).history(session_id)
    # A disk that was slow just then leaves it to the next start.
    with closing(Spool(tmp_path / "spool" / "records-1.sqlite")) as spool:
        assert len(rows) + spool.pending == 1


@pytest.mark.parametrize("part", ["**/draw/pad/pen.js", "**/assets/Index-*.js", "**/assets/index-*.js"])
def test_a_page_of_which_a_part_was_lost_on_the_way_comes_whole_again(
    visitor: BrowserContext, page_address: str, part: str
) -> None:
    visitor.route(part, lambda route: route.abort("connectionreset"), times=1)
    page = visitor.new_page()
    page.goto(page_address)
    page.wait_for_function("performance.getEntriesByType('navigation')[0].type === 'reload'")
    page.locator("html[data-paper]").wait_for()
    draw(page, SEVEN)
    expect(page.get_by_test_id("label")).to_have_text("7")


def test_a_page_whose_parts_are_not_to_be_had_is_not_asked_for_for_ever(
    visitor: BrowserContext, page_address: str
) -> None:
    loads: list[str] = []
    visitor.on(
        "request", lambda request: loads.append(request.url) if request.is_navigation_request() else None
    )
    visitor.route("**/draw/pad/pen.js", lambda route: route.abort("connectionreset"))
    page = visitor.new_page()
    page.goto(page_address)
    wait_within(page, lambda: len(loads) == 4, "it is loaded three times again")
    expect(page.locator(".pad-complaint")).to_have_text("The pad could not be loaded. Reload the page.")
    page.wait_for_timeout(4_000)  # longer than the longest pause
    assert len(loads) == 4


# Gradio puts the page together in pieces: here the right column comes long after the pad's modules.
LATE = """
new MutationObserver((_, observer) => {
  const right = document.querySelector("#right");
  if (right === null) return;
  observer.disconnect();
  const place = document.createComment("");
  right.replaceWith(place);
  setTimeout(() => place.replaceWith(right), 1500);
}).observe(document, { childList: true, subtree: true });
"""


def test_the_pad_waits_for_what_a_busy_machine_puts_beside_it_later(
    visitor: BrowserContext, page_address: str
) -> None:
    visitor.add_init_script(LATE)
    page = opened(visitor, page_address)
    draw(page, SEVEN)
    expect(page.get_by_test_id("label")).to_have_text("7")
