"""The button "Why?" in a real Chromium: maps whose values are known, on the drawing and off again.

TorchServe is played by a small server with a prepared answer, so that every colour on the pad is known.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.e2e.page import draw, played_torchserve, running_page, wait_until
from tests.ui.answering import ANSWER, Answering, answering
from tests.ui.managing import managing
from tests.ui.several_models import put_archive
from tests.ui.test_explanation import EXPLAINED
from training.data.drawing import drawing, encoded

pytestmark = [pytest.mark.integration, pytest.mark.browser]

NO_DATABASE = "postgresql://nobody:nothing@127.0.0.1:9/nowhere"
# The frame lies on the pad as it is, 10 px a value: column 10 of a map is the pad's 100 to 110.
LINE = [(105 / 280, 40 / 280), (105 / 280, 240 / 280)]


def one_cell(cells: dict[tuple[int, int], float]) -> list[list[float]]:
    """Return a map of zeros but for these cells: (row, column) -> value."""
    return [[cells.get((row, column), 0.0) for column in range(28)] for row in range(28)]


# On the line: (20, 10). On paper: (14, 20).
BODY = {
    **ANSWER,
    **EXPLAINED,
    "importance": one_cell({(20, 10): 3.0, (20, 20): 3.0}),
    "tip": one_cell({(20, 10): -2.0, (14, 20): 2.0}),
    "box": [0, 0, 280],
}


@contextmanager
def page_before(server: Answering) -> Iterator[str]:
    """Run the page that asks this server; give its address."""
    torchserve = played_torchserve(server.url)
    with running_page(NO_DATABASE, torchserve) as running:
        yield running.url


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


@contextmanager
def visit(browser: Browser, url: str, theme: Literal["light", "dark"] = "light") -> Iterator[Page]:
    """Open the page in a browser with nothing in its storage."""
    with browser.new_context(viewport={"width": 1200, "height": 900}, color_scheme=theme) as visitor:
        visitor.set_default_timeout(15_000)
        page = visitor.new_page()
        page.goto(url)
        page.locator(".history").wait_for()
        page.locator("html[data-paper]").wait_for()
        yield page


def colour(page: Page, x: int, y: int) -> str:
    """Return which map colours the pad at a place in 280ths: "mattered", "add", "erase" or ""."""
    red, green, blue, alpha = page.evaluate(
        """([x, y]) => {
          const canvas = document.querySelector(".pad-maps");
          if (canvas === null) return [0, 0, 0, 0];
          const at = (value) => Math.round(value / 280 * canvas.width);
          return Array.from(canvas.getContext("2d").getImageData(at(x), at(y), 1, 1).data);
        }""",
        [x, y],
    )
    if alpha < 100:
        return ""
    names = {"d6336c": "mattered", "1c7ed6": "add", "e8590c": "erase"}
    nearest = min(
        names,
        key=lambda name: sum(
            abs(a - b) for a, b in zip(bytes.fromhex(name), (red, green, blue), strict=True)
        ),
    )
    return names[nearest]


def ask_why(page: Page) -> None:
    page.get_by_role("button", name="Why?").click()
    expect(page.locator(".why-words")).to_contain_text("ink that spoke for 7")


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


def test_an_explanation_does_not_hold_up_the_next_stroke(chromium: Browser) -> None:
    turns = threading.Semaphore(0)
    with (
        answering(BODY, slow="/explanations/", turns=turns) as server,
        page_before(server) as url,
        visit(chromium, url) as page,
    ):
        draw(page, LINE)
        page.get_by_role("button", name="Why?").click()
        expect(page.locator(".why-words")).to_have_text("Asking the model …")
        asked = len(server.paths)
        draw(page, [(0.8, 0.2), (0.8, 0.3)])
        expect(page.get_by_role("button", name="Why?")).to_have_attribute(
            "aria-pressed", "false", timeout=1_000
        )
        wait_until(
            lambda: any("/predictions/" in path for path in server.paths[asked:]), "the stroke is read"
        )
        turns.release()
        # What was asked about the first drawing is not laid over the second.
        page.wait_for_timeout(2_000)
        assert colour(page, 105, 205) == ""
        expect(page.locator(".why-words")).to_have_text("")


def test_it_is_asked_and_switched_with_the_keyboard(chromium: Browser, address: str) -> None:
    with visit(chromium, address) as page:
        draw(page, LINE)
        expect(page.get_by_role("button", name="Why?")).to_be_visible()
        page.get_by_role("switch", name="Number").focus()
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Why?")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator(".why-words")).to_contain_text("ink that spoke for 7")
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


def test_why_there_is_no_explanation_is_said_beside_the_button(chromium: Browser) -> None:
    with answering({**BODY, "box": None}) as server, page_before(server) as url, visit(chromium, url) as page:
        draw(page, LINE)
        for _ in range(2):  # the same complaint twice is shown twice
            page.get_by_role("button", name="Why?").click()
            expect(page.locator(".why-words")).to_contain_text("in an unknown form")
        expect(page.get_by_role("button", name="Why?")).to_have_attribute("aria-pressed", "false")
        expect(page.locator(".toast-body")).to_have_count(0)


def test_an_idle_model_is_loaded_again_before_it_explains(chromium: Browser, tmp_path: Path) -> None:
    for name in ("digits", "digits-vit"):
        put_archive(tmp_path, f"{name}.mar", name)
    vit = ("digits-vit", "1.0.0")
    body = {**BODY, "model": "digits-vit"}
    with (
        managing(tmp_path, loaded=["digits.mar", "digits-vit.mar"]) as management,
        answering(body, busy="/explanations/") as server,
        running_page(
            NO_DATABASE,
            played_torchserve(server.url, management.url),
            MODEL_STORE=str(tmp_path),
        ) as running,
        visit(chromium, running.url) as page,
    ):
        page.get_by_label("Model").select_option("digits-vit/1.0.0")
        chosen = page.locator(".chooser:not(.is-loading)")
        expect(chosen).to_have_attribute("data-model", "digits-vit/1.0.0")
        draw(page, LINE)
        expect(page.locator(".reading-meta")).to_contain_text("digits-vit 1.0.0")
        management.workers[vit] = 0
        management.load_s = 1_000.0
        asked = len(server.paths)
        page.get_by_role("button", name="Why?").click()
        expect(page.locator(".why-words")).to_contain_text("digits-vit 1.0.0 was idle")
        expect(page.locator(".chooser-notice")).to_contain_text("Loading digits-vit 1.0.0 again")
        wait_until(lambda: management.workers[vit] > 0, "its workers are started")
        management.started[vit] = (0.0, 0.0)  # and now they run
        # Once it is there it reads the drawing anew, and may be asked.
        expect(page.locator(".chooser-notice")).to_have_text("")
        assert management.workers[vit] > 0
        expect(page.locator(".why-words")).to_have_text("")
        page.get_by_role("button", name="Why?").click()
        expect(page.locator(".why-words")).to_have_text(
            "The model is busy or still starting. Ask again in a moment."
        )
        assert "/predictions/digits-vit/1.0.0" in server.paths[asked:]


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
