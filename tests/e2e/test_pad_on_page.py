"""The pad in a real Chromium: strokes by mouse and touch, pictures, undo, and the width of a phone."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from system.files import PROJECT
from tests.e2e.page import ONE, SEVEN, draw, opened

pytestmark = [pytest.mark.integration, pytest.mark.browser]


def test_one_stroke_is_one_post_with_one_picture(page: Page) -> None:
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.post_data or "") if request.post_data else None)
    draw(page, SEVEN)
    expect(page.get_by_test_id("label")).to_have_text("7")
    expect(page.locator(".history li")).to_have_count(1)
    assert sum("data:image/png" in post for post in posts) == 1


def expect_answer(page: Page, number: int) -> None:
    """Wait for the answer to the drawing that was sent with this number."""
    expect(page.locator(".reading")).to_have_attribute("data-sent", str(number))


def test_strokes_are_taken_back_with_the_keyboard(page: Page) -> None:
    draw(page, ONE)
    expect(page.get_by_test_id("label")).to_have_text("1")
    draw(page, [(0.2, 0.2), (0.8, 0.2)])
    expect_answer(page, 2)
    page.keyboard.press("Control+z")
    expect_answer(page, 3)
    expect(page.get_by_test_id("label")).to_have_text("1")
    page.keyboard.press("Escape")
    expect(page.locator(".reading.is-blank")).to_be_visible()
    expect(page.get_by_role("button", name="Clear")).to_be_disabled()


def test_a_touch_draws(chromium: Browser, page_address: str) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    with chromium.new_context(**phone) as visitor:
        page = opened(visitor, page_address)
        box = page.locator("canvas").bounding_box()
        assert box is not None
        touch = visitor.new_cdp_session(page)

        def send(kind: str, points: list[tuple[float, float]]) -> None:
            at = [{"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]} for x, y in points]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

        send("touchStart", [(0.5, 0.2)])
        for step in range(1, 13):
            send("touchMove", [(0.5, 0.2 + 0.05 * step)])
        send("touchEnd", [])
        expect(page.get_by_test_id("label")).to_have_text("1")
        assert page.evaluate("window.scrollY") == 0


def test_a_picture_is_read_too(page: Page, tmp_path: Path) -> None:
    draw(page, SEVEN)
    expect(page.get_by_test_id("label")).to_have_text("7")
    picture = page.locator("canvas").screenshot(path=tmp_path / "seven.png")
    assert picture
    page.get_by_role("button", name="Clear").click()
    page.locator("input[type=file][multiple]").set_input_files(tmp_path / "seven.png")
    expect(page.get_by_test_id("label")).to_have_text("7")
    expect(page.locator(".history li")).to_have_count(2)
    page.locator("input[type=file][multiple]").set_input_files(PROJECT / "pyproject.toml")
    expect(page.locator(".pad-complaint")).to_contain_text("cannot show that file")


def test_undo_brings_back_a_picture_that_was_drawn_over(page: Page) -> None:
    page.locator("input[type=file][multiple]").set_input_files(PROJECT / "docs" / "seven.png")
    expect(page.get_by_test_id("label")).to_have_text("7")
    draw(page, ONE)
    expect(page.get_by_test_id("label")).to_have_text("1")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_test_id("label")).to_have_text("7")
    expect_answer(page, 3)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".reading.is-blank")).to_be_visible()


def test_control_z_counts_on_the_pads_buttons_too(page: Page) -> None:
    draw(page, ONE)
    draw(page, [(0.2, 0.2), (0.8, 0.2)])
    expect_answer(page, 2)
    page.get_by_label("Pen width").focus()
    page.keyboard.press("Delete")
    page.keyboard.press("Control+z")
    expect_answer(page, 3)
    expect(page.get_by_test_id("label")).to_have_text("1")


@pytest.mark.parametrize("width", [320, 375])
def test_a_phone_shows_brush_buttons_and_corrections_whole(
    chromium: Browser, page_address: str, width: int
) -> None:
    with chromium.new_context(viewport={"width": width, "height": 800}) as visitor:
        page = opened(visitor, page_address)
        draw(page, SEVEN)
        expect(page.locator(".history li")).to_have_count(1)
        brush = page.get_by_label("Pen width").bounding_box()
        page.get_by_role("button", name="No, it is").click()
        buttons = [button.bounding_box() for button in page.locator(".judge-labels button").all()]
        assert brush is not None and brush["width"] > 200
        assert len({box["y"] for box in buttons if box is not None}) == 2
        assert page.evaluate("document.documentElement.scrollWidth") == width
