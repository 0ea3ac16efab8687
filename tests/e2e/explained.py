"""An explanation whose maps are known, for browser tests: played by a small server, and seen on the pad."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from playwright.sync_api import Browser, Page

from tests.e2e.page import played_torchserve, running_page
from tests.ui.answering import ANSWER, Answering
from tests.ui.test_explanation import EXPLAINED

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
