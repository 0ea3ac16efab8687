"""Fixtures for browser tests: a database and a page for each test file, and a visitor for each test."""

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from db import embedded, migrate
from launch.doctor import BROWSERS, find_browser
from launch.temporary import TorchServe
from tests.e2e.filled import Filled, filled_page, sign_in
from tests.e2e.page import opened, running_page
from tests.services.postgres import empty_database, postgres_server

__all__ = ["postgres_server"]

# Five seconds, unless it is said: the machine may be busy.
expect.set_options(timeout=15_000)


@pytest.fixture(scope="module")
def database(postgres_server: embedded.Server) -> Iterator[embedded.Server]:
    """The session's PostgreSQL, with a migrated database of this test file's own."""
    with empty_database(postgres_server.url) as url:
        migrate.upgrade(url)
        yield replace(postgres_server, url=url)


@pytest.fixture(scope="module")
def page_address(database: embedded.Server, torchserve: TorchServe) -> Iterator[str]:
    """The address of a page before that database and the session's TorchServe."""
    with running_page(database.url, torchserve) as running:
        yield running.url


@pytest.fixture(scope="module")
def filled(database: embedded.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """A page before that database where every view has something to show."""
    with filled_page(database, tmp_path_factory.mktemp("store")) as page:
        yield page


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A running Chromium; without one its tests skip, or fail where CI is true."""
    path = find_browser()
    if path is None:
        reason = f"none of {', '.join(BROWSERS)} is on this machine: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser of its own, with nothing in its storage."""
    with chromium.new_context(viewport={"width": 1200, "height": 900}) as context:
        context.set_default_timeout(15_000)
        yield context


@pytest.fixture
def page(visitor: BrowserContext, page_address: str) -> Page:
    """The page, opened by a new visitor."""
    return opened(visitor, page_address)


@pytest.fixture(scope="module")
def ada(chromium: Browser, filled: Filled) -> Iterator[BrowserContext]:
    """A browser in which ada, an operator, has signed in at that page."""
    with chromium.new_context(viewport={"width": 1200, "height": 900}) as context:
        context.set_default_timeout(15_000)
        sign_in(context.new_page(), filled.url, "ada")
        yield context
