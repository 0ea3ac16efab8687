"""The chooser in a real Chromium where every answer is prepared: the keyboard, and models that are not there.

TorchServe is played by a small server; `test_model_chooser.py` has the real one.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.page import SEVEN, draw, opened, played_torchserve, running_page
from tests.ui.managing import Managing, managing
from tests.ui.several_models import put_archive

pytestmark = [pytest.mark.integration, pytest.mark.browser]

NO_DATABASE = "postgresql://nobody:nothing@127.0.0.1:9/nowhere"
LENET5, VIT = ("digits-lenet5", "1.0.0"), ("digits-vit", "1.0.0")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prepared_models")


@pytest.fixture(scope="module")
def prepared(store: Path) -> Iterator[tuple[Managing, str]]:
    """The server and the address of a page before it."""
    put_archive(store, "digits.mar", "digits")
    with managing(store, loaded=["digits.mar"]) as server:
        torchserve = played_torchserve(server.url)
        with running_page(NO_DATABASE, torchserve, MODEL_STORE=str(store)) as running:
            yield server, running.url


@pytest.fixture
def server(prepared: tuple[Managing, str], store: Path) -> Managing:
    """The server with one model loaded, of three in the store; a load takes long enough to be seen."""
    server, _ = prepared
    for name in ("digits-lenet5", "digits-vit"):
        put_archive(store, f"{name}.mar", name)
        server.workers.pop((name, "1.0.0"), None)
    server.failing.clear()
    server.changes.clear()
    server.load_s = 1.0
    return server


@pytest.fixture
def page(visitor: BrowserContext, prepared: tuple[Managing, str], server: Managing) -> Page:
    page = opened(visitor, prepared[1])
    expect(page.get_by_label("Model")).to_be_enabled()
    return page


def expect_active(page: Page, path: str) -> None:
    expect(page.locator(".chooser:not(.is-loading)")).to_have_attribute("data-model", path)


def test_arrow_keys_step_through_the_models_and_enter_chooses(page: Page, server: Managing) -> None:
    select = page.get_by_label("Model")
    select.focus()
    for key in ("ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    expect(select).to_have_value("digits-vit/1.0.0")
    page.wait_for_timeout(300)
    assert server.changes == []
    page.keyboard.press("Escape")
    expect(select).to_have_value("digits")
    page.keyboard.press("d")  # the next one that begins so
    expect(select).to_have_value("digits-lenet5/1.0.0")
    page.wait_for_timeout(300)
    assert server.changes == []
    page.keyboard.press("Enter")
    expect(select).to_be_disabled()
    expect_active(page, "digits-lenet5/1.0.0")
    assert [change.split("&")[0] for change in server.changes] == ["POST /models?url=digits-lenet5.mar"]
    expect(select).to_be_focused()


def test_a_model_is_chosen_as_the_focus_leaves_and_the_focus_stays_where_it_went(
    page: Page, server: Managing
) -> None:
    page.get_by_label("Model").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    expect(page.locator(".pad-paper")).to_be_focused()
    expect_active(page, "digits-lenet5/1.0.0")
    expect(page.locator(".pad-paper")).to_be_focused()
    assert len(server.changes) == 1


@pytest.mark.parametrize("button", ["Undo", "Clear"])
def test_a_button_that_empties_the_paper_gives_the_focus_to_it(page: Page, button: str) -> None:
    draw(page, SEVEN)
    page.get_by_role("button", name=button).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=button)).to_be_disabled()
    expect(page.locator(".pad-paper")).to_be_focused()


def test_a_model_that_was_idle_comes_back_after_the_choice_that_was_under_way(
    page: Page, server: Managing
) -> None:
    page.get_by_label("Model").select_option("digits-vit/1.0.0")
    expect_active(page, "digits-vit/1.0.0")
    server.workers[VIT] = 0
    server.failing.add("digits-lenet5")
    server.load_s = 2.0
    page.get_by_label("Model").select_option("digits-lenet5/1.0.0")
    expect(page.locator(".chooser.is-loading")).to_have_count(1)
    draw(page, SEVEN)
    expect(page.locator(".reading-headline")).to_have_text(
        "digits-vit 1.0.0 was idle and is being loaded again"
    )
    expect(page.locator(".reading-meta")).to_contain_text("digits-vit 1.0.0")
    assert server.workers[VIT] == 2


def test_a_model_that_was_taken_away_gives_way_to_the_pages_own(
    page: Page, server: Managing, store: Path
) -> None:
    page.get_by_label("Model").select_option("digits-vit/1.0.0")
    expect_active(page, "digits-vit/1.0.0")
    del server.workers[VIT]
    (store / "digits-vit.mar").unlink()
    # Another visitor's page lists what is there now.
    other = page.context.new_page()
    other.goto(page.url)
    expect_active(other, "digits")
    other.close()
    draw(page, SEVEN)
    expect(page.locator(".chooser-notice.is-complaint")).to_have_text(
        "That model is no longer available. Using digits 1.0.0 instead."
    )
    expect(page.locator(".reading-meta")).to_contain_text("digits 1.0.0")
    expect(page.get_by_label("Model")).to_have_value("digits")
