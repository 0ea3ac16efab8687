"""The pen on the page: taps, palms and second fingers, undo and redo, keys, ids, and the pad on any screen.

TorchServe is played by a small server; there is no database.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, CDPSession, Page, Route, expect

from tests.e2e.page import ONE, SEVEN, at, draw, opened, sent_by
from tests.e2e.test_pictures_on_page import page_address

__all__ = ["page_address"]

pytestmark = [pytest.mark.integration, pytest.mark.browser]


@pytest.fixture
def phone(chromium: Browser, page_address: str) -> Iterator[Page]:
    with chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True) as visitor:
        visitor.set_default_timeout(15_000)
        yield opened(visitor, page_address)


def touch(page: Page, session: CDPSession, kind: str, *points: tuple[float, float]) -> None:
    places = [at(page, *point) for point in points]
    at_once = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at_once})


def pen(page: Page, session: CDPSession, kind: str, point: tuple[float, float]) -> None:
    x, y = at(page, *point)
    is_down = kind != "mouseReleased"
    session.send(
        "Input.dispatchMouseEvent",
        {"type": kind, "x": x, "y": y, "button": "left", "buttons": int(is_down), "pointerType": "pen"},
    )


def is_inked(page: Page, x: float, y: float) -> bool:
    """Return whether there is ink at a place on the paper."""
    return page.evaluate(
        """async ([x, y]) => {
          // A move is painted with the next frame.
          await new Promise((painted) => requestAnimationFrame(() => setTimeout(painted)));
          const canvas = document.querySelector(".pad-paper");
          const at = (part) => Math.round(part * canvas.width);
          return canvas.getContext("2d").getImageData(at(x), at(y), 1, 1).data[0] < 128;
        }""",
        [x, y],
    )


def test_a_tap_draws_a_dot(phone: Page) -> None:
    values = sent_by(phone)
    phone.touchscreen.tap(*at(phone, 0.4, 0.6))
    expect(phone.get_by_test_id("label")).to_have_text("7")
    assert is_inked(phone, 0.4, 0.6)
    assert len(values) == 1


def test_a_second_finger_takes_the_firsts_stroke_back(phone: Page) -> None:
    values, session = sent_by(phone), phone.context.new_cdp_session(phone)
    touch(phone, session, "touchStart", (0.3, 0.3))
    touch(phone, session, "touchMove", (0.3, 0.5))
    assert is_inked(phone, 0.3, 0.4)
    touch(phone, session, "touchStart", (0.3, 0.5), (0.7, 0.5))
    touch(phone, session, "touchMove", (0.3, 0.6), (0.7, 0.6))
    touch(phone, session, "touchEnd")
    expect(phone.locator(".pad-hint")).to_be_visible()
    assert values == []
    phone.touchscreen.tap(*at(phone, 0.5, 0.5))
    expect(phone.get_by_test_id("label")).to_have_text("7")


def test_a_resting_palm_does_not_swallow_the_pens_stroke_nor_draw(phone: Page) -> None:
    session = phone.context.new_cdp_session(phone)
    touch(phone, session, "touchStart", (0.9, 0.9))
    for kind, y in (("mousePressed", 0.2), ("mouseMoved", 0.5), ("mouseReleased", 0.5)):
        pen(phone, session, kind, (0.3, y))
    touch(phone, session, "touchEnd")
    expect(phone.get_by_test_id("label")).to_have_text("7")
    assert is_inked(phone, 0.3, 0.4)
    assert not is_inked(phone, 0.9, 0.9)
    pen(phone, session, "mouseMoved", (0.3, 0.6))  # seen just now
    phone.touchscreen.tap(*at(phone, 0.8, 0.8))
    assert not is_inked(phone, 0.8, 0.8)


def test_the_mouse_lights_no_focus_ring_and_the_keyboard_does(page: Page) -> None:
    draw(page, ONE)
    paper = page.locator(".pad-paper")
    expect(paper).to_be_focused()
    expect(paper).to_have_css("outline-style", "none")
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    expect(paper).to_be_focused()
    expect(paper).to_have_css("outline-style", "solid")


def test_what_was_taken_back_or_cleared_comes_back(page: Page) -> None:
    values = sent_by(page)
    draw(page, ONE)
    draw(page, [(0.2, 0.2), (0.8, 0.2)])
    page.get_by_role("button", name="Undo").click()
    assert not is_inked(page, 0.3, 0.2)
    page.get_by_role("button", name="Redo").click()
    assert is_inked(page, 0.3, 0.2)
    page.get_by_role("button", name="Clear").click()
    assert not is_inked(page, 0.5, 0.5)
    expect(page.locator(".pad-paper")).to_be_focused()  # Clear is disabled now
    page.get_by_role("button", name="Undo").click()
    assert is_inked(page, 0.5, 0.5) and is_inked(page, 0.3, 0.2)
    page.keyboard.press("Control+z")
    assert not is_inked(page, 0.3, 0.2)
    page.keyboard.press("Control+Shift+z")
    assert is_inked(page, 0.3, 0.2)
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+y")
    assert is_inked(page, 0.3, 0.2)
    expect(page.locator(".reading")).to_have_attribute("data-sent", "10")
    ids = [value["drawing"] for value in values if value["image"]]
    assert len(set(ids)) == 1  # one drawing all along, though it was cleared once


def test_keys_work_while_a_button_has_the_focus(page: Page) -> None:
    draw(page, ONE)
    draw(page, [(0.2, 0.2), (0.8, 0.2)])
    page.get_by_role("button", name="Delete my drawings").focus()
    page.keyboard.press("Control+z")
    assert not is_inked(page, 0.3, 0.2)
    page.keyboard.press("Escape")
    expect(page.locator(".pad-hint")).to_be_visible()


def test_a_judged_drawing_that_goes_on_is_another_one(page: Page) -> None:
    values = sent_by(page)
    draw(page, ONE)
    draw(page, SEVEN)
    expect(page.locator(".reading")).to_have_attribute("data-sent", "2")
    judge = (
        "drawing => document.dispatchEvent(new CustomEvent('sketchserve-judged', { detail: { drawing } }))"
    )
    page.evaluate(judge, values[1]["drawing"])
    draw(page, [(0.2, 0.2), (0.8, 0.2)])
    expect(page.locator(".reading")).to_have_attribute("data-sent", "3")
    ids = [value["drawing"] for value in values]
    assert ids[0] == ids[1] != ids[2]


def test_a_drawing_without_an_answer_is_sent_again_after_an_outage(page: Page) -> None:
    values = sent_by(page)
    lost: list[Route] = []

    def lose_the_first(route: Route) -> None:
        if lost or "data:image" not in (route.request.post_data or ""):
            route.fallback()  # the timer asks for the history at the same address
        else:
            lost.append(route)
            route.abort()

    page.route("**/run/predict", lose_the_first)
    draw(page, SEVEN)
    expect(page.get_by_test_id("label")).to_have_text("7", timeout=30_000)
    assert is_inked(page, 0.5, 0.25)
    first, *again = values
    assert {value["drawing"] for value in again} == {first["drawing"]}
    assert again[-1]["image"] == first["image"]


def test_nothing_moves_under_the_pen(page: Page) -> None:
    page.evaluate("""() => {
      window.shift = 0;
      const note = (list) => list.getEntries().forEach(({ value, sources }) => {
        const isPads = sources.some(({ node }) => node?.parentElement?.closest("#pad, #why"));
        window.shift += isPads ? value : 0;
      });
      new PerformanceObserver(note).observe({ type: "layout-shift" });
    }""")
    tools, why = page.locator(".pad-tools").bounding_box(), page.locator("#why").bounding_box()
    draw(page, ONE)
    expect(page.get_by_test_id("label")).to_have_text("7")
    complaint = "document.querySelector('.pad-complaint').textContent = 'That is no picture. '.repeat(4)"
    page.evaluate(complaint)
    assert page.locator(".pad-tools").bounding_box() == tools
    assert page.locator("#why").bounding_box() == why
    page.locator(".pad-settings summary").click()
    assert page.locator("#why").bounding_box() == why
    assert page.evaluate("window.shift") == 0


@pytest.mark.parametrize(("width", "height"), [(844, 390), (667, 375), (640, 360)])
def test_held_sideways_the_pad_with_its_tools_is_seen_whole_beside_the_answer(
    chromium: Browser, page_address: str, width: int, height: int
) -> None:
    with chromium.new_context(viewport={"width": width, "height": height}) as visitor:
        page = opened(visitor, page_address)
        page.add_style_tag(content="#notice { display: none !important }")  # there is no database
        paper = page.locator(".pad-paper").bounding_box()
        undo = page.get_by_role("button", name="Undo").bounding_box()
        reading = page.locator("#reading").bounding_box()
        assert paper is not None and undo is not None and reading is not None
        assert undo["y"] + undo["height"] <= height
        assert reading["x"] > paper["x"] + paper["width"]
        assert paper["x"] >= 20 and paper["width"] > 200  # beside it one can scroll
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_a_low_screen_shows_the_paper_whole(chromium: Browser, page_address: str) -> None:
    with chromium.new_context(viewport={"width": 320, "height": 256}) as visitor:
        paper = opened(visitor, page_address).locator(".pad-paper").bounding_box()
        assert paper is not None
        assert paper["height"] <= 256 and paper["x"] >= 32


def test_in_forced_colours_tools_and_their_states_are_seen(chromium: Browser, page_address: str) -> None:
    with chromium.new_context(forced_colors="active") as visitor:
        page = opened(visitor, page_address)
        summary = page.locator(".pad-settings summary")
        closed = summary.evaluate("element => getComputedStyle(element).backgroundColor")
        summary.click()
        assert summary.evaluate("element => getComputedStyle(element).backgroundColor") != closed
        border = "element => getComputedStyle(element).borderTopColor"
        disabled, enabled = (
            page.get_by_role("button", name=name).evaluate(border) for name in ("Undo", "Picture")
        )
        assert disabled != enabled
