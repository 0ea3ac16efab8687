"""What becomes of a drawing, in a real Chromium: it is read, corrected, kept for its visitor, and counted."""

import io

import pytest
import requests
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from db import embedded, engine
from db.drawings import Drawings
from db.log import PredictionLog
from tests.e2e.page import SEVEN, correct, draw, is_complaint, opened, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.browser]


SMALL_FIVE = [
    *((0.59, 0.40), (0.46, 0.40), (0.45, 0.49), (0.50, 0.475), (0.55, 0.49), (0.58, 0.53)),
    *((0.565, 0.57), (0.52, 0.595), (0.44, 0.585)),
]


def heard(page: Page, number: int) -> str:
    """Return what a screen reader says of one of the last drawings, the newest being 0."""
    return page.locator(".history li .only-heard").nth(number).inner_text()


def test_a_small_5_of_the_default_pen_is_read_without_doubt(page: Page) -> None:
    """A fifth of the paper's side high: a wide pen would fill its bows."""
    draw(page, SMALL_FIVE)
    expect(page.get_by_test_id("label")).to_have_text("5")
    expect(page.locator(".reading.is-answer:not(.is-doubted)")).to_have_count(1)
    expect(page.locator(".reading-headline")).to_contain_text("% sure")


def test_a_drawn_7_is_read_corrected_to_1_and_both_survive_a_reload(
    visitor: BrowserContext, page_address: str, database: embedded.Server
) -> None:
    page = visitor.new_page()
    complaints: list[str] = []
    hosts: set[str] = set()
    page.on("console", lambda message: complaints.append(message.text) if is_complaint(message) else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: hosts.add("/".join(request.url.split("/", 3)[:3])))
    page.goto(page_address)
    page.locator(".history").wait_for()
    page.locator("html[data-paper]").wait_for()

    draw(page, SEVEN)
    expect(page.get_by_test_id("label")).to_have_text("7")
    expect(page.locator(".bar-name")).to_have_text(list("0123456789"))
    frame = page.get_by_alt_text("The frame that")
    expect(frame).to_have_js_property("naturalWidth", 28)
    assert frame.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [28, 28]
    expect(page.locator(".reading-meta")).to_contain_text("digits ")

    correct(page, "1")
    expect(page.get_by_role("button", name="No, it is 1")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".history header")).to_contain_text("0 of 1")
    assert heard(page, 0) == "Read as 7, really 1"
    id_ = page.locator(".reading").get_attribute("data-prediction")

    page.reload()
    expect(page.locator(".history li")).to_have_count(1)
    assert heard(page, 0) == "Read as 7, really 1"
    session_id = page.evaluate("localStorage.getItem('sketchserve-visitor')")
    opened = engine.create(database.url)
    log = PredictionLog(opened)
    wait_until(lambda: [row.true_label for row in log.history(session_id)] == ["1"], "stored")
    (stored,) = log.history(session_id)
    assert (str(stored.prediction.id), stored.prediction.predicted_label, stored.true_label) == (
        id_,
        "7",
        "1",
    )
    images = [Drawings(opened).drawing(stored.prediction.id, session_id), stored.prediction.thumbnail]
    assert [Image.open(io.BytesIO(image)).size for image in images if image] == [(280, 280), (56, 56)]
    thumbnail = page.locator(".history li img")
    expect(thumbnail).to_have_js_property("naturalWidth", 56)
    assert thumbnail.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [56, 56]
    assert complaints == []
    assert {host for host in hosts if host.startswith("http")} == {page_address}


def test_one_may_change_ones_mind(page: Page) -> None:
    draw(page, SEVEN)
    correct(page, "1")
    expect(page.locator(".history header")).to_contain_text("0 of 1")
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".history header")).to_contain_text("1 of 1")
    expect(page.locator(".judge button[aria-pressed=true]")).to_have_text(["Yes"])
    assert heard(page, 0) == "Read as 7, really 7"
    page.get_by_role("button", name="Take back").click()
    expect(page.locator(".history header")).not_to_contain_text("of 1")
    expect(page.locator(".judge-said")).to_have_text("Taken back. Is it 7?")
    page.get_by_role("button", name="Not a digit").click()
    expect(page.locator(".history header")).to_contain_text("0 of 1")


def test_nobody_sees_another_visitors_drawings(page: Page, chromium: Browser, page_address: str) -> None:
    draw(page, SEVEN)
    expect(page.locator(".history li")).to_have_count(1)
    with chromium.new_context() as somebody_else:
        expect(opened(somebody_else, page_address).locator(".history-empty")).to_be_visible()


def test_metrics_count_answers_by_label(page: Page, page_address: str) -> None:
    draw(page, SEVEN)
    expect(page.get_by_test_id("label")).to_have_text("7")
    metrics = requests.get(f"{page_address}/metrics", timeout=5).text
    assert 'sketchserve_predictions_total{label="7",outcome="answered"}' in metrics
    assert "sketchserve_history_paused 0.0" in metrics
