"""The view of the models in a real Chromium, before a real TorchServe that loads, scales and unloads."""

import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Page, expect

from db import embedded, engine
from db.log import PredictionLog
from db.records import Feedback, Prediction
from launch import temporary
from launch.temporary import TorchServe
from system.files import PROJECT
from tests.e2e.page import running_page
from tests.e2e.test_model_chooser import LOAD_MS, changed_copy
from tests.management import manage
from tests.served_model import NAMED, VERSION
from tests.ui.asking import stroke

pytestmark = [pytest.mark.integration, pytest.mark.browser]
TWO = "digits-two/2.0.0"
SEVEN = (PROJECT / "docs" / "seven.png").read_bytes()
JUDGED = 30
# A drawing is read, or it is said at once why not: nobody waits for what TorchServe has dropped.
KNOWN = ("reading is-answer", "That model is not available now", "was idle and is being loaded again")


@pytest.fixture(scope="module")
def store(model_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The committed model with its card, and the same as digits-two."""
    store = tmp_path_factory.mktemp("two_models")
    (store / "digits.mar").write_bytes((model_store / "digits.mar").read_bytes())
    (store / "digits.md").write_bytes((PROJECT / "model_store" / "digits.md").read_bytes())
    changed_copy(store / "digits.mar", store / "digits-two.mar", "digits-two")
    return store


@pytest.fixture(scope="module")
def server(store: Path) -> Iterator[TorchServe]:
    with temporary.running(store) as running:
        yield running


@pytest.fixture(scope="module")
def address(database: embedded.Server, server: TorchServe, store: Path) -> Iterator[str]:
    """A page before both, whose database has judged drawings."""
    judge(database.url)
    with running_page(database.url, server, MODEL_STORE=str(store)) as running:
        yield running.url


def judge(url: str) -> None:
    now = datetime.now(UTC)
    records: list[Prediction | Feedback] = []
    for number in range(JUDGED):
        prediction = Prediction(
            id=uuid.uuid4(),
            created_at=now + timedelta(milliseconds=number),
            session_id="0" * 32,
            source="upload",
            model_name="digits",
            model_version=VERSION,
            preprocessing="a1b2c3d4",
            predicted_label="7",
            confidence=0.9,
            probabilities={"7": 0.9},
            drawing=SEVEN,
            pen_colour=None,
            background_colour=None,
            latency_ms=12.0,
            request_id="8a6e",
        )
        said = "1" if number == 0 else "7"
        records += [prediction, Feedback(prediction.id, said, prediction.created_at, "0" * 32)]
    PredictionLog(engine.create(url)).write(records)


def change(page: Page, verb: str, button: str) -> None:
    """Press what leads to a change, and confirm it in the dialog."""
    page.get_by_role("article", name="digits-two 2.0.0").locator(f"[id^={verb}]").click()
    page.locator("dialog[open]").get_by_role("button", name=button).click()
    done = page.locator(".lately li", has_text=button).first.locator("b.is-right")
    expect(done).to_have_text("done", timeout=LOAD_MS)


def ask(address: str, over: threading.Event, answers: Counter[str]) -> None:
    """Draw for digits-two, again and again, as a tab that has chosen it does."""
    body = stroke(SEVEN)
    body["data"][0]["model"] = TWO
    while not over.is_set():
        answer = requests.post(f"{address}/gradio_api/run/predict", json=body, timeout=30)
        text = str(answer.json()["data"][0])
        known = [words for words in KNOWN if words in text]
        answers[known[0] if known else text] += 1


def test_a_model_is_loaded_scaled_compared_and_unloaded_without_losing_a_drawing(
    visitor: BrowserContext, address: str, server: TorchServe
) -> None:
    page = visitor.new_page()
    page.goto(f"{address}/models")
    two = page.get_by_role("article", name="digits-two 2.0.0")
    expect(two.locator(".state").first).to_have_text("not loaded")
    change(page, "load", "Load digits-two 2.0.0")
    expect(two.locator(".state").first).to_have_text("ready")
    expect(two).to_contain_text("2 ready of 2 (min 2, max 2)", timeout=LOAD_MS)
    two.get_by_label("Workers of digits-two 2.0.0").fill("1")
    change(page, "scale", "Give digits-two 2.0.0 1 worker")
    expect(two).to_contain_text("1 ready of 1 (min 1, max 1)")

    page.get_by_role("button", name="Compare").click()
    expect(page.locator(".verdict")).to_have_text(
        f"No difference: on all {JUDGED} drawings, both are right or both are wrong.",
        timeout=30_000,
    )
    expect(page.locator(".paired")).to_contain_text("Neither 1", use_inner_text=True)
    page.reload()
    expect(page.locator(".verdict")).to_be_visible()

    page.goto(f"{address}/models")
    over, answers = threading.Event(), Counter[str]()
    people = [threading.Thread(target=ask, args=(address, over, answers)) for _ in range(4)]
    for person in people:
        person.start()
    try:
        change(page, "unload", "Unload digits-two 2.0.0")
        assert manage(server, "GET", "/digits-two").status_code == 404
    finally:
        over.set()
        for person in people:
            person.join()
    assert {*KNOWN[:2]} <= {*answers} <= {*KNOWN}
    expect(two.locator(".state").first).to_have_text("not loaded")


def test_without_scripts_a_change_is_confirmed_on_a_page_of_its_own(
    chromium: Browser, address: str, server: TorchServe
) -> None:
    with chromium.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{address}/models")
        own = page.get_by_role("article", name=NAMED)
        own.get_by_label(f"Workers of {NAMED}").fill("1")
        own.get_by_role("button", name="Scale").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Give {NAMED} 1 worker?")
        assert len(manage(server, "GET", "/digits").json()[0]["workers"]) == 2
        page.get_by_role("link", name="Cancel").click()
        expect(own).to_contain_text("2 ready of 2")
        own.get_by_role("link", name="Card").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Model card: {NAMED}")


@pytest.mark.parametrize("width", [1200, 390, 320])
def test_the_view_fits_the_screen(chromium: Browser, address: str, width: int) -> None:
    with chromium.new_context(viewport={"width": width, "height": 700}) as context:
        page = context.new_page()
        for path in ("/models", f"/models/card?path=digits/{VERSION}", "/models/comparison"):
            page.goto(address + path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
