"""Many pictures, the logic by itself: turns, waiting, stopping, the file for a spreadsheet, folders."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, Route

from tests.e2e.modules import HOST, blank_page, run

pytestmark = pytest.mark.browser

AWAY = "The page's server cannot be reached"
SIGNED_OUT = "You are signed out: sign in again in another tab, then Go on reads the rest."


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


def written(page: Page, rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    text = run(page, "many/csv.js", "return m.csvOf(given);", rows)
    assert text.endswith("\r\n")
    return list(csv.DictReader(io.StringIO(text, newline="")))


ANSWER = {
    "label": "4",
    "confidence": 0.75,
    "set": ["4", "9"],
    "is_digit": True,
    "model": "digits",
    "version": "1.0.0",
    "prediction": None,
}


def test_the_file_has_a_row_for_each_picture_with_what_became_of_it(page: Page) -> None:
    rows: list[dict[str, Any]] = [
        {"name": 'a "b", c\n.png', "state": "read", "why": "", "answer": ANSWER},
        {"name": "x.heic", "state": "refused", "why": "no HEIC", "answer": None},
        {"name": "y.png", "state": "waits", "why": "", "answer": None},
    ]
    read, refused, left = written(page, rows)
    assert read == {
        "name": 'a "b", c\n.png',
        "label": "4",
        "confidence": "0.75",
        "set": "4 9",
        "is_digit": "true",
        "model": "digits 1.0.0",
        "prediction": "",
        "error": "",
    }
    assert (refused["label"], refused["error"], left["error"]) == ("", "no HEIC", "not read")


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("x")'])
def test_no_text_is_a_formula(page: Page, name: str) -> None:
    rows = [
        {"name": name, "state": "refused", "why": name, "answer": None},
        {"name": "x", "state": "read", "why": "", "answer": {**ANSWER, "label": name}},
    ]
    refused, read = written(page, rows)
    assert (refused["name"], refused["error"], read["label"]) == (f"'{name}",) * 3


FOLDERS = """
  const inside = { scan: "II*\\0" };
  const file = (name, type) => ({
    name, isDirectory: false, file: (give) => give(new File([inside[name] ?? "x"], name, { type })),
  });
  const folder = (name, children) => ({ name, isDirectory: true, createReader: () => {
    const batches = [children.slice(0, 2), children.slice(2), []];
    return { readEntries: (give) => give(batches.shift()) };
  } });
  const broken = { name: "gone.png", isDirectory: false, file: (_give, fail) => fail(new Error()) };
