"""The page for browser tests: its process on a free port, what a visitor does there, and what it sends."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests
from playwright.sync_api import BrowserContext, ConsoleMessage, Page

from launch.temporary import TorchServe
from system.files import PROJECT
from system.ports import free_ports

START_S = 60
# One stroke each, in units of the pad's side.
SEVEN = [(0.25, 0.25), (0.72, 0.25), (0.45, 0.80)]
ONE = [(0.50, 0.18), (0.50, 0.82)]


@dataclass(frozen=True)
class RunningPage:
    """The page's process and where it answers."""

    url: str
    process: subprocess.Popen[bytes]


def played_torchserve(url: str, management_url: str = "") -> TorchServe:
    """Return what a page needs to know of a TorchServe that a test plays at these addresses."""
    own = os.getpid()
    return TorchServe(url, management_url or url, Path("no token"), url, url, own, own, Path())


@contextmanager
def running_page(
    database_url: str, torchserve: TorchServe, log: Path | None = None, module: str = "ui", **changes: str
) -> Iterator[RunningPage]:
    """Run `python -m ui` on UI_PORT, or a free port, until the end of the `with`; it logs to `log`."""
    port = changes.get("UI_PORT") or free_ports(1)[0]
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        environment = {
            **os.environ,
            "DATABASE_URL": database_url,
            "TORCHSERVE_INFERENCE_URL": torchserve.inference_url,
            "TORCHSERVE_MANAGEMENT_URL": torchserve.management_url,
            "MANAGEMENT_TOKEN_FILE": str(torchserve.token_file),
            "UI_HOST": "127.0.0.1",
            "UI_PORT": str(port),
            "MODEL": "digits",
            # Not the project's own: what waits there is for another database.
            "VAR_DIR": stack.enter_context(TemporaryDirectory()),
            **changes,
        }
        stderr = stack.enter_context(log.open("ab")) if log else None
        process = stack.enter_context(
            subprocess.Popen([sys.executable, "-m", module], cwd=PROJECT, env=environment, stderr=stderr)
        )
        stack.callback(process.terminate)
        wait_until(lambda: process.poll() is not None or answers(url), f"{url}/livez", START_S)
        yield RunningPage(url, process)


def answers(url: str) -> bool:
    """Say whether the page is up."""
    try:
        return requests.get(f"{url}/livez", timeout=5).ok
    except requests.RequestException:
        return False


def is_complaint(said: ConsoleMessage) -> bool:
    """Say whether a console has an error that is the page's: what another network cost is loaded again."""
    return said.type == "error" and "ERR_NETWORK_CHANGED" not in said.text


def wait_until(is_so: Callable[[], bool], what: str, limit_s: float = 15) -> None:
    """Return once it is so; fail with `what` after the limit."""
    end = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < end, f"{what}: not so after {limit_s:g} s"
        time.sleep(0.1)


def wait_within(page: Page, is_so: Callable[[], bool], what: str) -> None:
    """Return once it is so, where the page's own events, such as routed requests, make it so."""
    for _ in range(300):
        if is_so():
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{what}: not so after 15 s")


def opened(visitor: BrowserContext, url: str) -> Page:
    """Return the page, loaded until its history shows."""
    page = visitor.new_page()
    page.goto(url)
    page.locator(".history").wait_for()
    page.locator("html[data-paper]").wait_for()  # the pad's modules have come
    return page


def draw(page: Page, path: list[tuple[float, float]]) -> None:
    """Draw one stroke with the mouse."""
    box = page.locator("canvas").bounding_box()
    assert box is not None
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in path]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=10)
    page.mouse.up()


def at(page: Page, x: float, y: float) -> tuple[float, float]:
    """Return the place on the screen of a place on the paper, whose side is 1."""
    box = page.locator(".pad-paper").bounding_box()
    assert box is not None
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def correct(page: Page, label: str) -> None:
    """Say that the drawing is something else than it was read as."""
    page.get_by_role("button", name="No, it is").click()
    page.locator(".judge-labels").get_by_role("button", name=label, exact=True).click()


def sent_by(page: Page) -> list[dict[str, Any]]:
    """Return a list to which each value is added that the pad sends from now on."""
    values: list[dict[str, Any]] = []

    def note(request: Any) -> None:
        value = (json.loads(request.post_data or "{}").get("data") or [None])[0]
        if isinstance(value, dict) and "image" in value:
            values.append(value)

    page.on("request", lambda request: note(request) if "/run/predict" in request.url else None)
    return values
