"""What a visitor says of an answer, in a real Chromium: by mouse and keyboard, of few labels and of many.

TorchServe is played by small servers with prepared answers, one of ten digits and one of thirty long names.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.e2e.page import SEVEN, correct, draw, opened, played_torchserve, running_page
from tests.ui.answering import ANSWER, answering

pytestmark = [pytest.mark.integration, pytest.mark.browser]

NO_DATABASE = "postgresql://nobody:nothing@127.0.0.1:9/nowhere"
NAMES = [
    f"Long-tailed {colour} bird of island {i:02}" for i in range(10) for colour in ("red", "green", "blue")
]
TOP = NAMES[25]
BIRDS = {
    **ANSWER,
    "label": TOP,
    "probabilities": {name: 0.9 if name == TOP else 0.1 / 29 for name in NAMES},
    "set": [TOP],
}


@pytest.fixture(scope="module")
def digits() -> Iterator[str]:
    """The address of a page whose model knows ten digits."""
    with answering(ANSWER) as server, running_page(NO_DATABASE, played_torchserve(server.url)) as running:
        yield running.url


@pytest.fixture(scope="module")
def birds() -> Iterator[str]:
    """The address of a page whose model knows thirty birds."""
    with answering(BIRDS) as server, running_page(NO_DATABASE, played_torchserve(server.url)) as running:
        yield running.url


def drawn(visitor: BrowserContext, address: str) -> Page:
    """Draw on a new page, and return it when it has the answer; it notes whose judgements it heard of."""
    page = opened(visitor, address)
    page.evaluate(
        """() => {
          window.judged = [];
          document.addEventListener("sketchserve-judged", ({ detail }) => window.judged.push(detail.drawing));
        }"""
    )
    draw(page, SEVEN)
    expect(page.locator(".judge")).to_have_attribute("data-state", "open")
    return page


def expect_kept(page: Page, what: str) -> None:
    """Wait until it is said, where screen readers hear it, and other parts of the page know."""
    expect(page.locator(".judge-said[role=status]")).to_have_text(what)
    drawing = page.locator(".reading").get_attribute("data-drawing")
    assert drawing is not None and len(drawing) == 32
    assert page.evaluate("window.judged.at(-1)") == drawing


def test_yes_confirms_with_one_tap_and_can_be_taken_back(visitor: BrowserContext, digits: str) -> None:
    page = drawn(visitor, digits)
    expect(page.locator(".judge-question")).to_have_text("Is it 7?")
    page.get_by_role("button", name="Yes").click()
    expect_kept(page, "Saved: it is 7")
    page.get_by_role("button", name="Take back").click()
    expect_kept(page, "Taken back. Is it 7?")
    expect(page.locator(".judge button[aria-pressed=true]")).to_have_count(0)
    page.get_by_role("button", name="Not a digit").click()
    expect_kept(page, "Saved: not a digit")
    # Of another drawing nothing was said yet.
    draw(page, SEVEN)
    expect(page.locator(".judge-question")).to_be_visible()
    expect(page.locator(".judge-said")).to_have_text("")


def test_a_correction_is_made_with_the_keyboard_alone(visitor: BrowserContext, digits: str) -> None:
    page = drawn(visitor, digits)
    page.get_by_role("button", name="No, it is").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".judge-labels button").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="No, it is")).to_be_focused()
    expect(page.locator(".judge-picker")).to_be_hidden()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect_kept(page, "Saved: it is 1")
    expect(page.get_by_role("button", name="No, it is 1")).to_be_focused()


def test_what_is_not_kept_is_said_in_the_place_of_what_is(visitor: BrowserContext, digits: str) -> None:
    page = drawn(visitor, digits)
    page.get_by_role("button", name="Yes").click()
    expect_kept(page, "Saved: it is 7")
    # Forgotten by the page, as it would be after a day with others.
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete my drawings").click()
    expect(page.locator(".privacy [role=status]")).to_contain_text("deleted")
    correct(page, "1")
    expect(page.locator(".judge-said.is-complaint")).to_contain_text("not in your history")
    # What was kept before still shows.
    expect(page.locator(".judge button[aria-pressed=true]")).to_have_text(["Yes"])


def test_of_many_labels_one_is_found_by_its_name(visitor: BrowserContext, birds: str) -> None:
    page = drawn(visitor, birds)
    expect(page.get_by_role("button", name="None of these")).to_be_visible()
    page.get_by_role("button", name="No, it is").focus()
    page.keyboard.press("Enter")
    search = page.get_by_role("searchbox", name="Search 30 labels")
    expect(search).to_be_focused()
    page.keyboard.type("GREEN bird of island 07")
    expect(page.locator(".judge-labels button:visible")).to_have_count(1)
    page.keyboard.press("Enter")
    expect_kept(page, f"Saved: it is {NAMES[22]}")


def test_searching_for_what_is_no_label_says_so(visitor: BrowserContext, birds: str) -> None:
    page = drawn(visitor, birds)
    page.get_by_role("button", name="No, it is").click()
    page.get_by_role("searchbox", name="Search").fill("penguin")
    expect(page.locator(".judge-nothing")).to_have_text("No label has that name.")
    page.keyboard.press("Enter")
    assert page.evaluate("window.judged") == []


@pytest.mark.parametrize("width", [320, 390, 1200])
def test_thirty_long_labels_fit_and_are_reached(chromium: Browser, birds: str, width: int) -> None:
    with chromium.new_context(viewport={"width": width, "height": 844}) as visitor:
        page = drawn(visitor, birds)
        # The answer is the first bar of ten, though the model has it as the 26th.
        seen = page.locator(".bar:visible")
        expect(seen).to_have_count(10)
        tops = {bar.inner_text().split("\n")[0]: top(bar) for bar in seen.all()}
        assert min(tops, key=tops.__getitem__) == TOP
        for words in (*page.locator(".bar:visible .bar-name").all(), page.locator(".reading-label")):
            assert words.evaluate("element => element.scrollHeight <= element.clientHeight")
        page.get_by_role("button", name="All 30 labels").click()
        expect(seen).to_have_count(30)
        page.get_by_role("button", name="No, it is").click()
        boxes = [button.bounding_box() for button in page.locator(".judge-labels button").all()]
        assert len(boxes) == 30
        for one, box in enumerate(boxes):
            assert box is not None
            assert box["x"] >= 0 and box["x"] + box["width"] <= width
            assert not any(overlap(box, other) for other in boxes[:one])
        assert page.evaluate("document.documentElement.scrollWidth") == width
        page.get_by_role("button", name=NAMES[-1]).click()
        expect_kept(page, f"Saved: it is {NAMES[-1]}")


def top(bar: Locator) -> float:
    box = bar.bounding_box()
    assert box is not None
    return box["y"]


def overlap(one: dict[str, float] | None, other: dict[str, float] | None) -> bool:
    assert one is not None and other is not None
    return all(
        one[at] < other[at] + other[side] and other[at] < one[at] + one[side]
        for at, side in (("x", "width"), ("y", "height"))
    )


def test_all_labels_stay_unfolded_while_strokes_come(visitor: BrowserContext, birds: str) -> None:
    page = drawn(visitor, birds)
    page.get_by_role("button", name="All 30 labels").click()
    draw(page, SEVEN)
    expect(page.locator(".reading:not(.is-stale)")).to_have_attribute("data-sent", "2")
    expect(page.locator(".bar:visible")).to_have_count(30)
    expect(page.get_by_role("button", name="Only the most likely")).to_have_attribute("aria-expanded", "true")
