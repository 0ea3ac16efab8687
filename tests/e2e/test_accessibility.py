"""axe-core finds nothing in any state of any view, light and dark, on a desk and on a telephone."""

from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.filled import Filled, sign_in
from tests.e2e.page import SEVEN, draw
from training.data.drawing import png

pytestmark = [pytest.mark.integration, pytest.mark.browser]

# What WCAG 2.2 asks for at level AA, and what is good practice beside it.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ALL_RULES = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
# The others say the same in the dark.
RULES_OF_COLOUR = {
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
    "resultTypes": ["violations"],
}
SIZES = ((1200, 900), (390, 844))
NARROWEST = (320, 640)
# Where an element is, and whether something else lies over its middle or next to nothing of it is seen.
BOX = "element => Object.values(element.getBoundingClientRect().toJSON()).map(Math.round)"
IS_ON_TOP = """element => {
  const { left, top, width, height } = element.getBoundingClientRect();
  return width >= 60 && element.contains(document.elementFromPoint(left + width / 2, top + height / 2));
}"""
FITS = "document.scrollingElement.scrollWidth <= innerWidth"


def signed_in(chromium: Browser, address: str, name: str) -> Iterator[BrowserContext]:
    # Colours that are on their way from one theme to the other are nobody's choice.
    with chromium.new_context(reduced_motion="reduce") as context:
        context.set_default_timeout(15_000)
        sign_in(context.new_page(), address, name)
        yield context


@pytest.fixture(scope="module")
def ada(chromium: Browser, filled: Filled) -> Iterator[BrowserContext]:
    """The browser of an operator who has drawn."""
    yield from signed_in(chromium, filled.url, "ada")


@pytest.fixture(scope="module")
def grace(chromium: Browser, filled: Filled) -> Iterator[BrowserContext]:
    """The browser of a visitor who has not."""
    yield from signed_in(chromium, filled.url, "grace")


def expect_nothing(page: Page) -> None:
    """Fail with what axe-core finds in a theme at a size, or if the page is wider than a narrow screen."""
    page.evaluate(AXE_SCRIPT)
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        for theme, options in {"light": ALL_RULES, "dark": RULES_OF_COLOUR}.items():
            page.emulate_media(color_scheme=theme)
            found = AxeResults(page.evaluate("options => axe.run(options)", options))
            assert found.violations_count == 0, f"{theme}, {width} px: {found.generate_report()}"
    page.set_viewport_size({"width": NARROWEST[0], "height": NARROWEST[1]})
    assert page.evaluate(FITS)


# --- Draw ---


def opened(visitor: BrowserContext, filled: Filled) -> Page:
    page = visitor.pages[0]
    page.goto(filled.url)
    page.locator("html[data-paper]").wait_for()
    return page


def blank(visitor: BrowserContext, filled: Filled) -> Page:
    page = opened(visitor, filled)
    page.keyboard.press("Escape")
    expect(page.locator(".reading.is-blank")).to_be_visible()
    return page


def answered(visitor: BrowserContext, filled: Filled) -> Page:
    page = blank(visitor, filled)
    draw(page, SEVEN)
    expect(page.locator(".judge")).to_have_attribute("data-state", "open")
    return page


def explained(visitor: BrowserContext, filled: Filled) -> Page:
    page = answered(visitor, filled)
    page.get_by_role("button", name="Why?").click()
    expect(page.locator(".why-words")).to_contain_text("ink that pointed to 7")
    page.get_by_role("button", name="No, it is").click()
    page.get_by_label("Settings").click()
    return page


def judged(visitor: BrowserContext, filled: Filled) -> Page:
    page = answered(visitor, filled)
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".judge-said")).to_contain_text("Saved")
    return page


def complaint(visitor: BrowserContext, filled: Filled) -> Page:
    page = blank(visitor, filled)
    filled.torchserve.is_away = True
    try:
        draw(page, SEVEN)
        expect(page.get_by_role("button", name="Try again")).to_be_visible()
    finally:
        filled.torchserve.is_away = False
    return page


def listed(visitor: BrowserContext, filled: Filled) -> Page:
    page = blank(visitor, filled)
    files = [*(("seven.png", png("7")),) * 2, ("broken.png", b"no picture")]
    page.locator("input[type=file][multiple]").set_input_files(
        [{"name": name, "mimeType": "image/png", "buffer": file} for name, file in files]
    )
    expect(page.locator(".many-progress")).to_have_text("2 of 3 read, 1 refused")
    expect(page.get_by_role("button", name="Close")).to_be_visible()
    return page


# --- The other views ---


