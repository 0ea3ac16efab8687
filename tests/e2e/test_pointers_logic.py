"""Which pointer draws, by the pad's logic: one at a time, and a pen before a palm."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.modules import blank_page, run

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Iterator[Page]:
    with chromium.new_context() as visitor:
        yield blank_page(visitor)


def pointers(page: Page, *events: str) -> list[Any]:
    """Return what the rules say to events such as "down touch 3 @100" or "up pen 1"."""
    script = """
      const rules = m.createPointers();
      return given.map((text) => {
        const [, kind, pointerType, id, , at] = text.match(/(\\w+) (\\w+) (\\d+)( @(\\d+))?/);
        const isPrimary = text.endsWith("first");
        const event = { pointerType, pointerId: Number(id), timeStamp: Number(at ?? 0), isPrimary };
        event.button = 0;
        return { down: rules.down, move: rules.moves, up: rules.end }[kind](event);
      });"""
    return run(page, "pointers.js", script, list(events))


def test_one_pointer_draws_at_a_time(page: Page) -> None:
    events = ["down mouse 1", "down mouse 2", "move mouse 2", "move mouse 1", "up mouse 2", "up mouse 1"]
    assert pointers(page, *events) == ["begin", "ignore", False, True, False, True]


def test_a_second_finger_cancels_and_none_draws_before_all_are_up(page: Page) -> None:
    events = ["down touch 1 first", "down touch 2", "up touch 1", "down touch 3", "up touch 2", "up touch 3"]
    assert pointers(page, *events) == ["begin", "cancel", False, "ignore", False, False]
    assert pointers(page, *events, "down touch 4 first")[-1] == "begin"


def test_a_pen_draws_though_a_palm_rests_and_the_palm_does_not_go_on(page: Page) -> None:
    events = [
        "down touch 1 first",
        "down pen 2 @9",
        "move touch 1",
        "move pen 2",
        "up touch 1",
        "up pen 2 @99",
    ]
    assert pointers(page, *events) == ["begin", "begin", False, True, False, True]


def test_no_touch_draws_while_a_pen_draws_or_was_seen_lately(page: Page) -> None:
    assert pointers(page, "down pen 1", "down touch 2 @9 first", "move pen 1") == ["begin", "ignore", True]
    assert pointers(page, "move pen 1 @50", "down touch 2 @2000 first")[-1] == "ignore"
    assert pointers(page, "move pen 1 @50", "down touch 2 @4000 first")[-1] == "begin"


def test_a_finger_whose_end_was_missed_stops_nobody(page: Page) -> None:
    assert pointers(page, "down touch 1 first", "down touch 2", "down touch 3 first")[-1] == "begin"
