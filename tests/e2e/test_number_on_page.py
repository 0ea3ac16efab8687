"""Numbers on the page, before the real services: written on the wide paper, read, opened and corrected."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from db import embedded, engine
from db.schema import feedback, predictions
from tests.e2e.number import answer_of, expect_read, nothing_moved, page, write
from tests.e2e.page import correct, opened, wait_until
from tests.e2e.test_waiting_on_page import SHIFTS
from tests.reading.written import png, sheet, strokes

__all__ = ["page"]

pytestmark = [pytest.mark.integration, pytest.mark.browser]


def test_a_number_is_written_read_and_one_of_its_digits_corrected(
    page: Page, database: embedded.Server
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/read" in request.url else None)
    write(page, "2026")
    expect_read(page, "2026")
    assert 1 <= len(asked) <= len(strokes("2026"))
    expect(page.locator(".number-heard[role=status]")).to_have_text("Read as 2026. Sure of all 4 digits.")
    expect(page.locator(".history li")).to_have_count(4)
    card = page.get_by_role("button", name="Digit 3 of 4: 2, 99.")
    card.focus()
    page.keyboard.press("Enter")
    expect(card).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".judge-question")).to_have_text("Is it 2?")
    chosen = answer_of(page)
    page.get_by_role("button", name="Why?").click()
    expect(page.locator(".why-words")).to_contain_text("ink that pointed to 2")
    correct(page, "7")
    expect(page.locator(".judge-said")).to_have_text("Saved: it is 7")
    expect(page.get_by_role("button", name="Digit 3 of 4: 2").locator(".number-note")).to_have_text("→ 7")
    # What was said stays with its digit, whichever is open, and where others are written beside it.
    page.get_by_role("button", name="Digit 1 of 4").click()
    expect(page.locator(".judge-said")).to_have_text("")
    page.get_by_role("button", name="Digit 3 of 4").click()
    expect(page.locator(".judge-said")).to_have_text("Saved: it is 7")
    page.get_by_role("button", name="Undo").click()
    expect_read(page, "202")
    expect(page.locator(".history li")).to_have_count(3)
    expect(page.get_by_role("button", name=re.compile("Digit 3 of 3: 2, .*, really 7"))).to_be_visible()
    assert nothing_moved(page)
    said = select(feedback.c.true_label).where(feedback.c.prediction_id == chosen)
    visitor = select(predictions.c.session_id).where(predictions.c.id == chosen).scalar_subquery()
    counting = select(predictions.c.drawing_id, predictions.c.predicted_label).where(
        predictions.c.session_id == visitor, predictions.c.is_superseded.is_(False)
    )
    with engine.opened(database.url) as opened_database:

        def stored() -> tuple[list[str], list[str], int]:
            """Return what was said of the digit, which labels count, and of how many drawings."""
            with opened_database.connect() as connection:
                rows = connection.execute(counting).all()
                labels = sorted(label for _, label in rows)
                return list(connection.scalars(said)), labels, len({drawing for drawing, _ in rows})

        wait_until(lambda: stored() == (["7"], ["0", "2", "2"], 3), "what was read and said is stored")


def test_forced_colours_show_which_digit_is_open(chromium: Browser, page_address: str) -> None:
    with chromium.new_context(forced_colors="active", viewport={"width": 1200, "height": 900}) as visitor:
        page = opened(visitor, page_address)
        switch = page.get_by_role("switch", name="Number")
        ground = "element => getComputedStyle(element).backgroundColor"
        off = switch.evaluate(ground)
        switch.check()
        assert switch.evaluate(ground) != off
        write(page, "20")
        expect_read(page, "20")
        page.get_by_role("button", name="Digit 1 of 2").click()
        borders = page.locator(".number-cards button").evaluate_all(
            "cards => cards.map((card) => getComputedStyle(card).borderTopWidth)"
        )
        assert borders == ["3px", "1px"]
        canvas = page.evaluate(f"({ground})(document.body)")
        for bar in (".bar.is-top .bar-fill", ".bar:not(.is-top) .bar-fill"):
            assert page.locator(bar).first.evaluate(ground) not in (canvas, "rgba(0, 0, 0, 0)")


def test_a_number_is_read_while_the_pen_moves_and_stored_once_it_is_lifted(
    visitor: BrowserContext, page_address: str
) -> None:
    visitor.add_init_script(
        "localStorage.setItem('sketchserve-settings', '{\"live\": true, \"number\": true}')"
    )
    page = opened(visitor, page_address)
    page.evaluate(SHIFTS)
    write(page, "2")
    expect_read(page, "2")
    expect(page.locator(".history li")).to_have_count(1)
    heard = page.locator(".number-heard").inner_text()
    box = page.locator(".pad-paper").bounding_box()
    assert box is not None

    def move(x: float, y: float) -> None:
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=5)

    move(0.6, 0.2)
    page.mouse.down()
    move(0.7, 0.2)
    move(0.64, 0.85)
    for step in range(200):  # until the answer is there
        move(0.64, 0.85 + step / 10_000)
        page.wait_for_timeout(20)
        if page.get_by_test_id("number").inner_text() == "27":
            break
    expect_read(page, "27")
    # Nothing is said, marked or stored of it.
    expect(page.locator(".number-cards button")).to_have_count(2)
    expect(page.locator(".number-heard")).to_have_text(heard)
    expect(page.locator(".pad-digit")).to_be_hidden()
    expect(page.locator(".reading")).to_have_attribute("data-prediction", "")
    expect(page.locator(".reading-meta")).not_to_contain_text("not stored")
    expect(page.locator(".history li")).to_have_count(1)
    page.mouse.up()
    expect(page.locator(".history li")).to_have_count(2)
    expect_read(page, "27")
    expect(page.locator(".reading")).not_to_have_attribute("data-prediction", "")
    expect(page.locator(".pad-digit")).to_be_visible()
    assert nothing_moved(page)


def test_a_number_that_is_not_to_be_stored_is_read_and_forgotten(page: Page) -> None:
    page.get_by_label("Do not store my drawings").check()
    write(page, "20")
    expect_read(page, "20")
    expect(page.locator(".reading-meta")).to_contain_text("not stored, as you chose")
    expect(page.locator(".judge")).to_have_attribute("data-state", "none")
    # What is written after that is stored, and nothing that was before it.
    page.get_by_role("button", name="Clear").click()
    page.get_by_label("Do not store my drawings").uncheck()
    write(page, "1")
    expect_read(page, "1")
    expect(page.locator(".history li")).to_have_count(1)


def test_a_picture_is_read_as_a_number_too_and_undone(page: Page, tmp_path: Path) -> None:
    write(page, "2")
    expect_read(page, "2")
    (tmp_path / "number.png").write_bytes(png(sheet("4580")))
    page.locator("input[type=file][multiple]").set_input_files(tmp_path / "number.png")
    expect_read(page, "4580")
    page.get_by_role("button", name="Undo").click()
    expect_read(page, "2")
    page.keyboard.press("Escape")
    expect(page.locator(".number")).to_have_attribute("data-state", "blank")
    expect(page.locator("#reading")).to_be_hidden()
    page.keyboard.press("Control+z")
    expect_read(page, "2")
    assert nothing_moved(page)


@pytest.fixture(params=[(390, 844), (844, 390), (320, 640)], ids=["phone", "landscape", "narrow"])
def small(request: pytest.FixtureRequest, chromium: Browser, page_address: str) -> Iterator[Page]:
    width, height = request.param
    with chromium.new_context(viewport={"width": width, "height": height}, has_touch=True) as visitor:
        yield opened(visitor, page_address)


def test_on_a_phone_the_paper_is_as_wide_as_there_is_room_and_seen_whole(small: Page) -> None:
    small.get_by_role("switch", name="Number").check()
    size = small.viewport_size
    paper = small.locator(".pad-paper").bounding_box()
    assert size is not None and paper is not None
    assert paper["y"] > -1 and paper["y"] + paper["height"] <= size["height"]
    assert paper["width"] == pytest.approx(3 * paper["height"], rel=0.02)
    if size["width"] < size["height"]:
        assert paper["width"] == size["width"] - 32
    small.evaluate(SHIFTS)
    write(small, "17")
    expect_read(small, "17")
    # Of how wide the screen is nothing is beyond it, and nothing moved under the pen.
    assert small.evaluate("document.documentElement.scrollWidth") == size["width"]
    assert small.locator(".pad-paper").bounding_box() == paper
    assert nothing_moved(small)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(chromium: Browser, page_address: str, scheme: str) -> None:
    with chromium.new_context(color_scheme=scheme, viewport={"width": 1200, "height": 900}) as visitor:
        page = opened(visitor, page_address)
        page.get_by_role("switch", name="Number").check()
        write(page, "17")
        expect_read(page, "17")
        found = Axe().run(page, "#desk").response["violations"]
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
