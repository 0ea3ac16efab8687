"""The model chooser in a real Chromium, before a real TorchServe that loads and unloads real archives."""

import json
import re
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from db import embedded, engine
from db.log import PredictionLog
from launch import temporary
from launch.temporary import TorchServe
from system.ports import free_ports
from tests.e2e.page import SEVEN, draw, opened, running_page, wait_until
from tests.management import manage
from ui.models.loading import READY_TIMEOUT_S

pytestmark = [pytest.mark.integration, pytest.mark.browser]

# Long enough to look at what was chosen, also on a slow machine.
IDLE_S = 6.0
# As long as the page itself waits for a model.
LOAD_MS = 1000 * READY_TIMEOUT_S
TWO = "digits-two/2.0.0"


def changed_copy(archive: Path, out: Path, name: str, labels: list[str] | None = None) -> None:
    """Copy an archive under another name, version 2.0.0, and with other labels where they are given."""
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(out, "w") as copy:
        for member in source.infolist():
            content = source.read(member)
            if member.filename == "MAR-INF/MANIFEST.json":
                manifest = json.loads(content)
                manifest["model"] |= {"modelName": name, "modelVersion": "2.0.0"}
                content = json.dumps(manifest).encode()
            if member.filename == "index_to_name.json" and labels is not None:
                content = json.dumps({str(index): label for index, label in enumerate(labels)}).encode()
            copy.writestr(member, content)


