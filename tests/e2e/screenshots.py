"""Pictures of the page's views for the documentation, docs/views/*.png: `python -m tests.e2e.screenshots`.

It draws on a page of its own, before a TorchServe and a PostgreSQL of its own, and needs Chromium.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from db import embedded, migrate
from launch import temporary
from launch.doctor import find_browser
from launch.settings import read_settings
from system.files import PROJECT
from tests.e2e.page import ONE, SEVEN, correct, draw, opened, running_page
from tests.reading.written import strokes
from training.data.drawing import png as digit_png

FOLDER = PROJECT / "docs" / "views"
SIZE = {"width": 1100, "height": 860}
# Strokes in units of the pad's side, and what somebody says that they are: "" nothing, "yes" as read.
DRAWINGS = [
    ([[(0.5, 0.15), (0.3, 0.35), (0.3, 0.7), (0.5, 0.85), (0.7, 0.7), (0.7, 0.35), (0.5, 0.15)]], "yes"),
    ([ONE], "7"),
    ([[(0.35, 0.2), (0.3, 0.55), (0.7, 0.55)], [(0.62, 0.2), (0.6, 0.85)]], "yes"),
    ([[(0.3, 0.3), (0.5, 0.2), (0.68, 0.35), (0.3, 0.8), (0.72, 0.8)]], "yes"),
    ([[(0.3, 0.3), (0.6, 0.6)], [(0.3, 0.6), (0.6, 0.3)], [(0.2, 0.8), (0.8, 0.2)]], "no digit"),
    ([SEVEN], ""),
]


def main() -> int:
    """Write the pictures; return the exit status."""
    browser = find_browser()
    if browser is None:
        print("screenshots: no Chromium is here: apt-get install chromium", file=sys.stderr)
        return 2
    FOLDER.mkdir(exist_ok=True)
    store = read_settings({}).archive.parent
    with (
        tempfile.TemporaryDirectory() as folder,
        embedded.start(Path(folder)) as database,
        temporary.running(store) as torchserve,
        sync_playwright() as playwright,
    ):
        migrate.upgrade(database.url)
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        with running_page(database.url, torchserve, MODEL_STORE=str(store)) as running:
            visitor = chromium.new_context(viewport=SIZE, reduced_motion="reduce")
            page = opened(visitor, running.url)
            for strokes, said in DRAWINGS:
                _draw(page, strokes, said)
            page.screenshot(path=FOLDER / "draw.png")
            for name, path in {
                "history": "history",
                "analytics": "analytics?days=7",
                "models": "models",
            }.items():
                page.goto(f"{running.url}/{path}")
                page.screenshot(path=FOLDER / f"{name}.png")
            _drawer(page, running.url)
            _many(page, running.url, Path(folder))
            _number(page)
        chromium.close()
    return 0


def _drawer(page: Page, url: str) -> None:
    page.goto(f"{url}/history")
    page.locator(".rows a").first.click()
    page.locator("dialog.drawer[open] h1").wait_for()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=FOLDER / "drawer.png")


def _many(page: Page, url: str, folder: Path) -> None:
    page.goto(url)
    page.locator("html[data-paper]").wait_for()
    files = [folder / f"{digit}.png" for digit in "294"]
    for file in files:
        file.write_bytes(digit_png(file.stem))
    page.locator("input[type=file][multiple]").set_input_files(files)
    expect(page.locator(".many-note")).to_contain_text("Done")
    page.locator(".many").scroll_into_view_if_needed()
    page.screenshot(path=FOLDER / "many.png")
    page.get_by_role("button", name="Close").click()


def _number(page: Page) -> None:
    page.get_by_role("switch", name="Number").check()
    page.locator(".pad-paper").scroll_into_view_if_needed()
    for stroke in strokes("2026"):
        draw(page, [(0.05 + x / 520, 0.1 + 0.8 * y / 100) for x, y in stroke])
    expect(page.get_by_test_id("number")).to_have_text("2026")
    page.get_by_role("button", name="Digit 3 of 4").click()
    expect(page.locator(".judge-question")).to_be_visible()
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=FOLDER / "number.png")


def _draw(page: Page, strokes: list[list[tuple[float, float]]], said: str) -> None:
    page.keyboard.press("Escape")
    for stroke in strokes:
        draw(page, stroke)
    expect(page.locator(".reading.is-answer:not(.is-stale)")).to_be_visible()
    if said == "yes":
        page.get_by_role("button", name="Yes").click()
    elif said == "no digit":
        page.get_by_role("button", name="Not a digit").click()
    elif said:
        correct(page, said)
    if said:
        expect(page.locator(".judge-said")).to_contain_text("Saved")


if __name__ == "__main__":
    sys.exit(main())
