"""The pad's logic by itself: ids, undo and redo, live, settings."""

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


def paper(page: Page, script: str) -> Any:
    """Run a script with `p`, a paper that counts its ids, `stroke`, and the `ids` that it saw by `see()`."""
    begin = """
      let made = 0;
      const p = m.createPaper(() => String((made += 1)));
      const stroke = { width: 10, points: [[1, 2]] };
      const ids = [];
      const see = () => ids.push(p.drawing);
    """
    return run(page, "paper.js", f"{begin} {script}")


def test_a_drawing_keeps_its_id_while_it_grows_and_through_undo_and_redo(page: Page) -> None:
    ids = "p.add(stroke); see(); p.add(stroke); see(); p.undo(); see(); p.redo(); see(); return ids"
    assert len(set(paper(page, ids))) == 1


def test_a_first_stroke_a_picture_and_a_clear_are_other_drawings(page: Page) -> None:
    ids = "p.add(stroke); see(); p.put({}); see(); p.clear(); see(); p.add(stroke); see(); return ids"
    assert len(set(paper(page, ids))) == 4


def test_a_stroke_in_a_pictures_place_is_another_drawing_and_undo_brings_the_picture_back(page: Page) -> None:
    script = "p.put({}); see(); p.add(stroke); see(); p.undo(); see(); return [ids, p.picture !== null]"
    ids, has_picture = paper(page, script)
    assert (ids[0] == ids[2] != ids[1], has_picture) == (True, True)


def test_undoing_a_clear_brings_the_drawing_back_with_its_id(page: Page) -> None:
    script = (
        "p.add(stroke); p.add(stroke); see(); p.clear(); p.undo(); see(); return [...ids, p.strokes.length]"
    )
    before, after, count = paper(page, script)
    assert (before, count) == (after, 2)


@pytest.mark.parametrize("change", ["p.add(stroke)", "p.undo()", "p.clear(); p.undo()"])
def test_what_changes_after_a_drawing_was_judged_is_another_drawing(page: Page, change: str) -> None:
    script = f"p.add(stroke); p.add(stroke); see(); p.judge(p.drawing); {change}; see(); return ids"
    before, after = paper(page, script)
    assert before != after


def test_after_a_judgement_undo_and_redo_keep_the_new_id(page: Page) -> None:
    script = """
      p.add(stroke); p.add(stroke); p.judge(p.drawing); see();
      p.undo(); see(); p.redo(); see(); p.undo(); see(); p.add(stroke); see(); return ids"""
    judged, *others = paper(page, script)
    assert judged not in others and len(set(others)) == 1


def test_a_judgement_of_another_drawing_changes_nothing(page: Page) -> None:
    script = "p.add(stroke); see(); p.judge('x'); p.judge(undefined); p.add(stroke); see(); return ids"
    assert len(set(paper(page, script))) == 1


def test_redo_ends_where_something_new_is_drawn(page: Page) -> None:
    assert paper(page, "p.add(stroke); p.undo(); p.add(stroke); return [p.canRedo, p.redo()]") == [
        False,
        False,
    ]


def test_what_was_kept_comes_back_with_its_id_and_can_be_undone_stroke_by_stroke(page: Page) -> None:
    script = """
      const one = m.createPaper();
      one.add(stroke); one.add(stroke);
      p.restore(one.toText());
      const same = p.drawing === one.drawing && /^[0-9a-f]{32}$/.test(p.drawing);
      p.undo();
      return [same, p.strokes.length, p.undo(), p.isBlank, p.canUndo]"""
    assert paper(page, script) == [True, 1, True, True, False]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "7",
        '"strokes"',
        "no JSON",
        "[null]",
        '{"strokes": 7}',
        '{"drawing": 7, "strokes": []}',
        '[{"width": 20, "points": []}]',
        '[{"width": 20, "points": {"length": 2}}]',
        '[{"width": 20, "points": [[1, "2"]]}]',
        '[{"width": 20, "points": [[1]]}]',
        '[{"width": "x", "points": [[1, 2]]}]',
        '[{"width": 1e9, "points": [[1, 2]]}]',
    ],
)
def test_what_strangers_kept_is_no_drawing(page: Page, text: str) -> None:
    script = "const p = m.createPaper(undefined, given.kind); p.restore(given.text); return p.isBlank"
    of_number = f'{{"kind": "number", "strokes": {text}}}'
    for given in ({"text": text}, {"kind": "number", "text": of_number}):
        assert run(page, "paper.js", script, given)


