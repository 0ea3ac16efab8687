"""What keys mean on the pad, by where the focus is and by the keyboard's script."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.modules import blank_page, run

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Iterator[Page]:
    with chromium.new_context() as visitor:
        yield blank_page(visitor)


KEYS = [
    ("canvas", "Backspace", "", "undo"),
    ("canvas", "Escape", "", "clear"),
    ("canvas", "Delete", "", "clear"),
    ("button", "z", "ctrl", "undo"),
    ("button", "Z", "ctrl shift", "redo"),
    ("button", "y", "ctrl", "redo"),
    ("button", "z", "meta", "undo"),
    ("button", "Escape", "", "clear"),
    ("button", "Enter", "", ""),
    ("button", " ", "", ""),
    ("button", "z", "", ""),
    ("body", "Backspace", "", "undo"),
    ("input type=range", "Delete", "", ""),
    ("input type=range", "z", "ctrl", "undo"),
    ("input type=range", "Escape", "", "clear"),
    ("input type=checkbox", "Escape", "", "clear"),
    ("input type=checkbox", "Backspace", "", ""),
    ("input type=text", "z", "ctrl", ""),
    ("input", "Backspace", "", ""),
    ("textarea", "Escape", "", ""),
    ("select", "Backspace", "", ""),
    ("div contenteditable", "z", "ctrl", ""),
    ("summary", "Escape", "", ""),
    ("td", "Delete", "", ""),
]


@pytest.mark.parametrize(("where", "key", "held", "action"), KEYS, ids=lambda value: value or "-")
def test_what_a_key_means_depends_on_where_the_focus_is(
    page: Page, where: str, key: str, held: str, action: str
) -> None:
    script = """
      const around = { summary: "details", td: "table" }[given.name];
      const target = given.name === "body" ? document.body : document.createElement(given.name);
      if (given.attribute) target.setAttribute(...given.attribute);
      if (around) document.createElement(around).append(target);
      const held = { ctrlKey: given.held.includes("ctrl"), shiftKey: given.held.includes("shift"),
                     metaKey: given.held.includes("meta"), altKey: false, isComposing: false };
      return m.meaning({ target, key: given.key, defaultPrevented: false, ...held });"""
    name, _, attribute = where.partition(" ")
    given = {"name": name, "attribute": [*attribute.split("="), ""][:2] if attribute else None}
    assert run(page, "keys.js", script, {**given, "key": key, "held": held}) == action


@pytest.mark.parametrize(
    ("key", "code", "meant"),
    [
        ("я", "KeyZ", "z"),
        ("Ζ", "KeyZ", "z"),
        ("۷", "Digit7", "7"),
        ("z", "KeyY", "z"),
        ("&", "Digit1", "&"),
        ("ö", "Semicolon", "ö"),
        ("Escape", "Escape", "escape"),
        ("Z", "", "z"),
    ],
)
def test_of_another_script_a_key_is_what_english_keyboards_have_there(
    page: Page, key: str, code: str, meant: str
) -> None:
    assert run(page, "keys.js", "return m.latin(given)", {"key": key, "code": code}) == meant


def test_a_russian_keyboard_takes_back_too(page: Page) -> None:
    script = "return m.meaning({ target: document.body, ctrlKey: true, key: 'я', code: 'KeyZ' })"
    assert run(page, "keys.js", script) == "undo"
