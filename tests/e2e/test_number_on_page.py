"""Numbers on the page, before the real services: written on the wide paper, read, opened and corrected."""

import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from sqlalchemy import select

from db import embedded, engine
from db.schema import feedback, predictions
from tests.e2e.page import SEVEN, correct, draw, opened, wait_until, wait_within
from tests.e2e.test_waiting_on_page import SHIFTS
from tests.e2e.test_web_pictures_on_page import give
from tests.reading.written import png, sheet, strokes

pytestmark = [pytest.mark.integration, pytest.mark.browser]

SENT = "document.documentElement.dataset.sent"  # which question of the pad's has what is seen for its answer
BUSY = '{"code": 503, "type": "Unavailable", "message": "The model cannot be reached."}'


@pytest.fixture
def page(page: Page) -> Page:
    """The page with its wide paper."""
    page.get_by_role("switch", name="Number").check()
    page.evaluate(SHIFTS)
    return page


def write(page: Page, text: str, begin: int = 0) -> None:
    """Write the digits of a number from one on, of four that the paper has room for."""
    page.locator(".pad-paper").scroll_into_view_if_needed()
    for stroke in strokes(text[begin:]):
        draw(page, [(0.05 + (x + 120 * begin) / 520, 0.1 + 0.8 * y / 100) for x, y in stroke])


def expect_read(page: Page, text: str) -> None:
    expect(page.get_by_test_id("number")).to_have_text(text)
    expect(page.locator(".number:not(.is-stale)")).to_be_visible()


def answer_of(page: Page) -> uuid.UUID:
    """Return the id of the digit's answer that is open."""
    return uuid.UUID(page.locator(".reading").get_attribute("data-prediction"))


def nothing_moved(page: Page) -> bool:
    return page.evaluate("window.shifted") == []


def test_a_number_is_written_read_and_one_of_its_digits_corrected(
    page: Page, database: embedded.Server
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/read" in request.url else None)
    write(page, "2026")
    expect_read(page, "2026")
    assert 1 <= len(asked) <= len(strokes("2026"))
    expect(page.locator(".number-heard[role=status]")).to_have_text("Read as 2026. All 4 digits are sure.")
    expect(page.locator(".history li")).to_have_count(4)
    card = page.get_by_role("button", name="Digit 3 of 4: 2, 99.")
    card.focus()
    page.keyboard.press("Enter")
    expect(card).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".judge-question")).to_have_text("Is it 2?")
    chosen = answer_of(page)
    page.get_by_role("button", name="Why?").click()
    expect(page.locator(".why-words")).to_contain_text("ink that spoke for 2")
    correct(page, "7")
    expect(page.locator(".judge-said")).to_have_text("Kept: it is 7")
    expect(page.get_by_role("button", name="Digit 3 of 4: 2").locator(".number-note")).to_have_text("→ 7")
    # What was said stays with its digit, whichever is open, and where others are written beside it.
    page.get_by_role("button", name="Digit 1 of 4").click()
    expect(page.locator(".judge-said")).to_have_text("")
    page.get_by_role("button", name="Digit 3 of 4").click()
    expect(page.locator(".judge-said")).to_have_text("Kept: it is 7")
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


