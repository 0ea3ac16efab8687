"""The logic around numbers at the pad: what is sent of strokes, said of digits, and kept of each paper."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.modules import blank_page, run
from ui.draw.canvas import FOLDER
from ui.limits import MOST_VALUES

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Iterator[Page]:
    with chromium.new_context() as visitor:
        yield blank_page(visitor)


def test_what_is_sent_of_strokes_keeps_their_ends_and_few_values(page: Page) -> None:
    script = """
      const points = Array.from({ length: 4000 }, (_, at) => [at / 7, 100 * Math.sin(at / 50)]);
      const dot = { width: 12, points: [[1.04, 2]] };
      const { strokes, width } = m.bodyOf({ strokes: [{ width: 8, points }, dot] });
      const ends = [strokes[0][0], strokes[0].at(-1)];
      return { ends, dot: strokes[1], width, text: JSON.stringify({ strokes }) }"""
    sent = run(page, "written.js", script)
    assert sent["ends"][0] == [0, 0] and sent["ends"][1] == pytest.approx([571.3, -99.1], abs=0.1)
    assert (sent["dot"], sent["width"]) == ([[1, 2]], 10)
    assert 1000 < sum(map(sent["text"].count, "[{,")) < MOST_VALUES
    assert run(page, "written.js", "return m.bodyOf({ strokes: [], picture: { image: 'data:' } })") == {
        "image": "data:"
    }


def test_of_very_many_short_strokes_both_ends_are_sent_and_it_ends(page: Page) -> None:
    script = """
      const stroke = { width: 8, points: [[1, 2], [2, 2], [3, 2], [9, 2]] };
      const strokes = Array.from({ length: 1500 }, () => stroke);
      return m.bodyOf({ strokes }).strokes.map(({ length }) => length)"""
    assert run(page, "written.js", script) == [2] * 1500


def test_a_focus_on_what_goes_with_the_answer_is_caught(page: Page) -> None:
    script = """
      const [section, button] = ["section", "button"].map((name) => document.createElement(name));
      section.id = "desk";
      section.innerHTML = given;
      button.className = "pad-paper";
      document.body.replaceChildren(section, button);
      const digits = m.openDigits(section.firstElementChild);
      const digit = { label: "7", note: "", picture: "data:,", is_sure: true, prediction: "p" };
      const answer = { text: "7", digits: [digit] };
      const [sent, refused] = [{ sent: 1 }, { message: "busy", canAskAgain: true }];
      const heard = [];
      const after = (selector, change) => {
        digits.show(selector.includes("again") ? refused : answer, sent);
        section.querySelector(selector).focus();
        change();
        const { className, parentElement } = document.activeElement;
        heard.push(className || parentElement?.localName);
      };
      after("li button", () => digits.show(answer, sent));
      after("li button", () => digits.show(refused, sent));
      after("li button", () => digits.blank(sent));
      after(".number-again", () => digits.show(refused, sent));
      after(".number-again", () => digits.show(answer, sent));
      after(".number-again", () => digits.blank(sent));
      return heard"""
    html = (FOLDER / "number.html").read_text(encoding="utf-8")
    assert run(page, "digits.js", script, html) == [
        *("li", "pad-paper", "pad-paper"),
        *("number-again", "pad-paper", "pad-paper"),
    ]


def test_of_each_paper_the_strokes_outlive_a_reload_by_themselves(page: Page) -> None:
    script = """
      m.keepUnanswered("digit", "one");
      m.keepUnanswered("number", "several");
      m.keepUnanswered("digit", "");
      return [m.unanswered("digit"), m.unanswered("number")]"""
    assert run(page, "sending.js", script) == ["", "several"]


@pytest.mark.parametrize(
    ("status", "text", "message", "again"),
    [
        (503, '{"message": "The model is busy.", "loads": "a/1"}', "The model is busy.", True),
        (400, '{"message": "Nothing is drawn."}', "Nothing is drawn.", False),
        (413, "The body has 20,000 values or more", "The body has 20,000 values or more", False),
        (401, "Sign in first, at /sign-in", "Sign in first, at /sign-in", False),
        (502, "<html><h1>Bad Gateway</h1>", "There was no answer (status 502).", True),
        (500, "", "There was no answer (status 500).", True),
        (500, "null", "There was no answer (status 500).", True),
        (502, "7", "There was no answer (status 502).", True),
        (408, "The body did not arrive within 30 s", "The body did not arrive within 30 s", True),
    ],
)
def test_a_refusal_is_one_line_and_asked_again_where_that_may_help(
    page: Page, status: int, text: str, message: str, again: bool
) -> None:
    said = run(page, "refusals.js", "return m.refusalOf(...given)", [status, text])
    assert (said["message"], said["canAskAgain"]) == (message, again)
    assert said["loads"] == ("a/1" if status == 503 else "")


@pytest.mark.parametrize(
    ("sure", "said", "first"),
    [
        ([True], "Sure of the digit.", 0),
        ([True, True, True], "Sure of all 3 digits.", 2),
        ([True, False], "Not sure of digit 2.", 1),
        ([False, True, False, False], "Not sure of digits 1, 3 and 4.", 0),
        ([False, False], "Not sure of any digit.", 0),
    ],
)
def test_which_digits_are_in_doubt_is_said_and_the_first_of_them_is_open(
    page: Page, sure: list[bool], said: str, first: int
) -> None:
    digits = [{"is_sure": is_sure, "prediction": str(index)} for index, is_sure in enumerate(sure)]
    script = "return [m.inWords(given), ...['', '0', 'x'].map((wanted) => m.firstChoice(given, wanted))]"
    assert run(page, "digits.js", script, digits) == [said, first, 0, first]


def test_a_card_says_what_its_digit_was_judged_to_be(page: Page) -> None:
    script = """
      const mark = (kind, label) => m.markOf({ kind, label }, "7");
      return [mark("label", "7"), mark("label", "1"), mark("not_a_digit", ""), mark("taken_back", "")]"""
    assert run(page, "digits.js", script) == ["✓", "→ 1", "→ not a digit", ""]


def test_each_paper_restores_its_own_strokes_alone(page: Page) -> None:
    script = """
      const papers = ["digit", "number"].map((kind) => m.createPaper(m.newId, kind));
      papers.forEach((paper) => paper.add({ width: 10, points: [[1, 2]] }));
      const restored = (kind, text) => {
        const paper = m.createPaper(m.newId, kind);
        paper.restore(text);
        return paper.strokes.length;
      };
      return papers.flatMap((paper) => ["digit", "number"].map((kind) => restored(kind, paper.toText())))"""
    assert run(page, "paper.js", script) == [1, 0, 0, 1]


def test_a_wide_picture_fills_the_wide_paper(page: Page) -> None:
    script = """
      const { SHEETS } = await import("http://modules.test/paper.js");
      return m.placeOf({ crop: { left: 0, top: 0, width: 1680, height: 280 } }, SHEETS.number)"""
    assert run(page, "views.js", script) == {"left": 0, "top": 70, "scale": 0.5}
