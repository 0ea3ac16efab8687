"""A real Chromium draws through the real nginx, with the page's policy in force."""

# Fixtures are imported by name.
# ruff: noqa: F401, F811

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Request, expect

from db import embedded
from launch.temporary import TorchServe
from system.files import PROJECT
from tests.deploy.proxy import Proxy, running_proxy
from tests.e2e.conftest import chromium, database, postgres_server, visitor
from tests.e2e.page import SEVEN, draw, opened, running_page

pytestmark = [pytest.mark.integration, pytest.mark.browser]


@pytest.fixture(params=["", "/sketch"], scope="module")
def address(
    request: pytest.FixtureRequest, database: embedded.Server, torchserve: TorchServe
) -> Iterator[str]:
    """The host's address at the proxy; the page stands at its root, or below a path."""
    path = request.param
    with (
        running_page(database.url, torchserve, UI_ROOT_PATH=path) as page,
        running_proxy(
            torchserve.inference_url.removeprefix("http://"),
            page.url.removeprefix("http://"),
            UI_ROOT_PATH=path,
        ) as proxy,
    ):
        yield proxy.url


def test_a_drawing_is_read_and_kept_without_a_complaint_of_the_browser(
    address: str, visitor: BrowserContext
) -> None:
    complaints: list[str] = []

    def note_error(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(f"{message.text}: {message.location['url']}")

    def note_stranger(request: Request) -> None:
        if not request.url.startswith((f"{address}/", "data:", "blob:")):
            complaints.append(request.url)

    visitor.on("console", note_error)
    visitor.on("request", note_stranger)
    # Below a path, the host's root leads there.
    page = opened(visitor, f"{address}/")
    draw(page, SEVEN)
    expect(page.get_by_test_id("label")).to_have_text("7")
    expect(page.locator(".history li")).to_have_count(1)
    # The pad shows a chosen picture as a data URL.
    page.get_by_role("button", name="Clear").click()
    page.locator("input[type=file][multiple]").set_input_files(PROJECT / "docs" / "seven.png")
    expect(page.get_by_test_id("label")).to_have_text("7")
    expect(page.locator(".history li")).to_have_count(2)
    assert complaints == []
