"""The page's modules in a blank page of a real Chromium, without the rest of the page."""

from typing import Any

from playwright.sync_api import BrowserContext, Page, Route

from ui.draw.canvas import FOLDER

HOST = "http://modules.test"


def blank_page(visitor: BrowserContext) -> Page:
    """Return a blank page from which the modules can be imported."""
    page = visitor.new_page()
    page.route(f"{HOST}/**", _answer)
    page.goto(f"{HOST}/")
    return page


def _answer(route: Route) -> None:
    name = route.request.url.removeprefix(f"{HOST}/")
    if name:
        # The pad's by their names alone, and the others below ui/.
        file = FOLDER.parent / name if "/" in name else FOLDER / "pad" / name
        route.fulfill(content_type="text/javascript", body=file.read_bytes())
    else:
        route.fulfill(content_type="text/html", body="<!doctype html>")


def run(page: Page, module: str, script: str, argument: object = None) -> Any:
    """Return what a script gives that has the module as `m` and the argument as `given`."""
    body = f"async (given) => {{ const m = await import('{HOST}/{module}'); {script} }}"
    return page.evaluate(body, argument)
