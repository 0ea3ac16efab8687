"""A number at the pad: one row a digit that counts, however often the same paper is read."""

import uuid
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from db import engine
from db.log import PredictionLog
from db.records import Deletion, HistoryRow, Prediction, Superseded
from db.schema import predictions
from reading.piece import Piece
from tests.ui.answering import SESSION, answering
from tests.ui.number_pad import HIGH, SAID, WIDE, Pad, pad, piece, shown
from ui.draw.number import matches
from ui.history.corrections import judge

__all__ = ["pad"]


def test_each_digit_is_a_row_with_a_drawing_of_its_own(pad: Pad) -> None:
    answer = pad.read(piece(0, 0), piece(1, 40))
    first, second = pad.waiting()
    assert isinstance(first, Prediction) and isinstance(second, Prediction)
    assert first.drawing_id != second.drawing_id
    assert (first.drawing, first.thumbnail, first.source) == (b"picture", b"\x89PNG small", "sketchpad")
    assert (first.session_id, first.pen_colour) == (SESSION, "#000000")
    assert pad.counting() == shown(answer)
    digit = answer["digits"][0]
    assert digit["place"] == [-10.0, -10.0, 0.5] and digit["note"] == "99.9 % sure"
    assert f'data-prediction="{digit["prediction"]}"' in digit["panel"] and 'data-sent="3"' in digit["panel"]


def test_a_digit_that_is_as_it_was_stays_the_row_that_it_is(pad: Pad) -> None:
    one = pad.read(piece(0, 0))
    two = pad.read(piece(0, 0.5), piece(1, 40))
    assert two["digits"][0]["prediction"] == one["digits"][0]["prediction"]
    assert len(pad.waiting()) == 2


def test_a_digit_with_another_stroke_is_another_answer_to_the_same_drawing(pad: Pad) -> None:
    pad.read(piece(0, 0, 15))
    answer = pad.read(piece(0, 0))
    before, now = pad.waiting()
    assert before.drawing_id == now.drawing_id and before.id != now.id
    assert pad.counting() == shown(answer)


def test_what_was_two_digits_and_is_one_counts_once(pad: Pad) -> None:
    pad.read(piece(0, 0, 14), piece(1, 16, 14))
    answer = pad.read(piece(0, 0))
    assert len(answer["digits"]) == 1 and pad.counting() == shown(answer)
    assert isinstance(pad.waiting()[-1], Superseded)


def test_a_judged_digit_stays_as_it_was_judged(pad: Pad) -> None:
    one = pad.read(piece(0, 0, 15))
    judged = one["digits"][0]["prediction"]
    assert isinstance(judge(pad.backend, SESSION, judged, "1"), HistoryRow)
    # Nothing changed: the same row. With another stroke: another drawing. Gone: it counts nevertheless.
    assert shown(pad.read(piece(0, 0, 15), piece(1, 90))) == pad.counting()
    other = pad.read(piece(0, 0), piece(1, 90))
    assert pad.counting() == sorted([judged, *shown(other)])
    rows = [record for record in pad.waiting() if isinstance(record, Prediction)]
    assert len({row.drawing_id for row in rows}) == 3


@pytest.mark.parametrize("written", [[], [piece(0, 0, 15), piece(1, 90)]], ids=["first", "later"])
def test_what_is_asked_again_after_its_answer_was_lost_is_the_same_rows(
    pad: Pad, written: list[Piece]
) -> None:
    if written:
        pad.read(*written)
    before = pad.before
    lost = pad.read(piece(0, 0), piece(1, 40))
    again = pad.read(piece(0, 0), piece(1, 40), before=before)
    assert shown(again) == shown(lost) == pad.counting()


def test_what_was_undone_and_is_there_again_is_a_row_again(pad: Pad) -> None:
    pad.read(piece(0, 0), turn="a")
    first = pad.read(piece(0, 0), piece(1, 40), turn="b")
    pad.read(piece(0, 0), turn="c")
    again = pad.read(piece(0, 0), piece(1, 40), turn="d")
    # The database keeps the row that it has of an id, and that one counts no longer.
    (superseded,) = (one for one in pad.waiting() if isinstance(one, Superseded))
    assert superseded.prediction_ids == (uuid.UUID(first["digits"][1]["prediction"]),)
    assert again["digits"][1]["prediction"] != first["digits"][1]["prediction"]
    assert pad.counting() == shown(again)