@pytest.fixture(scope="module")
def store(model_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The committed model, the same as digits-two, digits-few that no worker can load, and a torn file."""
    store = tmp_path_factory.mktemp("several_models")
    (store / "digits.mar").write_bytes((model_store / "digits.mar").read_bytes())
    changed_copy(store / "digits.mar", store / "digits-two.mar", "digits-two")
    changed_copy(store / "digits.mar", store / "digits-few.mar", "digits-few", labels=["0"])
    (store / "torn.mar").write_bytes((store / "digits.mar").read_bytes()[:1000])
    return store


@pytest.fixture(scope="module")
def server(store: Path) -> Iterator[TorchServe]:
    with temporary.running(store) as running:
        yield running


@pytest.fixture(scope="module")
def address(database: embedded.Server, server: TorchServe, store: Path) -> Iterator[str]:
    """The address of a page that takes idle models down after seconds."""
    changes = {"MODEL_STORE": str(store), "IDLE_MINUTES": str(IDLE_S / 60)}
    with running_page(database.url, server, **changes) as running:
        yield running.url


def workers(server: TorchServe, model: str) -> int:
    answer = manage(server, "GET", f"/{model}")
    return len(answer.json()[0]["workers"]) if answer.ok else -1


def choose(page: Page, path: str) -> None:
    page.get_by_label("Model").select_option(path)


def wait_until_read_by(page: Page, model: str) -> None:
    expect(page.locator(".reading-meta")).to_contain_text(model, timeout=LOAD_MS)


def test_a_model_is_loaded_when_chosen_taken_down_when_idle_and_comes_back(
    visitor: BrowserContext, address: str, server: TorchServe, database: embedded.Server
) -> None:
    page = opened(visitor, address)
    draw(page, SEVEN)
    wait_until_read_by(page, "digits 1.")
    assert workers(server, "digits-two") == -1

    choose(page, TWO)
    expect(page.locator(".chooser-notice")).to_contain_text("Loading digits-two 2.0.0")
    # The old one reads meanwhile.
    draw(page, [(0.40, 0.50), (0.60, 0.50)])
    expect(page.locator(".reading[data-sent='2'] .reading-meta")).to_contain_text("digits 1.")
    # What is on the paper is read anew, without being asked for.
    wait_until_read_by(page, "digits-two 2.0.0")
    expect(page.get_by_test_id("label")).to_have_text("7")
    expect(page.locator(".chooser-notice")).to_have_text("")

    page.reload()
    expect(page.get_by_label("Model")).to_have_value(TWO)
    expect(page.locator(".chooser")).to_have_attribute("data-model", TWO)

    wait_until(lambda: workers(server, "digits-two") == 0, "digits-two without workers", 5 * IDLE_S)
    assert workers(server, "digits") > 0
    draw(page, SEVEN)
    expect(page.locator(".reading-headline")).to_contain_text("was idle and is being loaded again")
    expect(page.locator(".chooser-notice")).to_contain_text("Loading digits-two 2.0.0 again")
    wait_until_read_by(page, "digits-two 2.0.0")
    expect(page.get_by_test_id("label")).to_have_text("7")

    session_id = page.evaluate("localStorage.getItem('sketchserve-visitor')")
    log = PredictionLog(engine.create(database.url))
    wait_until(lambda: len(log.history(session_id)) >= 2, "both drawings in the log")
    logged = [(row.prediction.model_name, row.prediction.model_version) for row in log.history(session_id)]
    # Of each drawing the last answer, whichever model gave those before.
    assert logged == [("digits-two", "2.0.0")] * 2
    expect(page.locator(".history li a").first).to_have_attribute("title", re.compile("digits-two 2.0.0"))


def test_two_people_who_choose_at_once_both_get_it(chromium: Browser, address: str) -> None:
    with chromium.new_context() as one, chromium.new_context() as other:
        pages = [opened(one, address), opened(other, address)]
        # Before they choose: who draws later than the idle time after it was loaded waits for it once more.
        for page in pages:
            draw(page, SEVEN)
        for page in pages:
            choose(page, TWO)
        for page in pages:
            wait_until_read_by(page, "digits-two 2.0.0")
            expect(page.locator(".chooser")).to_have_attribute("data-model", TWO)


def test_a_model_that_does_not_load_says_why_and_the_old_one_goes_on(
    visitor: BrowserContext, address: str, server: TorchServe
) -> None:
    page = opened(visitor, address)
    choose(page, "digits-few/2.0.0")
    notice = page.locator(".chooser-notice.is-complaint")
    expect(notice).to_contain_text(
        "digits-few 2.0.0 could not be loaded: its workers do not start", timeout=LOAD_MS
    )
    expect(page.get_by_label("Model")).to_have_value("digits")
    draw(page, SEVEN)
    wait_until_read_by(page, "digits 1.")
    # TorchServe would go on starting its workers.
    assert workers(server, "digits-few") == -1


def test_a_damaged_archive_is_shown_as_unusable(visitor: BrowserContext, address: str) -> None:
    option = opened(visitor, address).locator("option", has_text="torn.mar")
    expect(option).to_have_text("torn.mar: it is damaged")
    expect(option).to_be_disabled()


def test_without_management_the_chooser_says_so_and_the_page_reads(
    visitor: BrowserContext, database: embedded.Server, server: TorchServe, store: Path
) -> None:
    (nobody,) = free_ports(1)
    changes = {"MODEL_STORE": str(store), "TORCHSERVE_MANAGEMENT_URL": f"http://127.0.0.1:{nobody}"}
    with running_page(database.url, server, **changes) as running:
        page = opened(visitor, running.url)
        expect(page.locator(".chooser-notice")).to_contain_text("Other models cannot be loaded now")
        expect(page.locator(".chooser option:enabled")).to_have_count(1)
        draw(page, SEVEN)
        expect(page.get_by_test_id("label")).to_have_text("7")


def test_the_chooser_fits_a_phone_and_does_not_move_the_pad_while_it_loads(
    chromium: Browser, address: str, server: TorchServe
) -> None:
    with chromium.new_context(viewport={"width": 390, "height": 844}) as phone:
        page = opened(phone, address)
        before = page.locator(".pad-paper").bounding_box()
        wait_until(lambda: workers(server, "digits-two") <= 0, "digits-two without workers", 5 * IDLE_S)
        choose(page, TWO)
        expect(page.locator(".chooser.is-loading")).to_have_count(1)
        assert page.locator(".pad-paper").bounding_box() == before
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        expect(page.locator(".chooser")).to_have_attribute("data-model", TWO, timeout=LOAD_MS)
        time.sleep(0.2)
        assert page.locator(".pad-paper").bounding_box() == before
