"""The button "Why?" in a real Chromium: maps whose values are known, on the drawing and off again.

TorchServe is played by a small server with a prepared answer, so that every colour on the pad is known.
"""

from collections.abc import Iterator
from typing import Literal

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.e2e.explained import BODY, LINE, colour, page_before, visit
from tests.e2e.page import draw
from tests.ui.answering import Answering, answering
from training.data.drawing import drawing, encoded

pytestmark = [pytest.mark.integration, pytest.mark.browser]


@pytest.fixture(scope="module")
def server() -> Iterator[Answering]:
    """The server that answers as it should."""
    with answering(BODY) as running:
        yield running


@pytest.fixture(scope="module")
def address(server: Answering) -> Iterator[str]:
    """The page before that server."""
    with page_before(server) as url:
        yield url


def ask_why(page: Page) -> None:
    page.get_by_role("button", name="Why?").click()
    expect(page.locator(".why-words")).to_contain_text("ink that pointed to 7")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_maps_lie_on_the_drawing_and_go_again(
    chromium: Browser, server: Answering, address: str, theme: Literal["light", "dark"]
) -> None:
    server.paths.clear()
    with visit(chromium, address, theme) as page:
        why = page.get_by_role("button", name="Why?")
        expect(why).to_be_hidden()
        draw(page, LINE)
        expect(why).to_be_visible()
        assert colour(page, 105, 205) == ""

        ask_why(page)
        # On ink only: the other cell of the map has none.
        assert (colour(page, 105, 205), colour(page, 205, 205), colour(page, 105, 100)) == (
            "mattered",
            "",
            "",
        )
        assert why.get_attribute("aria-pressed") == "true"

        page.get_by_role("button", name="Towards 1").click()
        expect(page.locator(".why-words")).to_have_text("What would tip it to 1: ink added ink erased")
        assert (colour(page, 105, 205), colour(page, 205, 145)) == ("erase", "add")

        why.click()
        assert (colour(page, 105, 205), colour(page, 205, 145)) == ("", "")
        expect(page.locator(".why-words")).to_have_text("")
        expect(page.get_by_role("button", name="What mattered")).to_be_hidden()

        # Asked once, it is known, and shown as it was seen last.
        why.click()
        expect(page.locator(".why-words")).to_contain_text("What would tip it to 1")
        assert sum("/explanations/" in path for path in server.paths) == 1


@pytest.mark.parametrize("how", ["a stroke begins", "undo", "clear"])
def test_the_maps_go_with_the_drawing_that_they_explained(chromium: Browser, address: str, how: str) -> None:
    with visit(chromium, address) as page:
        draw(page, [(0.8, 0.2), (0.8, 0.3)])
        draw(page, LINE)
        expect(page.get_by_role("button", name="Why?")).to_be_visible()
        page.wait_for_timeout(300)  # until the answer to the second stroke
        ask_why(page)
        if how == "a stroke begins":
            page.mouse.move(300, 400)
            page.mouse.down()
            expect(page.get_by_role("button", name="Why?")).to_be_hidden()
        else:
            page.get_by_role("button", name=how.capitalize()).click()
        assert colour(page, 105, 205) == ""
        expect(page.locator(".why-words")).to_have_text("")
        page.mouse.up()
        expect(page.get_by_role("button", name="Why?")).to_be_visible(visible=how != "clear")


def test_it_is_asked_and_switched_with_the_keyboard(chromium: Browser, address: str) -> None:
    with visit(chromium, address) as page:
        draw(page, LINE)
        expect(page.get_by_role("button", name="Why?")).to_be_visible()
        page.get_by_role("switch", name="Number").focus()
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Why?")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator(".why-words")).to_contain_text("ink that pointed to 7")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        expect(page.get_by_role("button", name="Towards 1")).to_have_attribute("aria-pressed", "true")
        assert colour(page, 205, 145) == "add"


def test_a_picture_is_explained_in_its_own_pixels(chromium: Browser, address: str) -> None:
    """A picture of 560 x 280 px is shown at half its size, in the middle of the pad."""
    wide = Image.new("RGB", (560, 280), "white")
    # Something at either end, or only the part with ink would be shown.
    wide.paste(drawing("7"), (0, 0))
    wide.paste(drawing("7"), (280, 0))
    with visit(chromium, address) as page:
        page.locator("input[type=file][multiple]").set_input_files(
            {"name": "wide.png", "mimeType": "image/png", "buffer": encoded(wide)}
        )
        expect(page.get_by_role("button", name="Why?")).to_be_visible()
        ask_why(page)
        # Cell (20, 10) is the picture's (105, 205), the pad's (52, 172).
        assert (colour(page, 52, 172), colour(page, 105, 205)) == ("mattered", "")


def test_words_that_a_screen_reader_waits_for_are_there_before_they_are_said(
    chromium: Browser, address: str
) -> None:
    """A live region that is not displayed while it is empty is not heard when its words come."""
    with visit(chromium, address) as page:
        draw(page, LINE)
        expect(page.get_by_role("button", name="Why?")).to_be_visible()
        for region in (".chooser-notice", ".why-words", ".pad-complaint"):
            expect(page.locator(region)).to_have_text("")
            assert page.locator(region).evaluate("element => getComputedStyle(element).display") != "none"
        # Meanwhile they take no room.
        assert lower_edge(page, ".why") == lower_edge(page, ".why-choices")


def lower_edge(page: Page, selector: str) -> float:
    box = page.locator(selector).bounding_box()
    assert box is not None
    return box["y"] + box["height"]
