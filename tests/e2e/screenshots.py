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
        chromium.close()
    return 0


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
        expect(page.locator(".judge-said")).to_contain_text("Kept")


if __name__ == "__main__":
    sys.exit(main())
