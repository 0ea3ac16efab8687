"""The page in a real Chromium, before a real TorchServe and a real PostgreSQL."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from db import embedded, engine, migrate
from db.log import PredictionLog
from launch.doctor import BROWSERS, find_browser
from launch.ports import free_ports
from launch.temporary import TorchServe

pytestmark = [pytest.mark.integration, pytest.mark.browser]

PROJECT = Path(__file__).resolve().parent.parent.parent
START_S = 60
SEVEN = [(0.25, 0.25), (0.72, 0.25), (0.45, 0.80)]
ONE = [(0.50, 0.18), (0.50, 0.82)]


@dataclass(frozen=True)
class RunningPage:
    """The page's process and where it answers."""

    url: str
    process: subprocess.Popen[bytes]


@contextmanager
def running_page(database_url: str, torchserve: TorchServe, **changes: str) -> Iterator[RunningPage]:
    """Run `python -m ui` on a free port until the end of the `with`."""
    (port,) = free_ports(1)
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "TORCHSERVE_INFERENCE_URL": torchserve.inference_url,
        "TORCHSERVE_MANAGEMENT_URL": torchserve.management_url,
        "UI_HOST": "127.0.0.1",
        "UI_PORT": str(port),
        "MODEL": "digits",
        **changes,
    }
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen([sys.executable, "-m", "ui"], cwd=PROJECT, env=environment) as process:
        try:
            wait_until(lambda: process.poll() is not None or answers(url), f"{url}/healthz", START_S)
            yield RunningPage(url, process)
        finally:
            process.terminate()


def answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/healthz", timeout=5).ok
    except requests.ConnectionError:
        return False


def wait_until(is_so: Callable[[], bool], what: str, limit_s: float = 15) -> None:
    end = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < end, f"{what}: not so after {limit_s:g} s"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def database_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page-postgres")


@pytest.fixture(scope="module")
def database(database_folder: Path) -> Iterator[embedded.Server]:
    with embedded.start(database_folder) as server:
        migrate.upgrade(server.url)
        yield server


@pytest.fixture(scope="module")
def page_address(database: embedded.Server, torchserve: TorchServe) -> Iterator[str]:
    with running_page(database.url, torchserve) as running:
        yield running.url


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
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
    return opened(visitor, page_address)


def opened(visitor: BrowserContext, url: str) -> Page:
    page = visitor.new_page()
    page.goto(url)
    page.locator(".history").wait_for()
    return page


def draw(page: Page, path: list[tuple[float, float]]) -> None:
    box = page.locator("canvas").bounding_box()
    assert box is not None
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in path]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=10)
    page.mouse.up()


def row_texts(page: Page, number: int) -> list[str]:
    """Give the cells of one row of the history, the newest being 0."""
    return page.locator(".history tbody tr").nth(number).locator("td").all_inner_texts()


def label(page: Page) -> str:
    return page.get_by_test_id("label").inner_text()


def test_a_drawn_7_is_read_corrected_to_1_and_both_survive_a_reload(
    visitor: BrowserContext, page_address: str, database: embedded.Server
) -> None:
    page = visitor.new_page()
    complaints: list[str] = []
    hosts: set[str] = set()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: hosts.add("/".join(request.url.split("/", 3)[:3])))
    page.goto(page_address)
    page.locator(".history").wait_for()

    draw(page, SEVEN)
    expect(page.get_by_test_id("label")).to_have_text("7")
    expect(page.locator(".bar-name")).to_have_text(list("0123456789"))
    frame = page.get_by_alt_text("The 28 by 28 frame")
    assert frame.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [28, 28]
    expect(page.locator(".reading-meta")).to_contain_text("digits ")

    page.get_by_role("button", name="1", exact=True).click()
    expect(page.get_by_role("button", name="1", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".history header")).to_contain_text("0 of 1")
    assert (row_texts(page, 0)[2], row_texts(page, 0)[4]) == ("7", "1")
    id_ = page.locator(".reading").get_attribute("data-prediction")

    page.reload()
    expect(page.locator(".history tbody tr")).to_have_count(1)
    assert (row_texts(page, 0)[2], row_texts(page, 0)[4]) == ("7", "1")
    session_id = page.evaluate("localStorage.getItem('sketchserve-visitor')")
    (stored,) = PredictionLog(engine.create(database.url)).history(session_id)
    assert (str(stored.prediction.id), stored.prediction.predicted_label, stored.true_label) == (
        id_,
        "7",
        "1",
    )
    assert stored.prediction.drawing.startswith(b"\x89PNG")
    assert complaints == []
    assert {host for host in hosts if host.startswith("http")} == {page_address}


def test_one_stroke_is_one_post_with_one_picture(page: Page) -> None:
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.post_data or "") if request.post_data else None)
    draw(page, SEVEN)
    expect(page.get_by_test_id("label")).to_have_text("7")
    expect(page.locator(".history tbody tr")).to_have_count(1)
    assert sum("data:image/png" in post for post in posts) == 1


