"""The pad's modules in a blank page of a real Chromium, without the rest of the page."""

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
        route.fulfill(content_type="text/javascript", body=(FOLDER / "pad" / name).read_bytes())
    else:
        route.fulfill(content_type="text/html", body="<!doctype html>")


def run(page: Page, module: str, script: str, argument: object = None) -> Any:
    """Return what a script gives that has the module as `m` and the argument as `given`."""
    body = f"async (given) => {{ const m = await import('{HOST}/{module}'); {script} }}"
    return page.evaluate(body, argument)