def test_one_digit_is_read_as_before_and_each_paper_keeps_what_is_on_it(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/read?" in request.url else None)
    write(page, "20")
    expect_read(page, "20")
    read = len(asked)
    switch = page.get_by_role("switch", name="Number")
    switch.uncheck()
    expect(page.locator(".reading.is-blank")).to_be_visible()
    expect(page.locator("#number")).to_be_hidden()
    draw(page, SEVEN)
    expect(page.get_by_test_id("label")).to_have_text("7")
    expect(page.locator(".history li")).to_have_count(3)
    seven, sent = answer_of(page), page.evaluate(SENT)
    switch.check()
    expect_read(page, "20")
    expect(page.locator(".judge-question")).to_have_text("Is it 0?")
    switch.uncheck()
    expect(page.locator(".judge-question")).to_have_text("Is it 7?")
    assert answer_of(page) == seven
    # Nothing was asked again, and the switch outlives the page.
    assert page.evaluate(SENT) == sent
    switch.check()
    page.reload()
    expect(switch).to_be_checked()
    expect(page.locator("#number")).to_be_visible()
    expect(page.get_by_role("button", name="Clear")).to_be_disabled()
    assert len(asked) == read


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


def test_without_an_answer_one_line_says_why_and_ask_again_asks(page: Page) -> None:
    def refuse(route: Route) -> None:
        route.fulfill(status=503, content_type="application/json", body=BUSY)

    page.route("**/read?*", refuse)
    write(page, "2")
    expect(page.locator(".number-words")).to_have_text("The model cannot be reached.")
    expect(page.locator(".number-heard")).to_have_text("The model cannot be reached.")
    page.unroute("**/read?*")
    page.get_by_role("button", name="Ask again").click()
    expect_read(page, "2")
    expect(page.get_by_role("button", name="Ask again")).to_be_hidden()
    assert nothing_moved(page)


@pytest.mark.parametrize("is_loaded_anew", [False, True], ids=["page stays", "page is loaded anew"])
def test_a_digit_whose_answer_was_lost_and_that_is_undone_is_in_no_history(
    page: Page, database: embedded.Server, is_loaded_anew: bool
) -> None:
    write(page, "20")
    expect_read(page, "20")

    def lose(route: Route) -> None:
        route.fetch()  # the server has answered, and stored it
        route.abort()

    page.route("**/read?*", lose)
    write(page, "201", begin=2)
    expect(page.get_by_role("button", name="Ask again")).to_be_visible()
    page.unroute("**/read?*")
    if is_loaded_anew:
        page.reload()
        expect_read(page, "201")
    page.get_by_role("button", name="Undo").click()
    expect_read(page, "20")
    visitor = page.evaluate("localStorage.getItem('sketchserve-visitor')")
    own = select(predictions.c.predicted_label, predictions.c.is_superseded).where(
        predictions.c.session_id == visitor
    )
    with engine.opened(database.url) as opened_database:

        def stored() -> tuple[list[str], bool]:
            """Return the labels that count, and whether the lost one was stored and counts no longer."""
            with opened_database.connect() as connection:
                rows = [tuple(row) for row in connection.execute(own)]
            return sorted(label for label, is_superseded in rows if not is_superseded), ("1", True) in rows

        wait_until(lambda: stored() == (["0", "2"], True), "only what is on the paper counts")


def test_a_picture_that_comes_late_lands_on_the_paper_that_is_there_and_is_read(page: Page) -> None:
    switch = page.get_by_role("switch", name="Number")
    switch.uncheck()
    draw(page, SEVEN)
    expect(page.get_by_test_id("label")).to_have_text("7")
    held: list[Route] = []
    page.route("**/fetch", lambda route: held.append(route))
    with page.expect_request("**/fetch"):
        give(page, "paste", "text/plain", "https://pictures.example/number.png")
    switch.check()
    wait_within(page, lambda: len(held) == 1, "the picture is asked for")
    held[0].fulfill(body=png(sheet("45")), content_type="image/png")
    expect_read(page, "45")
    switch.uncheck()
    expect(page.locator(".judge-question")).to_have_text("Is it 7?")


def test_what_had_no_answer_outlives_a_reload_on_the_other_paper_too(page: Page) -> None:
    page.route("**/read?*", lambda route: route.abort())
    write(page, "20")
    expect(page.get_by_role("button", name="Ask again")).to_be_visible()
    switch = page.get_by_role("switch", name="Number")
    switch.uncheck()
    expect(page.locator(".reading.is-blank")).to_be_visible()
    page.reload()
    page.locator("html[data-paper=blank]").wait_for()
    page.unroute("**/read?*")
    switch.check()
    expect_read(page, "20")
    assert page.evaluate("sessionStorage.getItem('sketchserve-unanswered-number')") is None


def test_blank_paper_hears_of_a_model_that_was_chosen_beside_the_other_one(page: Page) -> None:
    page.evaluate("document.dispatchEvent(new CustomEvent('sketchserve-model'))")
    sent = int(page.evaluate(SENT))
    page.get_by_role("switch", name="Number").uncheck()
    expect(page.locator(f".reading.is-blank[data-sent='{sent + 1}']")).to_be_visible()


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
