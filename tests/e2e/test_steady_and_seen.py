"""Each view while it loads, for whom motion is too much, and in forced colours."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.filled import Filled, sign_in

pytestmark = [pytest.mark.integration, pytest.mark.browser]

VIEWS = (
    "",
    "#privacy",
    "history",
    "history#privacy",
    "history/judge",
    "history/{drawing}",
    "analytics",
    "models",
)
SHIFTS_FROM_THE_START = """
  window.shifted = [];
  const where = ({ node, previousRect, currentRect }) =>
    [node?.className, previousRect.toJSON(), currentRect.toJSON()];
  new PerformanceObserver((list) => {
    for (const { value, sources } of list.getEntries()) window.shifted.push([value, sources.map(where)]);
  }).observe({ type: "layout-shift", buffered: true });
"""
# The longest animation or transition of what is on the page, seconds.
LONGEST_S = """() => {
  const kinds = ["animationDuration", "transitionDuration"];
  const times = (style) => kinds.flatMap((kind) => style[kind].split(",").map(parseFloat));
  return Math.max(...[...document.querySelectorAll("body, body *")].flatMap((element) =>
    ["", "::before", "::after"].flatMap((part) => times(getComputedStyle(element, part)))));
}"""
GROUND = "element => getComputedStyle(element).backgroundColor"
BORDER = "element => [getComputedStyle(element).borderTopWidth, getComputedStyle(element).borderTopColor]"
NOTHING = "rgba(0, 0, 0, 0)"
CHOSEN_AND_OTHER = ("[aria-current]", ":not([aria-current])")


@pytest.fixture
def ada(chromium: Browser, filled: Filled, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """The browser of an operator who has drawn, with what the test asks for."""
    with chromium.new_context(**getattr(request, "param", {})) as context:
        context.set_default_timeout(15_000)
        sign_in(context.new_page(), filled.url, "ada")
        yield context


def opened(page: Page, filled: Filled, path: str) -> None:
    page.goto("about:blank")  # of an address that differs in its end alone, nothing would be loaded
    page.goto(f"{filled.url}/{path.format(drawing=filled.drawing)}", wait_until="networkidle")
    if not path or path.startswith("#"):
        page.locator(".history").wait_for()
        page.locator(".chooser select").wait_for()


@pytest.mark.parametrize(
    "ada",
    [{"viewport": {"width": 1200, "height": 900}}, {"viewport": {"width": 390, "height": 844}}],
    indirect=True,
    ids=["desktop", "phone"],
)
def test_nothing_moves_while_a_view_is_loaded(ada: BrowserContext, filled: Filled) -> None:
    page = ada.pages[0]
    page.add_init_script(SHIFTS_FROM_THE_START)
    moved = {}
    for path in VIEWS:
        opened(page, filled, path)
        page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        moved[path] = page.evaluate("window.shifted")
    assert moved == {path: [] for path in VIEWS}


@pytest.mark.parametrize("ada", [{"reduced_motion": "reduce"}], indirect=True)
def test_for_whom_motion_is_too_much_nothing_takes_time(ada: BrowserContext, filled: Filled) -> None:
    page = ada.pages[0]
    longest_s = {}
    for path in VIEWS:
        opened(page, filled, path)
        longest_s[path] = page.evaluate(LONGEST_S)
    opened(page, filled, "history")
    page.locator(".rows a").first.click()
    page.locator("dialog.drawer[open] h1").wait_for()
    longest_s["drawer"] = page.evaluate(LONGEST_S)
    assert {path: time_s for path, time_s in longest_s.items() if time_s > 0.01} == {}


@pytest.mark.parametrize("ada", [{"forced_colors": "active"}], indirect=True)
def test_forced_colours_show_what_is_chosen_and_the_bars(ada: BrowserContext, filled: Filled) -> None:
    page = ada.pages[0]
    opened(page, filled, "history?show=wrong")
    chosen, other = (page.locator(f".chips a{which}").first for which in CHOSEN_AND_OTHER)
    assert chosen.evaluate(GROUND) != other.evaluate(GROUND)
    here, there = (page.locator(f".views a{which}").first for which in CHOSEN_AND_OTHER)
    assert here.evaluate(GROUND) != there.evaluate(GROUND)

    opened(page, filled, "history/{drawing}")
    canvas = page.evaluate(f"({GROUND})(document.body)")
    top, rest = page.locator(".bar.is-top .bar-fill").first, page.locator(".bar:not(.is-top) .bar-fill").first
    assert len({canvas, NOTHING, top.evaluate(GROUND), rest.evaluate(GROUND)}) == 4
    page.locator(".labels button[name=label]").nth(3).click()
    pressed, others = (page.locator(f".labels button[aria-pressed={is_it}]") for is_it in ("true", "false"))
    expect(pressed).to_have_count(1)
    assert pressed.evaluate(GROUND) != others.first.evaluate(GROUND)

    opened(page, filled, "history/{drawing}?why=importance")
    legend = "element => getComputedStyle(element, '::before').backgroundColor"
    assert page.locator(".mark").first.evaluate(legend) == "rgb(214, 51, 108)"

    opened(page, filled, "models")
    ready, idle = page.locator(".state.is-ready").first, page.locator(".state:not(.is-ready)").first
    assert ready.evaluate(BORDER) != idle.evaluate(BORDER)
