"""The logic of numbers at the pad by itself: one request at a time, and what is asked again."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.e2e.modules import HOST, blank_page, run

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Iterator[Page]:
    with chromium.new_context() as visitor:
        yield blank_page(visitor)


def asking(page: Page, script: str) -> Any:
    """Run a script with `n`, numbers whose answers come at `answer(...)`, and what was `asked` and `seen`."""
    begin = """
      const asked = [], seen = [], open = [];
      const post = (question, before) => {
        asked.push([question.sent, before]);
        return new Promise((resolve) => open.push(resolve));
      };
      const show = (answer, { sent }) => seen.push([sent, answer.text ?? answer.message]);
      const n = m.createNumbers({ post, show });
      const question = (sent, drawing = "a", keep = true) => ({ sent, drawing, keep, strokes: [1] });
      const digit = (prediction) => ({ prediction, box: [0, 1, 2, 3] });
      const answer = async (content) => {
        open.shift()(content);
        await new Promise((resolve) => setTimeout(resolve));
      };
    """
    return run(page, "numbers.js", f"{begin} {script}")


def test_one_request_at_a_time_and_of_those_that_wait_the_newest(page: Page) -> None:
    script = """
      n.ask(question(1)); n.ask(question(2)); n.ask(question(3));
      const atFirst = asked.length;
      await answer({ text: "1", digits: [] });
      await answer({ text: "123", digits: [] });
      return [atFirst, asked.map(([sent]) => sent), seen]"""
    assert asking(page, script) == [1, [1, 3], [[3, "123"]]]


def test_the_digits_that_were_found_are_sent_with_the_next_question_of_the_same_paper(page: Page) -> None:
    script = """
      n.ask(question(1)); n.ask(question(2));
      await answer({ text: "7", digits: [digit("p"), digit("")] });
      await answer({ message: "busy" });
      n.ask(question(3)); await answer({ text: "8", digits: [digit("q")] });
      n.ask(question(4, "b")); await answer({ text: "9", digits: [] });
      n.ask(question(5));
      return [asked.map(([, before]) => before), seen]"""
    known = [["p", 0, 1, 2, 3]]
    before, seen = asking(page, script)
    assert before == [[], known, known, [], [["q", 0, 1, 2, 3]]]
    assert seen == [[2, "busy"], [3, "8"], [4, "9"]]


def test_what_was_not_to_be_stored_is_read_and_the_rows_of_before_are_still_known(page: Page) -> None:
    script = """
      n.ask(question(1)); await answer({ text: "7", digits: [digit("p")] });
      n.ask(question(2, "a", false)); await answer({ text: "7", digits: [digit("")] });
      n.ask(question(3));
      return [asked.at(-1), seen.length]"""
    assert asking(page, script) == [[3, [["p", 0, 1, 2, 3]]], 2]


LOST = '{ message: "away", canAskAgain: true, isLost: true }'


def test_what_was_lost_is_asked_again_before_what_comes_after_it(page: Page) -> None:
    script = f"""
      n.ask(question(1)); await answer({{ text: "7", digits: [digit("p")] }});
      n.ask(question(2)); await answer({LOST});
      n.ask(question(3)); await answer({{ text: "71", digits: [digit("p"), digit("q")] }});
      await answer({{ text: "7", digits: [digit("p")] }});
      n.ask(question(4));
      return [asked, seen]"""
    p, q = (["p", 0, 1, 2, 3], ["q", 0, 1, 2, 3])
    asked, seen = asking(page, script)
    assert asked == [[1, []], [2, [p]], [2, [p]], [3, [p, q]], [4, [p]]]
    assert seen == [[1, "7"], [2, "away"], [3, "7"]]


def test_while_the_server_is_away_one_question_is_lost_and_it_is_asked_first(page: Page) -> None:
    script = f"""
      n.ask(question(1)); await answer({LOST});
      n.ask(question(2)); await answer({LOST});
      n.ask(question(3)); await answer({{ text: "7", digits: [digit("p")] }});
      return [asked, seen]"""
    asked, seen = asking(page, script)
    assert asked == [[1, []], [1, []], [1, []], [3, [["p", 0, 1, 2, 3]]]]
    assert seen == [[1, "away"], [2, "away"]]


def test_what_is_asked_again_as_it_was_is_asked_once(page: Page) -> None:
    script = f"""
      const same = question(1);
      n.ask(same); await answer({LOST});
      n.ask({{ ...same, sent: 2 }}); await answer({{ text: "7", digits: [digit("p")] }});
      n.ask(question(3));
      return asked"""
    assert asking(page, script) == [[1, []], [2, []], [3, [["p", 0, 1, 2, 3]]]]


def test_a_refusal_does_not_forget_what_was_lost_before_it(page: Page) -> None:
    script = f"""
      const same = question(1);
      n.ask(same); await answer({LOST});
      n.ask({{ ...same, sent: 2 }}); await answer({{ message: "busy", canAskAgain: true }});
      n.ask(question(3)); await answer({{ text: "71", digits: [digit("p"), digit("q")] }});
      return asked.map(([sent, before]) => [sent, before.length])"""
    assert asking(page, script) == [[1, 0], [2, 0], [2, 0], [3, 2]]


@pytest.mark.parametrize("refusal", ['{ message: "blank" }', f"...Array(5).fill({LOST})"])
def test_what_cannot_be_asked_again_holds_nothing_up(page: Page, refusal: str) -> None:
    script = f"""
      n.ask(question(1)); await answer({LOST});
      let sent = 1;
      for (const said of [{refusal}]) {{ n.ask(question(sent += 1)); await answer(said); }}
      return asked.at(-1)"""
    assert asking(page, script) == [2 if "blank" in refusal else 6, []]


def test_only_what_was_lost_is_asked_again_in_the_same_turn(page: Page) -> None:
    script = f"""
      const turns = [];
      const answering = async (question) => {{
        turns.push(question.turn);
        return turns.length === 2 ? {LOST} : {{ digits: [] }};
      }};
      const pad = m.createNumbers({{ post: answering, show: () => {{}} }});
      const [one, two] = [question(1), question(2)];
      for (const asked of [one, two, two, one, {{ ...one, picture: {{}} }}]) {{
        pad.ask(asked);
        await new Promise((resolve) => setTimeout(resolve));
      }}
      return [turns.map((turn) => turns.indexOf(turn)), turns.at(-1), turns[0].length]"""
    assert asking(page, script) == [[0, 1, 1, 3, 4], "", 32]


def test_who_wants_nothing_stored_has_nothing_of_before_asked_again(page: Page) -> None:
    script = f"""
      n.ask(question(1)); await answer({LOST});
      n.ask(question(2, "a", false));
      return asked.at(-1)"""
    assert asking(page, script) == [2, []]


def test_what_was_lost_outlives_a_reload(page: Page) -> None:
    script = f"""
      const paper = "ab".repeat(16);
      n.ask(question(1, paper)); await answer({{ text: "7", digits: [digit("p")] }});
      n.ask(question(2, paper)); await answer({LOST});
      const again = [];
      const loaded = m.createNumbers({{
        post: async ({{ sent }}, before) => {{
          again.push([sent, before]);
          return {{ digits: sent === 2 ? [digit("p"), digit("q")] : [] }};
        }},
        show: () => {{}},
      }});
      loaded.ask(question(1, paper));
      await new Promise((resolve) => setTimeout(resolve));
      return [again, sessionStorage.getItem("sketchserve-unanswered-before")]"""
    p, q = (["p", 0, 1, 2, 3], ["q", 0, 1, 2, 3])
    assert asking(page, script) == [[[2, [p]], [1, [p, q]]], None]


@pytest.mark.parametrize("status", [0, 200, 502, 503, 504])
def test_an_answer_is_lost_where_the_server_may_have_given_one(page: Page, status: int) -> None:
    def answer(route: Route) -> None:
        if status:
            route.fulfill(status=status, body="")  # of 200 the rest was lost
        else:
            route.abort()

    page.route(f"{HOST}/read?*", answer)
    script = 'return (await m.postNumber({ model: "", picture: { image: "x" } }, [])).isLost'
    is_lost = run(page, "numbers.js", script)
    page.unroute(f"{HOST}/read?*")
    assert is_lost == (status != 503)


def test_on_a_paper_that_was_cleared_no_answer_is_shown_that_is_still_to_come(page: Page) -> None:
    script = """
      n.ask(question(1)); n.ask(question(2)); n.forget();
      await answer({ text: "7", digits: [] });
      return [asked.length, seen]"""
    assert asking(page, script) == [1, []]


def test_under_the_pen_one_is_asked_for_at_a_time_and_the_last_stroke_s_comes_after_it(page: Page) -> None:
    script = """
      document.body.innerHTML = '<section class="number" data-sent="0"></section>';
      const asked = [];
      const numbers = { isOut: false, ask: (question) => asked.push(question) };
      const content = () => ({ kind: "number", strokes: [1], picture: null, drawing: "a" });
      const sending = m.createSending({ props: {}, ask: {}, content, numbers });
      const event = () => new CustomEvent("sketchserve-live-done", { detail: asked.at(-1).sent });
      const done = () => document.dispatchEvent(event());
      const went = [sending.sendInterim(), sending.sendInterim()]; // the second before the first one's answer
      done();
      const time = performance.now;
      performance.now = () => time.call(performance) + 60_000; // the gate has rested
      numbers.isOut = true;
      went.push(sending.sendInterim());
      numbers.isOut = false;
      went.push(sending.sendInterim());
      done();
      sending.send();
      performance.now = () => time.call(performance) + 120_000;
      went.push(sending.sendInterim()); // the drawing's own has no answer yet
      performance.now = time;
      return [went, asked.map(({ sent, keep, isInterim }) => [sent, keep, isInterim ?? false])]"""
    went, asked = run(page, "sending.js", script)
    assert went == [True, False, False, True, False]
    assert asked == [[1, False, True], [2, False, True], [3, True, False]]


def test_an_answer_under_the_pen_gives_way_to_the_drawing_s_own(page: Page) -> None:
    script = """
      n.ask(question(1)); await answer({ text: "7", digits: [digit("p")] });
      n.ask({ ...question(2, "a", false), isInterim: true });
      const isOut = n.isOut;
      n.ask(question(3));
      await answer({ text: "71", digits: [digit(""), digit("")] });
      await answer({ text: "71", digits: [digit("p"), digit("q")] });
      return [isOut, n.isOut, asked, seen]"""
    p = ["p", 0, 1, 2, 3]
    assert asking(page, script) == [True, False, [[1, []], [2, [p]], [3, [p]]], [[1, "7"], [3, "71"]]]