def test_memory_for_undo_has_an_end(page: Page) -> None:
    script = """
      for (let i = 0; i < 1100; i += 1) p.add(stroke);
      let steps = 0;
      while (p.undo()) steps += 1;
      for (let i = 0; i < 20; i += 1) p.put({ number: i });
      let pictures = 0;
      while (p.undo()) pictures += p.picture !== null;
      return [steps, pictures]"""
    assert paper(page, script) == [1000, 4]


def test_live_questions_go_one_at_a_time_and_apart(page: Page) -> None:
    script = """
      const gate = m.createGate();
      gate.begin(0);
      const may = [gate.mayAsk(100), gate.mayAsk(150)];
      gate.asked(150);
      may.push(gate.mayAsk(9999));
      gate.answered(160);
      may.push(gate.mayAsk(299), gate.mayAsk(300));
      return may"""
    assert run(page, "live.js", script) == [False, True, False, False, True]


def test_live_rests_where_answers_are_slow(page: Page) -> None:
    script = """
      const gate = m.createGate();
      const may = [];
      gate.asked(0);
      gate.answered(200);
      may.push(gate.mayAsk(799), gate.mayAsk(800));
      gate.asked(1000);
      gate.answered(1500);
      may.push(gate.mayAsk(16000), gate.mayAsk(16500));
      return may"""
    assert run(page, "live.js", script) == [False, True, False, True]


def test_live_rests_where_others_went_before(page: Page) -> None:
    script = """
      const gate = m.createGate();
      gate.asked(0);
      gate.answered(10, false);
      return [gate.mayAsk(15_009), gate.mayAsk(15_010)]"""
    assert run(page, "live.js", script) == [False, True]


def test_settings_come_back_and_nothing_that_strangers_kept(page: Page) -> None:
    kept = '{"pen": "#102030", "paper": "#fffff0", "width": 14, "live": true, "number": true}'
    read = run(page, "settings.js", "return m.readSettings(given)", kept)
    assert read == {"pen": "#102030", "paper": "#fffff0", "width": 14, "live": True, "number": True}
    strange = [
        *(None, "", "7", "null", "[]", "no JSON", '"x"', "9" * 2000),
        '{"pen": "red", "paper": 7, "width": 1e9, "live": "yes"}',
        '{"width": 7.5, "pen": "#10203"}',
        '{"pen": "#ffffff", "paper": "#fffffe"}',
    ]
    for text in strange:
        assert run(page, "settings.js", "return m.readSettings(given)", text) == run(
            page, "settings.js", "return m.DEFAULTS"
        ), text


def test_pixels_that_a_browser_falsifies_are_noticed(chromium: Browser) -> None:
    falsify = """(most) => {
      const { getImageData } = CanvasRenderingContext2D.prototype;
      CanvasRenderingContext2D.prototype.getImageData = function (...box) {
        const image = getImageData.apply(this, box);
        image.data[20] ^= most;
        return image;
      };
    }"""
    with chromium.new_context() as visitor:
        page = blank_page(visitor)
        assert run(page, "readout.js", "return m.givesBackWhatWasPainted()")
        page.evaluate(falsify, 1)  # what Brave does, and no model notices
        assert run(page, "readout.js", "return m.givesBackWhatWasPainted()")
        page.evaluate(falsify, 64)
        assert not run(page, "readout.js", "return m.givesBackWhatWasPainted()")