def test_one_may_change_ones_mind(page: Page) -> None:
    draw(page, SEVEN)
    page.get_by_role("button", name="1", exact=True).click()
    expect(page.locator(".history header")).to_contain_text("0 of 1")
    page.get_by_role("button", name="7", exact=True).click()
    expect(page.locator(".history header")).to_contain_text("1 of 1")
    expect(page.locator(".judge button[aria-pressed=true]")).to_have_text(["7"])
    assert row_texts(page, 0)[4] == "7"


def test_strokes_are_taken_back_with_the_keyboard(page: Page) -> None:
    draw(page, ONE)
    expect(page.get_by_test_id("label")).to_have_text("1")
    draw(page, [(0.2, 0.2), (0.8, 0.2)])
    expect(page.locator(".history tbody tr")).to_have_count(2)
    page.keyboard.press("Control+z")
    expect(page.locator(".history tbody tr")).to_have_count(3)
    expect(page.get_by_test_id("label")).to_have_text("1")
    page.keyboard.press("Escape")
    expect(page.locator(".reading.is-blank")).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()


def delay_next_answer(page: Page) -> None:
    """Let the next answer reach the page so late that one to a later request could overtake it."""
    page.evaluate("""() => {
      const fetchNow = window.fetch;
      window.fetch = async (...request) => {
        const isDelayed = String(request[0]).includes("/run/predict");
        if (isDelayed) window.fetch = fetchNow;
        const response = await fetchNow(...request);
        if (isDelayed) await new Promise((done) => setTimeout(done, 800));
        return response;
      };
    }""")


def test_a_late_answer_does_not_come_back_over_blank_paper(page: Page) -> None:
    delay_next_answer(page)
    draw(page, SEVEN)
    page.keyboard.press("Escape")
    expect(page.locator(".history tbody tr")).to_have_count(1)
    expect(page.locator(".reading.is-blank")).to_be_visible()
    page.wait_for_timeout(1_000)
    assert page.locator(".reading.is-blank").count() == 1


def test_a_late_answer_does_not_replace_a_newer_one(page: Page) -> None:
    delay_next_answer(page)
    draw(page, ONE)
    page.keyboard.press("Escape")
    draw(page, SEVEN)
    expect(page.get_by_test_id("label")).to_have_text("7")
    page.wait_for_timeout(1_000)
    assert label(page) == "7"


def test_a_drawing_outlives_an_interruption_of_the_page(page: Page) -> None:
    page.route("**/run/predict", lambda route: route.abort(), times=1)
    draw(page, SEVEN)
    # Gradio says that the connection was lost, and loads the page anew once the server answers.
    expect(page.locator(".toast-body")).to_have_count(1)
    expect(page.locator(".toast-body")).to_have_count(0)
    page.locator(".history").wait_for()
    expect(page.locator(".pad-hint")).to_be_hidden()
    draw(page, [(0.35, 0.50), (0.65, 0.50)])
    expect(page.get_by_test_id("label")).to_have_text("7")


def test_a_touch_draws(chromium: Browser, page_address: str) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    with chromium.new_context(**phone) as visitor:
        page = opened(visitor, page_address)
        box = page.locator("canvas").bounding_box()
        assert box is not None
        touch = visitor.new_cdp_session(page)

        def send(kind: str, points: list[tuple[float, float]]) -> None:
            at = [{"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]} for x, y in points]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

        send("touchStart", [(0.5, 0.2)])
        for step in range(1, 13):
            send("touchMove", [(0.5, 0.2 + 0.05 * step)])
        send("touchEnd", [])
        expect(page.get_by_test_id("label")).to_have_text("1")
        assert page.evaluate("window.scrollY") == 0


def test_a_picture_is_read_too(page: Page, tmp_path: Path) -> None:
    draw(page, SEVEN)
    expect(page.get_by_test_id("label")).to_have_text("7")
    picture = page.locator("canvas").screenshot(path=tmp_path / "seven.png")
    assert picture
    page.get_by_role("button", name="Clear").click()
    page.locator("input[type=file]").set_input_files(tmp_path / "seven.png")
    expect(page.get_by_test_id("label")).to_have_text("7")
    expect(page.locator(".history tbody tr")).to_have_count(2)
    page.locator("input[type=file]").set_input_files(PROJECT / "pyproject.toml")
    expect(page.locator(".pad-complaint")).to_contain_text("no picture")


def test_undo_brings_back_a_picture_that_was_drawn_over(page: Page) -> None:
    page.locator("input[type=file]").set_input_files(PROJECT / "docs" / "seven.png")
    expect(page.get_by_test_id("label")).to_have_text("7")
    draw(page, ONE)
    expect(page.get_by_test_id("label")).to_have_text("1")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_test_id("label")).to_have_text("7")
    expect(page.locator(".history tbody tr")).to_have_count(3)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".reading.is-blank")).to_be_visible()


