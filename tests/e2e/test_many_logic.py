"""Many pictures, the logic by itself: turns, waiting, stopping, and what the list says."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.modules import HOST, blank_page, run

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Iterator[Page]:
    with chromium.new_context() as visitor:
        yield blank_page(visitor)


def reading(page: Page, script: str, count: int = 6) -> Any:
    """Run a script with `run`, a run of pictures "0", "1", ..., and its `parts`, which may be changed.

    `pauses` has the seconds that were waited, which take no time here, and `most` how many were prepared, and
    asked for, at once.
    """
    begin = f"""
      const waiting = (name) => ({{ file: {{}}, name: String(name), state: "waits" }});
      const rows = Array.from({{ length: {count} }}, (_, at) => waiting(at));
      const pauses = [];
      const now = {{ prepared: 0, asked: 0 }};
      const most = {{ prepared: 0, asked: 0 }};
      const counted = async (kind, work) => {{
        now[kind] += 1;
        most[kind] = Math.max(most[kind], now[kind]);
        await new Promise((resolve) => setTimeout(resolve, kind === "asked" ? 10 : 0));
        try {{ return await work(); }} finally {{ now[kind] -= 1; }}
      }};
      const parts = {{ prepare: (row) => row.name, ask: (name) => ({{ answer: {{ label: name }} }}) }};
      const run = m.createRun(rows, {{
        prepare: (row) => counted("prepared", () => parts.prepare(row)),
        ask: (value) => counted("asked", () => parts.ask(value)),
        changed: () => {{}},
        pause: async (seconds) => {{ pauses.push(seconds); }},
      }});
      const states = () => rows.map(({{ state }}) => state);
    """
    return globals()["run"](page, "many/run.js", f"{begin} {script}")


def test_two_are_asked_for_at_once_and_one_is_made_ready(page: Page) -> None:
    found = reading(page, "await run.start(); return [states(), most, m.AT_ONCE, m.progress(rows)]")
    assert found == [["read"] * 6, {"prepared": 1, "asked": 2}, 2, "6 of 6 read"]


def test_what_is_refused_is_asked_for_once_and_does_not_hold_up_the_others(page: Page) -> None:
    script = """
      let asked = 0;
      parts.prepare = ({ name }) => {
        if (name === "2") throw Object.assign(new Error(), { why: "HEIC" });
        return name;
      };
      parts.ask = (name) => { asked += 1; return name === "4" ? { why: "blank" } : { answer: {} }; };
      await run.start();
      return [states(), rows[2].why, rows[4].why, asked, m.progress(rows), rows.map(({ file }) => file)];"""
    states, *found, files = reading(page, script)
    assert states == ["read", "read", "refused", "read", "refused", "read"]
    assert found == ["HEIC", "blank", 5, "4 of 6 read, 2 refused"]
    assert files == [None] * 6


def test_a_busy_server_is_asked_again_after_the_time_it_names_and_ever_more_rarely(page: Page) -> None:
    script = """
      let left = 7;
      parts.ask = () => (left-- > 0 ? { why: "busy", retryS: 3 } : { answer: {} });
      await run.start();
      return [states(), pauses];"""
    assert reading(page, script, count=1) == [["read"], [3, 3, 4, 8, 16, 30, 30]]


def test_a_picture_without_an_answer_leaves_its_turn_to_the_others_and_is_asked_for_when_told(
    page: Page,
) -> None:
    script = """
      let isAway = true;
      parts.ask = (name) => (isAway && name === "1" ? { why: "no time", retryS: 1 } : { answer: {} });
      await run.start();
      const first = [states(), pauses.length === m.TRIES - 1, rows[1].why, m.progress(rows)];
      isAway = false;
      await run.start();
      return [...first, states()];"""
    assert reading(page, script, count=3) == [
        ["read", "unanswered", "read"],
        True,
        "no time",
        "2 of 3 read, 1 without an answer",
        ["read", "read", "read"],
    ]


def test_stopped_it_begins_no_more_and_goes_on_where_it_was(page: Page) -> None:
    script = """
      const asked = [];
      parts.ask = (name) => { asked.push(name); if (name === "1") run.stop(); return { answer: {} }; };
      await run.start();
      const first = [[...asked], run.isRunning];
      await run.start();
      return [...first, asked, states()];"""
    first, is_running, asked, states = reading(page, script)
    assert first[:2] == ["0", "1"] and len(first) <= 3 and not is_running
    assert (sorted(asked), states) == (list("012345"), ["read"] * 6)


def test_a_sign_in_that_ended_stops_it_and_the_rest_is_read_later(page: Page) -> None:
    script = """
      const asked = [];
      let isIn = false;
      parts.ask = (name) => {
        asked.push(name);
        return isIn || name === "0" ? { answer: {} } : { why: "sign in", stops: true };
      };
      const why = await run.start();
      const first = [why, states().slice(2), run.isRunning, asked.length <= 3, rows[5].file !== null];
      isIn = true;
      return [...first, await run.start(), states()];"""
    assert reading(page, script) == ["sign in", ["waits"] * 4, False, True, True, "", ["read"] * 6]


def test_what_goes_wrong_ends_the_run(page: Page) -> None:
    script = """
      parts.ask = () => { throw new Error("nobody's"); };
      return [await run.start().catch(({ message }) => message), run.isRunning];"""
    assert reading(page, script) == ["nobody's", False]


def test_stopping_ends_a_wait_at_once(page: Page) -> None:
    script = """
      const rows = [{ file: {}, name: "x", state: "waits" }];
      const ask = () => ({ why: "busy", retryS: 30 });
      const changed = (row) => { if (row.why) setTimeout(() => run.stop()); };
      const run = m.createRun(rows, { prepare: () => 1, ask, changed });
      await run.start(); // the pause is a real one, of half a minute
      return rows[0].state;"""
    assert run(page, "many/run.js", script) == "waits"


def test_pictures_that_come_meanwhile_are_read_too(page: Page) -> None:
    script = """
      parts.ask = (name) => {
        if (name === "1") rows.push(waiting("new"));
        return { answer: {} };
      };
      await run.start();
      return states();"""
    assert reading(page, script, count=2) == ["read"] * 3


@pytest.mark.parametrize(("why", "said"), [("Later.", "Later."), ("Busy", "Busy.")])
def test_what_waits_is_said_in_whole_sentences(page: Page, why: str, said: str) -> None:
    script = 'return m.createRow({ name: "x", state: "reads", why: given }).lastChild.textContent;'
    assert run(page, "many/row.js", script, why) == f"{said} Waiting to try again."


def test_of_more_than_a_list_has_it_is_said_how_many_are_left_out(chromium: Browser) -> None:
    script = """
      document.body.innerHTML = '<div id="desk"></div>';
      // Chromium takes 20 ms to read a real one, and ten times as long on a busy machine.
      const arrayBuffer = async () => new ArrayBuffer(0);
      const file = { name: "x.png", type: "", size: 0, slice: () => ({ arrayBuffer }) };
      const files = (count) => Array.from({ length: count }, () => file);
      const note = () => document.querySelector(".many-note").textContent;
      const until = async (is) => {
        while (!is()) await new Promise((resolve) => setTimeout(resolve, 10));
        return note();
      };
      const began = [];
      m.addPictures(files(999));
      began.push(note());
      m.addPictures(files(3));
      began.push(note());
      const ended = await until(() => note().startsWith("Done"));
      m.addPictures(files(2));
      return [began, ended, note(), document.querySelector(".many-progress").textContent];"""
    with chromium.new_context() as visitor:
        began, ended, full, progress = run(blank_page(visitor), "many/list.js", script)
    left = "A list holds at most 1,000 pictures: 2 left out. Close it, then choose the rest."
    assert began == ["999 pictures are being read.", f"1 picture is being read. {left}"]
    assert ended.startswith("Done. ") and ended.endswith(f" {left}")
    assert (full, progress) == (left, "0 of 1000 read, 1000 refused")


def test_a_sign_in_that_ended_does_not_cost_a_list_its_pictures(chromium: Browser) -> None:
    script = """
      document.body.innerHTML = given;
      return (await fetch("pictures", { method: "POST" })).status;"""
    with chromium.new_context() as visitor:
        page = blank_page(visitor)
        page.route(f"{HOST}/pictures", lambda route: route.fulfill(status=401, body="Sign in first"))
        with page.expect_navigation():  # to the form, in earnest
            # Not waited for: it may be gone with the page before it is said to have come.
            page.evaluate(f"void import('{HOST}/sign_in/account.js').then(() => fetch('pictures'))")
        loads: list[object] = []
        page.on("framenavigated", lambda frame: loads.append(frame))
        assert run(page, "sign_in/account.js", script, '<section class="many is-open"></section>') == 401
        assert run(page, "many/run.js", "return m.AT_ONCE") == 2  # the page is still there
        assert loads == []