def test_what_was_lost_and_is_asked_again_counts_no_more_once_it_is_undone(pad: Pad) -> None:
    pad.read(piece(0, 0))
    before = pad.before
    pad.read(piece(0, 0), piece(1, 40))
    pad.read(piece(0, 0), piece(1, 40), before=before)  # as pad/numbers.js does where the answer was lost
    left = pad.read(piece(0, 0))
    assert pad.counting() == shown(left) and len(left["digits"]) == 1


def test_what_is_written_after_an_answer_was_lost_takes_the_place_of_its_rows(pad: Pad) -> None:
    pad.read(piece(0, 40))
    answer = pad.read(piece(0, 0), piece(1, 40, 25), before=[])
    assert pad.counting() == shown(answer)


def test_the_same_on_another_paper_by_another_visitor_or_with_another_answer_is_another_row(pad: Pad) -> None:
    asked = [{}, {"paper": "cd" * 16}, {"visitor": "f" * 32}, {"paper": None}, {"paper": None}]
    answers = [pad.read(piece(0, 0), before=[], **more) for more in asked]
    assert len({tuple(shown(answer)) for answer in answers}) == len(asked)
    with answering({**SAID, "label": "1"}) as torchserve:
        pad.backend.inference._url = torchserve.url
        assert shown(pad.read(piece(0, 0), before=[])) != shown(answers[0])


def test_what_was_deleted_and_is_asked_again_is_a_row_again(pad: Pad) -> None:
    lost = pad.read(piece(0, 0))
    pad.backend.recent.delete(Deletion(SESSION, datetime.now(UTC), uuid.UUID(*shown(lost))))
    again = pad.read(piece(0, 0), before=[])
    assert shown(again) == pad.counting() != shown(lost)


def test_a_judged_digit_that_goes_counts_only_as_long_as_it_is_judged(pad: Pad) -> None:
    stays, goes = shown_in_order(pad.read(piece(0, 0), piece(1, 40)))
    judge(pad.backend, SESSION, goes, "7")
    pad.read(piece(0, 0))
    assert pad.counting() == sorted([stays, goes])
    judge(pad.backend, SESSION, goes, None, "taken_back")
    assert pad.counting() == [stays]


def shown_in_order(answer: dict) -> list[str]:
    return [digit["prediction"] for digit in answer["digits"]]


def test_another_visitor_s_rows_are_never_superseded(pad: Pad) -> None:
    mine = pad.read(piece(0, 0))
    other = "f" * 32
    pad.read(piece(0, 500), visitor=other)
    assert pad.counting() == shown(mine)


def test_boxes_are_matched_by_what_they_have_in_common() -> None:
    one, two, three = ((left, 0.0, WIDE, HIGH) for left in (0.0, 40.0, 80.0))
    assert matches([one, two, three], [three, one]) == [1, None, 0]
    assert matches([two], []) == [None]


@pytest.mark.integration
def test_in_postgresql_as_many_rows_count_as_the_paper_has_digits(pad: Pad, postgres_url: str) -> None:
    visitor = uuid.uuid4().hex
    pad.read(piece(0, 0, 14), piece(1, 16, 14), visitor=visitor)
    pad.read(piece(0, 0), piece(1, 40), visitor=visitor)
    lost = pad.before
    pad.read(piece(0, 0), piece(1, 40), piece(2, 80), visitor=visitor)
    answer = pad.read(piece(0, 0), piece(1, 40), piece(2, 80), visitor=visitor, before=lost)
    with engine.opened(postgres_url) as opened:
        PredictionLog(opened).write(pad.waiting())
        with opened.connect() as connection:
            own = predictions.c.session_id == visitor
            counting = connection.scalars(
                select(predictions.c.id).where(own, predictions.c.is_superseded.is_(False))
            )
            assert sorted(map(str, counting)) == shown(answer)