def test_control_z_counts_on_the_pads_buttons_too(page: Page) -> None:
    draw(page, ONE)
    draw(page, [(0.2, 0.2), (0.8, 0.2)])
    expect(page.locator(".history tbody tr")).to_have_count(2)
    page.get_by_label("Width of the pen").focus()
    page.keyboard.press("Delete")
    page.keyboard.press("Control+z")
    expect(page.locator(".history tbody tr")).to_have_count(3)
    expect(page.get_by_test_id("label")).to_have_text("1")


@pytest.mark.parametrize("width", [320, 375])
def test_a_phone_shows_brush_buttons_and_corrections_whole(
    chromium: Browser, page_address: str, width: int
) -> None:
    with chromium.new_context(viewport={"width": width, "height": 800}) as visitor:
        page = opened(visitor, page_address)
        draw(page, SEVEN)
        expect(page.locator(".history tbody tr")).to_have_count(1)
        brush = page.get_by_label("Width of the pen").bounding_box()
        corrections = page.get_by_role("columnheader", name="Really was").bounding_box()
        buttons = [button.bounding_box() for button in page.locator(".judge button").all()]
        assert brush is not None and brush["width"] > 200
        assert corrections is not None and corrections["x"] + corrections["width"] <= width
        assert len({box["y"] for box in buttons if box is not None}) == 2
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_nobody_sees_another_visitors_drawings(page: Page, chromium: Browser, page_address: str) -> None:
    draw(page, SEVEN)
    expect(page.locator(".history tbody tr")).to_have_count(1)
    with chromium.new_context() as somebody_else:
        expect(opened(somebody_else, page_address).locator(".history-empty")).to_be_visible()


def test_history_pauses_without_the_database_and_is_complete_afterwards(
    visitor: BrowserContext, torchserve: TorchServe, tmp_path: Path
) -> None:
    server = embedded.start(tmp_path / "postgres")
    try:
        migrate.upgrade(server.url)
        with running_page(server.url, torchserve) as running:
            page = opened(visitor, running.url)
            draw(page, SEVEN)
            expect(page.locator(".history tbody tr")).to_have_count(1)
            server.stop()
            page.get_by_role("button", name="Clear").click()
            draw(page, ONE)
            expect(page.get_by_test_id("label")).to_have_text("1")
            expect(page.locator("#notice")).to_contain_text("History is paused")
            expect(page.locator(".history tbody tr")).to_have_count(2)
            page.get_by_role("button", name="1", exact=True).click()
            assert requests.get(f"{running.url}/healthz", timeout=10).json()["status"] == "degraded"

            server = embedded.start(tmp_path / "postgres", port=server.port)
            expect(page.locator("#notice")).to_contain_text("back and complete", timeout=30_000)
            session_id = page.evaluate("localStorage.getItem('sketchserve-visitor')")
            rows = PredictionLog(engine.create(server.url)).history(session_id)
            assert [(row.prediction.predicted_label, row.true_label) for row in rows] == [
                ("1", "1"),
                ("7", None),
            ]
    finally:
        server.stop()


def test_without_torchserve_the_page_says_so_and_raises_no_alarm(
    visitor: BrowserContext, database: embedded.Server, torchserve: TorchServe
) -> None:
    (nobody,) = free_ports(1)
    url = f"http://127.0.0.1:{nobody}"
    with running_page(database.url, torchserve, TORCHSERVE_INFERENCE_URL=url) as running:
        page = opened(visitor, running.url)
        draw(page, SEVEN)
        expect(page.locator(".reading-headline")).to_have_text("The model cannot be reached.")
        expect(page.locator(".toast-body")).to_have_count(0)
        assert label(page) == ""


def test_the_page_stops_soon_and_keeps_what_was_drawn(
    visitor: BrowserContext, database: embedded.Server, torchserve: TorchServe
) -> None:
    with running_page(database.url, torchserve) as running:
        page = opened(visitor, running.url)
        draw(page, SEVEN)
        expect(page.get_by_test_id("label")).to_have_text("7")
        session_id = page.evaluate("localStorage.getItem('sketchserve-visitor')")
        asked = time.monotonic()
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(timeout=5) == 0
        # Half a second at rest. Waiting for the open browser to go, as servers do by themselves, never ends.
        assert time.monotonic() - asked < 4
    assert len(PredictionLog(engine.create(database.url)).history(session_id)) == 1


def test_metrics_count_answers_by_label(page: Page, page_address: str) -> None:
    draw(page, SEVEN)
    expect(page.get_by_test_id("label")).to_have_text("7")
    metrics = requests.get(f"{page_address}/metrics", timeout=5).text
    assert 'sketchserve_predictions_total{label="7",outcome="answered"}' in metrics
    assert "sketchserve_history_paused 0.0" in metrics
