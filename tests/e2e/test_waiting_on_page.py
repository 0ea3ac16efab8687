"""While an answer is waited for, or none comes, in a real Chromium: what is said, and that nothing moves."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from db import embedded, migrate
from tests.e2e.page import SEVEN, correct, draw, opened, played_torchserve, running_page
from tests.ui.answering import ANSWER, answering

pytestmark = [pytest.mark.integration, pytest.mark.browser]

NO_DATABASE = "postgresql://nobody:nothing@127.0.0.1:9/nowhere"
# Long enough to look at the page before an answer comes, on a slow machine too.
DELAY_S = 2.0

# What moved by itself: each shift's parts, but for what is below the answer and grows.
SHIFTS = """() => {
  window.shifted = [];
  const isBelow = (node) => (node?.closest ? node : node?.parentElement)?.closest("#history, #privacy");
  new PerformanceObserver((list) => {
    for (const { sources, value, hadRecentInput } of list.getEntries()) {
      const above = sources.filter(({ node }) => !isBelow(node));
      if (above.length && !hadRecentInput) {
        window.shifted.push([value, ...above.map(({ node }) => node?.outerHTML ?? node?.textContent)]);
      }
    }
  }).observe({ type: "layout-shift" });
}"""


@pytest.fixture(scope="module")
def slow() -> Iterator[str]:
    """The address of a page whose TorchServe takes its time."""
    with (
        answering(ANSWER, delay_s=DELAY_S, slow="/predictions/") as server,
        running_page(NO_DATABASE, played_torchserve(server.url)) as running,
    ):
        yield running.url


def opacity(page: Page, selector: str) -> float:
    return float(page.locator(selector).evaluate("element => getComputedStyle(element).opacity"))


def test_a_wait_is_said_and_the_answer_before_is_dimmed(visitor: BrowserContext, slow: str) -> None:
    page = opened(visitor, slow)
    expect(page.get_by_text("Draw one of these")).to_be_visible()
    page.mouse.move(300, 400)
    page.mouse.down()
    # Beside a drawing that would be wrong.
    expect(page.get_by_text("Draw one of these")).to_be_hidden()
    page.mouse.up()
    expect(page.get_by_text("Reading …")).to_be_visible(timeout=1_000 * DELAY_S)
    expect(page.get_by_test_id("label")).to_have_text("7")
    expect(page.get_by_text("Reading …")).to_be_hidden()
    assert opacity(page, ".reading-said") == 1

    page.mouse.down()
    assert opacity(page, ".reading-said") < 0.5
    page.mouse.up()
    expect(page.get_by_text("Reading …")).to_be_visible(timeout=1_000 * DELAY_S)
    expect(page.locator(".reading")).to_have_attribute("data-sent", "2")
    assert opacity(page, ".reading-said") == 1


def test_a_blank_paper_is_not_read(visitor: BrowserContext, slow: str) -> None:
    page = opened(visitor, slow)
    draw(page, SEVEN)
    expect(page.get_by_text("Reading …")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("Reading …")).to_be_hidden()


def test_without_the_pages_server_the_panel_says_what_is_away(visitor: BrowserContext, slow: str) -> None:
    page = opened(visitor, slow)
    visitor.set_offline(True)
    draw(page, SEVEN)
    expect(page.locator(".reading-headline")).to_have_text("No answer yet", timeout=15_000)
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    expect(page.get_by_text("Reading …")).to_be_hidden()


def test_who_asks_again_with_the_keyboard_keeps_the_focus(visitor: BrowserContext) -> None:
    with (
        answering({}, status=500) as failing,
        running_page(NO_DATABASE, played_torchserve(failing.url)) as running,
    ):
        page = opened(visitor, running.url)
        draw(page, SEVEN)
        again = page.get_by_role("button", name="Try again")
        again.focus()
        page.keyboard.press("Enter")
        expect(page.locator(".reading")).to_have_attribute("data-sent", "2")
        expect(again).to_be_focused()


def refuse(route: Route) -> None:
    """Answer what is said of a drawing as where there is no room for it."""
    said = route.request.post_data_json.get("event_data")
    if not isinstance(said, dict) or "kind" not in said:
        route.fallback()  # the timer asks for the history at the same address
        return
    value = {
        **said,
        "complaint": "Your judgement could not be saved: there is no room right now.",
        "said": "",
    }
    route.fulfill(json={"data": [value]})


@pytest.mark.parametrize("size", [(1200, 900), (390, 844)])
def test_nothing_moves_from_blank_paper_to_what_is_kept_and_the_databases_end(
    chromium: Browser, tmp_path: Path, size: tuple[int, int]
) -> None:
    server = embedded.start(tmp_path / "postgres")
    try:
        migrate.upgrade(server.url)
        with (
            answering(ANSWER) as played,
            running_page(server.url, played_torchserve(played.url)) as running,
            chromium.new_context(viewport={"width": size[0], "height": size[1]}) as visitor,
        ):
            visitor.set_default_timeout(15_000)
            page = opened(visitor, running.url)
            expect(page.get_by_label("Model")).to_be_enabled()
            page.evaluate(SHIFTS)
            before = page.locator(".pad-paper").bounding_box()
            draw(page, SEVEN)
            expect(page.locator(".judge")).to_have_attribute("data-state", "open")
            correct(page, "1")
            expect(page.locator(".judge-said")).to_have_text("Saved: it is 1")
            server.stop()
            page.evaluate("scrollTo(0, 0)")  # on a phone the labels are further down
            draw(page, SEVEN)
            expect(page.locator("#notice")).to_contain_text("paused")
            page.route("**/run/predict", refuse)
            page.get_by_role("button", name="Yes").click()
            expect(page.locator(".judge-said")).to_contain_text("no room")
            page.wait_for_timeout(700)  # what moves within half a second of a press was meant to
            assert page.evaluate("window.shifted") == []
            page.evaluate("scrollTo(0, 0)")
            assert page.locator(".pad-paper").bounding_box() == before
    finally:
        server.stop()


def test_forced_colours_show_bars_and_what_is_pressed(chromium: Browser, slow: str) -> None:
    with chromium.new_context(forced_colors="active", viewport={"width": 1200, "height": 900}) as visitor:
        page = opened(visitor, slow)
        draw(page, SEVEN)
        page.get_by_role("button", name="Yes").click()
        expect(page.locator(".judge-said")).to_contain_text("Saved")
        ground = "element => getComputedStyle(element).backgroundColor"
        canvas = page.evaluate(f"({ground})(document.body)")
        for seen in (".bar.is-top .bar-fill", ".bar:not(.is-top) .bar-fill", ".judge [data-say=yes]"):
            assert page.locator(seen).first.evaluate(ground) not in (canvas, "rgba(0, 0, 0, 0)")
        pressed, other = (page.locator(f".judge [data-say={say}]").evaluate(ground) for say in ("yes", "no"))
        assert pressed != other
        page.locator(".why-words").evaluate(
            """words => { words.innerHTML = '<span class="why-item is-mattered">ink</span>'; }"""
        )
        square = "element => getComputedStyle(element, '::before').backgroundColor"
        assert page.locator(".why-item").evaluate(square) == "rgb(214, 51, 108)"


# The browser hears late that the event stream has ended; until then it takes it for open.
SLOW_STREAM = """
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const fetchNow = window.fetch;
  window.fetch = async (asked, about) => {
    const url = asked.url ?? String(asked);
    const isHistory = url.includes("/queue/join") && !String(about?.body).includes("wanted");
    if (isHistory) await pause(1000); // until all that waited is done
    const response = await fetchNow(asked, about);
    if (!url.includes("/queue/data")) return response;
    const events = await response.text();
    await pause(2000);
    return new Response(events, { headers: response.headers });
  };
"""


def test_the_history_comes_though_an_event_stream_ends_as_it_is_asked_for(
    visitor: BrowserContext, slow: str
) -> None:
    visitor.add_init_script(SLOW_STREAM)
    page = visitor.new_page()
    page.goto(slow)
    expect(page.locator(".history")).to_be_visible(timeout=15_000)
    expect(page.get_by_label("Model")).to_be_enabled(timeout=15_000)