"""


def test_of_a_folder_the_pictures_are_taken_with_those_below_in_the_order_of_their_names(page: Page) -> None:
    script = f"""{FOLDERS}
      const png = (name) => file(name, "image/png");
      const below = folder("b", [png("10.png"), file("9.jpg", "image/jpeg"), broken, file("z.heic", "")]);
      const top = folder("top", [png("c.png"), below, png(".hidden.png"), file("a.txt", "text/plain"),
        file("scan", ""), file("notes", "")]);
      return (await m.picturesIn([top])).map(({{ name }}) => name);"""
    assert run(page, "folders.js", script) == ["9.jpg", "10.png", "z.heic", "c.png", "scan"]


def test_only_where_a_folder_was_dropped_are_there_folders(page: Page) -> None:
    script = f"""{FOLDERS}
      const item = (entry) => ({{ webkitGetAsEntry: () => entry }});
      const of = (...items) => m.foldersIn({{ items }})?.length ?? null;
      const [one, some] = [item(file("a.png", "")), item(folder("f", []))];
      return [of(one), of(some, one, item(null)), of({{}}), m.foldersIn(null)];"""
    assert run(page, "folders.js", script) == [None, 2, None, None]


def test_what_a_browser_cannot_open_gets_one_line(page: Page) -> None:
    files = [{"name": "IMG.HEIC", "type": ""}, {"type": "image/heif"}, {"name": "a.png"}]
    heic, heif, other = run(page, "pictures.js", "return given.map(m.noPicture);", files)
    assert "cannot open HEIC" in heic and heic == heif
    assert other == "This browser cannot show that file as a picture. Choose a PNG or JPEG."


@pytest.mark.parametrize(
    ("status", "body", "retry", "found"),
    [
        (200, '{"label": "7", "set": []}', "", {"answer": {"label": "7", "set": []}}),
        (200, '{"label": "7", "s', "", {"why": AWAY, "retryS": 1}),
        (200, "<html>Welcome to the hotel</html>", "", {"why": AWAY, "retryS": 1}),
        (200, "null", "", {"why": AWAY, "retryS": 1}),
        (200, "{}", "", {"why": AWAY, "retryS": 1}),
        (400, '{"type": "BadImage", "message": "Nothing is drawn."}', "", {"why": "Nothing is drawn."}),
        (413, "The body is too large", "", {"why": "The body is too large"}),
        (503, '{"type": "Busy", "message": "Later."}', "4", {"why": "Later.", "retryS": 4}),
        (429, "<html>Too many</html>", "2", {"why": "There is no answer (status 429).", "retryS": 2}),
        (408, "Too slow", "", {"why": "Too slow", "retryS": 1}),
        (502, "", "", {"why": "There is no answer (status 502).", "retryS": 1}),
        (503, "null", "", {"why": "There is no answer (status 503).", "retryS": 1}),
        (401, "Sign in first, at /sign-in", "", {"why": SIGNED_OUT, "stops": True}),
    ],
)
def test_a_refusal_is_for_good_and_a_full_house_is_not(
    page: Page, status: int, body: str, retry: str, found: dict[str, Any]
) -> None:
    headers = {"Retry-After": retry} if retry else {}
    address = f"{HOST}/pictures"
    page.route(address, lambda route: route.fulfill(status=status, body=body, headers=headers))
    assert run(page, "many/asking.js", "return m.ask({ image: 'x' });") == found
    page.unroute(address)


def test_a_server_that_is_away_is_asked_again(page: Page) -> None:
    page.route(f"{HOST}/pictures", lambda route: route.abort())
    found = run(page, "many/asking.js", "return m.ask({ image: 'x' });")
    page.unroute(f"{HOST}/pictures")
    assert found == {"why": AWAY, "retryS": 1}


def test_a_server_that_does_not_answer_is_given_up(page: Page) -> None:
    script = """
      const limits = [];
      const [before, timeout] = [window.fetch, AbortSignal.timeout];
      AbortSignal.timeout = (limit) => {
        limits.push(limit);
        return timeout.call(AbortSignal, 1);
      };
      window.fetch = (_address, { signal }) => new Promise((_, fail) => {
        signal.addEventListener("abort", () => fail(signal.reason));
      });
      try {
        return [await m.ask({ image: "x" }), limits];
      } finally {
        [window.fetch, AbortSignal.timeout] = [before, timeout];
      }"""
    assert run(page, "many/asking.js", script) == [{"why": AWAY, "retryS": 1}, [60_000]]


@pytest.mark.parametrize("storage", ["has none", "is refused"])
def test_where_storage_is_refused_a_visitor_is_who_the_page_took_them_for(page: Page, storage: str) -> None:
    sent: list[Any] = []

    def answer(route: Route) -> None:
        sent.append(route.request.post_data_json)
        route.fulfill(status=400, body="No")

    page.route(f"{HOST}/pictures", answer)
    script = """
      window.sketchserveVisitor = "abc";
      const getItem = Storage.prototype.getItem;
      if (given === "is refused") Storage.prototype.getItem = () => { throw new Error("refused"); };
      try { await m.ask({ image: "x" }); } finally { Storage.prototype.getItem = getItem; }
      delete window.sketchserveVisitor;"""
    run(page, "many/asking.js", script, storage)
    page.unroute(f"{HOST}/pictures")
    assert [one["visitor"] for one in sent] == ["abc"]


def test_a_model_that_is_loaded_or_gone_is_named_to_the_chooser(page: Page) -> None:
    body = '{"type": "Loading", "message": "Idle", "loads": "letters/2.0.0"}'
    page.route(f"{HOST}/pictures", lambda route: route.fulfill(status=503, body=body))
    script = """
      let loads;
      document.addEventListener("sketchserve-load", ({ detail }) => { loads = detail; }, { once: true });
      return [await m.ask({ image: "x" }), loads];"""
    found = run(page, "many/asking.js", script)
    page.unroute(f"{HOST}/pictures")
    assert found == [{"why": "Idle", "retryS": 1}, "letters/2.0.0"]


DIGIT = {"label": "4", "confidence": 0.9, "set": ["4"], "is_digit": True, "is_sure": True, "prediction": "p"}
NUMBER = {
    "text": "45",
    "digits": [DIGIT, {**DIGIT, "label": "5", "confidence": 0.6, "set": ["5", "6"], "is_sure": False}],
    "model": "digits",
    "version": "1.0.0",
}


def test_a_number_is_asked_for_as_the_pad_does_and_its_row_is_a_digit_s(page: Page) -> None:
    sent: list[Request] = []

    def answer(route: Route) -> None:
        sent.append(route.request)
        route.fulfill(json=NUMBER)

    page.route(f"{HOST}/read?*", answer)
    value = {"image": "x", "source": "upload", "thumbnail": "y", "drawing": "ab" * 16, "isNumber": True}
    found = run(page, "many/asking.js", "return m.ask(given);", value)
    page.unroute(f"{HOST}/read?*")
    assert found == {
        "answer": {
            "label": "45",
            "confidence": 0.6,
            "set": ["4", "5/6"],
            "is_digit": None,
            "model": "digits",
            "version": "1.0.0",
            "prediction": "p p",
            "headline": "Digit 2 is not sure.",
            "frame": "",
            "detail": "",
            "is_private": False,
        }
    }
    (asked,) = sent
    said = json.loads(asked.headers["x-sketchserve-pad"])
    assert asked.post_data_json == {"image": "x"}
    assert (said["paper"], said["before"], said["isListed"]) == ("ab" * 16, [], True)


@pytest.mark.parametrize("said", [None, {}, {"set": ["4"]}, {"digits": "none"}])
def test_what_is_no_number_is_no_answer_to_one(page: Page, said: Any) -> None:
    assert run(page, "many/asking.js", "return m.asRow(given, true);", said) is None


def test_a_number_without_a_digit_that_could_be_read_names_no_model(page: Page) -> None:
    nothing = {
        "label": "?",
        "confidence": 0,
        "set": [],
        "is_digit": False,
        "is_sure": False,
        "prediction": "",
    }
    said = {"text": "?", "digits": [nothing], "model": None, "version": None}
    answer = run(page, "many/asking.js", "return m.asRow(given, true);", said)
    (read,) = written(page, [{"name": "x", "state": "read", "why": "", "answer": answer}])
    assert (read["label"], read["model"], read["prediction"]) == ("?", "", "")


def test_a_number_s_label_leads_to_its_first_digit(page: Page) -> None:
    answer = {**ANSWER, "label": "45", "is_digit": None, "detail": "", "headline": "", "prediction": "p q"}
    script = """
      const row = m.createRow({ name: "x", state: "read", answer: given });
      return row.querySelector("a").getAttribute("href");"""
    assert run(page, "many/row.js", script, answer) == f"{HOST}/history/p"


def test_a_number_whose_model_is_gone_waits_until_the_chooser_has_another(page: Page) -> None:
    body = '{"type": "ModelNotFound", "message": "Gone", "loads": "letters/2.0.0"}'
    page.route(f"{HOST}/read?*", lambda route: route.fulfill(status=404, body=body))
    script = """
      let loads;
      document.addEventListener("sketchserve-load", ({ detail }) => { loads = detail; }, { once: true });
      return [await m.ask({ image: "x", isNumber: true }), loads];"""
    found = run(page, "many/asking.js", script)
    page.unroute(f"{HOST}/read?*")
    assert found == [{"why": "Gone", "retryS": 1}, "letters/2.0.0"]


@pytest.mark.parametrize(("why", "said"), [("Later.", "Later."), ("Busy", "Busy.")])
def test_what_waits_is_said_in_whole_sentences(page: Page, why: str, said: str) -> None:
    script = 'return m.createRow({ name: "x", state: "reads", why: given }).lastChild.textContent;'
    assert run(page, "many/row.js", script, why) == f"{said} It waits its turn."


def test_of_more_than_a_list_has_it_is_said_how_many_are_left_out(chromium: Browser) -> None:
    script = """
      document.body.innerHTML = '<div id="desk"></div>';
      const files = (count) => Array.from({ length: count }, () => new File(["no picture"], "x.png"));
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
    left = "Too many for one list: 2 left out. Close it first, then choose the rest."
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
            page.evaluate(f"import('{HOST}/sign_in/account.js').then(() => fetch('pictures'))")
        loads: list[object] = []
        page.on("framenavigated", lambda frame: loads.append(frame))
        assert run(page, "sign_in/account.js", script, '<section class="many is-open"></section>') == 401
        assert run(page, "many/run.js", "return m.AT_ONCE") == 2  # the page is still there
        assert loads == []
