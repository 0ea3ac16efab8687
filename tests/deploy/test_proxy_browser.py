"""A real Chromium draws through the real nginx, with the security headers in force."""

# Fixtures are imported by name.
# ruff: noqa: F401, F811

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from db import embedded
from launch.temporary import TorchServe
from tests.deploy.proxy import Proxy, running_proxy
from tests.e2e.conftest import chromium, database, database_folder, visitor
from tests.e2e.page import SEVEN, draw, opened, running_page

pytestmark = [pytest.mark.integration, pytest.mark.browser]


@pytest.fixture(scope="module")
def proxy(database: embedded.Server, torchserve: TorchServe) -> Iterator[Proxy]:
    """The proxy before a real page and TorchServe."""
    with (
        running_page(database.url, torchserve) as page,
        running_proxy(
            torchserve.inference_url.removeprefix("http://"), page.url.removeprefix("http://")
        ) as proxy,
    ):
        yield proxy


def draws_a_seven(visitor: BrowserContext, url: str) -> tuple[Page, list[str]]:
    """Open the page, draw, and give it with what it complained of and asked of others."""
    complaints: list[str] = []
    page_events = visitor.new_page
    del page_events
    visitor.on(
        "console", lambda message: complaints.append(message.text) if message.type == "error" else None
    )
    visitor.on(
        "request",
        lambda request: (
            None if request.url.startswith((url, "data:", "blob:")) else complaints.append(request.url)
        ),
    )
    page = opened(visitor, url)
    draw(page, SEVEN)
    expect(page.get_by_test_id("label")).to_have_text("7")
    expect(page.locator(".history tbody tr")).to_have_count(1)
    return page, complaints


def test_a_drawing_is_read_through_the_proxy_and_nothing_breaks_its_policy(
    proxy: Proxy,
    visitor: BrowserContext,
) -> None:
    _, complaints = draws_a_seven(visitor, proxy.url)
    assert complaints == []