def at(path: str, *, unfold: bool = False) -> Callable[[BrowserContext, Filled], Page]:
    """Return what opens an address, with all of its details unfolded if they are to be."""

    def visit(visitor: BrowserContext, filled: Filled) -> Page:
        page = visitor.pages[0]
        page.goto(f"{filled.url}/{path.format(drawing=filled.drawing)}")
        if unfold:
            page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        return page

    return visit


def over_the_list(visitor: BrowserContext, filled: Filled) -> Page:
    page = at("history")(visitor, filled)
    page.locator(".rows a").nth(1).click()
    page.locator("dialog.drawer[open] h1").wait_for()
    return page


def compared(visitor: BrowserContext, filled: Filled) -> Page:
    page = at("models")(visitor, filled)
    page.get_by_role("button", name="Compare").click()
    page.locator(".verdict").wait_for()
    return page


def confirmed(visitor: BrowserContext, filled: Filled) -> Page:
    page = at("models")(visitor, filled)
    page.get_by_role("link", name="Unload digits-vit").click()
    page.locator("dialog[open]").wait_for()
    return page


STATES = {
    "Draw, blank": blank,
    "Draw, with an answer": answered,
    "Draw, explained and about to be judged": explained,
    "Draw, judged": judged,
    "Draw, with a complaint": complaint,
    "Draw, with many pictures": listed,
    "History": at("history", unfold=True),
    "History, one drawing over the list": over_the_list,
    "History, filtered to nothing": at("history?true=7&label=6"),
    "a drawing": at("history/{drawing}?ask=digits-vit/1.0.0", unfold=True),
    "a drawing explained": at("history/{drawing}?why=importance"),
    "judging many": at("history/judge"),
    "reviewing": at("review"),
    "no such drawing": at("history/none"),
    "Analytics": at("analytics", unfold=True),
    "Models": at("models"),
    "a card": at("models/card?path=digits/1.0.0"),
    "a confirmation": at("models/change?verb=unload&path=digits-vit/1.0.0"),
    "a confirmation over the list": confirmed,
    "a change that is not possible": at("models/change?verb=unload&path=none/1.0.0"),
    "a comparison": compared,
}


@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing_for_an_operator(ada: BrowserContext, filled: Filled, state: str) -> None:
    expect_nothing(STATES[state](ada, filled))


@pytest.mark.parametrize("path", ["", "history", "history/judge", "review", "analytics", "models"])
def test_axe_finds_nothing_for_a_visitor_who_has_not_drawn(
    grace: BrowserContext, filled: Filled, path: str
) -> None:
    expect_nothing(at(path)(grace, filled) if path else opened(grace, filled))


@pytest.mark.parametrize("state", ["History", "a drawing", "Models", "a card", "Analytics"])
def test_axe_finds_nothing_on_a_telephone_held_sideways(
    ada: BrowserContext, filled: Filled, state: str
) -> None:
    page = STATES[state](ada, filled)
    page.set_viewport_size({"width": 844, "height": 390})
    page.evaluate(AXE_SCRIPT)
    found = AxeResults(page.evaluate("options => axe.run(options)", ALL_RULES))
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate(FITS)


@pytest.mark.parametrize("size", [(1200, 900), (390, 844), (320, 640), (844, 390), (600, 450)])
def test_the_way_to_the_views_is_at_the_same_place_in_each(
    ada: BrowserContext, filled: Filled, size: tuple[int, int]
) -> None:
    page = ada.pages[0]
    page.set_viewport_size({"width": size[0], "height": size[1]})
    places = {}
    for path in ("", "history", "analytics", "models"):
        page.goto(f"{filled.url}/{path}")
        expect(page.locator(".account")).to_be_visible()
        links = page.locator(".views a, .account button").all()
        places[path] = [link.evaluate(BOX) for link in links]
        assert page.evaluate(FITS)
        for name in ("select", "button"):
            for control in page.locator(f"#top {name}").all():
                assert control.evaluate(IS_ON_TOP), (path, name)
    assert {str(boxes) for boxes in places.values()} == {str(places[""])}


@pytest.mark.parametrize("password", ["", "wrong password"])
def test_axe_finds_nothing_in_the_form_to_sign_in(chromium: Browser, filled: Filled, password: str) -> None:
    with chromium.new_context() as visitor:
        page = visitor.new_page()
        page.goto(filled.url)
        if password:
            page.get_by_label("Name").fill("ada")
            page.get_by_label("Password").fill(password)
            page.get_by_role("button", name="Sign in").click()
            expect(page.get_by_role("alert")).to_contain_text("Wrong name or password")
        expect_nothing(page)
