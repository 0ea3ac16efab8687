"""The page can be installed like a program, by Chromium's own check, and says its language."""

import re
import shutil
from tempfile import TemporaryDirectory

import pytest
from playwright.sync_api import Browser, expect

from launch.doctor import BROWSERS
from tests.e2e.page import opened

pytestmark = [pytest.mark.integration, pytest.mark.browser]


@pytest.mark.parametrize("view", ["", "history"])
def test_the_page_can_be_installed(chromium: Browser, page_address: str, view: str) -> None:
    """Chromium's own check; it installs nothing from a context that keeps nothing."""
    browser = next(filter(None, map(shutil.which, BROWSERS)))
    with TemporaryDirectory() as profile:
        kept = chromium.browser_type.launch_persistent_context(
            profile, executable_path=browser, args=["--no-sandbox"]
        )
        try:
            page = kept.pages[0]
            page.goto(f"{page_address}/{view}")
            page.locator("link[rel=manifest][crossorigin]").wait_for(state="attached")
            colour = page.locator("meta[name=theme-color]").first
            expect(colour).to_have_attribute("content", re.compile(r"#\w{6}"))
            protocol = kept.new_cdp_session(page)
            manifest = protocol.send("Page.getAppManifest")
            assert (manifest["url"], manifest["errors"]) == (f"{page_address}/manifest.json", [])
            assert protocol.send("Page.getInstallabilityErrors")["installabilityErrors"] == []
        finally:
            kept.close()


def test_the_page_is_in_english_whatever_the_browser_speaks(chromium: Browser, page_address: str) -> None:
    with chromium.new_context(locale="de-DE") as german:
        expect(opened(german, page_address).locator("html")).to_have_attribute("lang", "en")
