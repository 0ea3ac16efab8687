"""What is kept in memory of each visitor: whose it is, how much of it, and what that costs."""

import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from db.log import HISTORY_ROWS
from db.records import Feedback, HistoryRow, Prediction, Superseded
from tests.ui.answering import SESSION
from ui.recent import Recent
from ui.row_size import SESSION_BYTES, row_bytes

MakePrediction = Callable[..., Prediction]


def test_rows_are_newest_first_and_no_more_than_are_shown(make_prediction: MakePrediction) -> None:
    recent = Recent()
    made = [make_prediction() for _ in range(HISTORY_ROWS + 5)]
    for prediction in reversed(made):
        recent.add(prediction)
    shown = [row.prediction for row in recent.rows(SESSION)]
    assert shown == [prediction.summary for prediction in made[::-1][:HISTORY_ROWS]]


def test_a_label_given_here_outlives_an_older_row_from_the_database(make_prediction: MakePrediction) -> None:
    recent = Recent()
    recent.add(prediction := make_prediction())
    recent.judge(Feedback(prediction.id, "1", datetime.now(UTC), SESSION))
    recent.merge(SESSION, [HistoryRow(prediction.summary, None)])
    assert recent.rows(SESSION) == [HistoryRow(prediction.summary, "1")]


def test_what_was_taken_back_here_outlives_an_older_row_too(make_prediction: MakePrediction) -> None:
    recent = Recent()
    recent.add(prediction := make_prediction())
    recent.judge(Feedback(prediction.id, "1", datetime.now(UTC), SESSION))
    recent.judge(Feedback(prediction.id, None, datetime.now(UTC), SESSION, "taken_back"))
    recent.merge(SESSION, [HistoryRow(prediction.summary, "1")])
    assert not recent.rows(SESSION)[0].is_judged
    # What is said later, through another page, counts once the database has what was said here.
    recent.merge(SESSION, [HistoryRow(prediction.summary, None)])
    recent.merge(SESSION, [HistoryRow(prediction.summary, "4")])
    assert recent.rows(SESSION)[0].true_label == "4"


def say(recent: Recent, of: Prediction, true_label: str | None, kind: str = "label") -> None:
    recent.judge(Feedback(of.id, true_label, datetime.now(UTC), SESSION, kind))


def test_what_was_replaced_is_shown_only_as_long_as_it_is_judged(make_prediction: MakePrediction) -> None:
    recent = Recent()
    drawing_id = uuid.uuid4()
    recent.add(named := make_prediction())
    earlier, later = (make_prediction(drawing_id=drawing_id) for _ in range(2))
    recent.add(earlier)
    for one in (named, earlier):
        say(recent, one, "1")
    recent.add(later)
    recent.supersede(Superseded(SESSION, datetime.now(UTC), (named.id,)))
    assert [row.prediction.id for row in recent.rows(SESSION)] == [later.id, earlier.id, named.id]
    # As the database knows them, which has not yet heard that both were replaced.
    recent.merge(SESSION, [HistoryRow(one.summary, "1") for one in (earlier, named)])
    for one in (named, earlier):
        say(recent, one, None, "taken_back")
    assert [row.prediction.id for row in recent.rows(SESSION)] == [later.id]
    # The database knows it later than who said it.
    recent.merge(SESSION, [HistoryRow(earlier.summary, "1", is_replaced=True)])
    assert [row.prediction.id for row in recent.rows(SESSION)] == [later.id]
    say(recent, earlier, "4")
    assert [row.prediction.id for row in recent.rows(SESSION)] == [later.id, earlier.id]


def test_what_was_replaced_stays_away_until_the_database_knows(make_prediction: MakePrediction) -> None:
    recent = Recent()
    recent.add(stays := make_prediction())
    recent.add(gone := make_prediction())
    recent.supersede(Superseded(SESSION, datetime.now(UTC), (gone.id,)))
    read_before = [HistoryRow(one.summary, None) for one in (stays, gone)]
    recent.merge(SESSION, read_before)
    assert [row.prediction.id for row in recent.rows(SESSION)] == [stays.id]
    # Unless somebody has judged it meanwhile, through another page.
    recent.merge(SESSION, [HistoryRow(gone.summary, "1")])
    assert [row.prediction.id for row in recent.rows(SESSION)] == [gone.id, stays.id]


def test_the_last_answer_is_shown_whatever_was_said_and_taken_back(make_prediction: MakePrediction) -> None:
    recent = Recent()
    drawing_id = uuid.uuid4()
    for one in (made := [make_prediction(drawing_id=drawing_id) for _ in range(2)]):
        recent.add(one)
    say(recent, made[1], "1")
    say(recent, made[1], None, "taken_back")
    assert [row.prediction.id for row in recent.rows(SESSION)] == [made[1].id]


def test_that_an_answer_was_replaced_is_known_from_the_database_too(make_prediction: MakePrediction) -> None:
    recent = Recent()
    recent.merge(SESSION, [HistoryRow((one := make_prediction()).summary, "1", is_replaced=True)])
    say(recent, one, None, "taken_back")
    assert recent.rows(SESSION) == []


def test_sessions_do_not_see_each_other(make_prediction: MakePrediction) -> None:
    recent = Recent()
    recent.add(prediction := make_prediction())
    assert recent.drawing(SESSION, prediction.id) == prediction.drawing
    assert recent.rows("f" * 32) == []
    assert recent.find("f" * 32, prediction.id) is None
    assert recent.drawing("f" * 32, prediction.id) is None


def test_the_session_that_was_away_longest_is_forgotten_first(make_prediction: MakePrediction) -> None:
    a_session = SESSION_BYTES + row_bytes(HistoryRow(make_prediction().summary, None))
    recent = Recent(max_row_bytes=2 * a_session)
    recent.add(make_prediction(session_id="a"))
    recent.add(forgotten := make_prediction(session_id="b"))
    recent.merge("a", [])
    recent.add(make_prediction(session_id="c"))
    assert (len(recent.rows("a")), recent.rows("b"), len(recent.rows("c"))) == (1, [], 1)
    assert recent.drawing("b", forgotten.id) is None


def test_a_row_stays_though_there_is_no_room_for_its_drawing(make_prediction: MakePrediction) -> None:
    recent = Recent(max_drawing_bytes=100)
    made = [make_prediction(drawing=bytes(60)) for _ in range(2)]
    for prediction in made:
        recent.add(prediction)
    assert [recent.drawing(SESSION, prediction.id) for prediction in made] == [None, bytes(60)]
    assert len(recent.rows(SESSION)) == 2


def test_visitors_who_never_drew_are_not_kept() -> None:
    recent = Recent()
    for number in range(1_000):
        recent.merge(str(number), [])
    assert len(recent._sessions) == 0


def test_rows_with_tiny_drawings_and_sessions_are_counted_too(make_prediction: MakePrediction) -> None:
    one = make_prediction(drawing=b"x")
    recent = Recent(max_row_bytes=100 * (SESSION_BYTES + row_bytes(HistoryRow(one.summary, None))))
    for number in range(1_000):
        recent.add(make_prediction(session_id=str(number), drawing=b"x"))
    assert len(recent._sessions) == len(recent._drawings) == 100


def test_what_is_counted_comes_back_to_nothing(make_prediction: MakePrediction) -> None:
    recent = Recent(max_row_bytes=1)
    for number in range(200):
        recent.add(make_prediction(session_id=str(number % 7)))
    (session,) = recent._sessions
    recent._drop_session(session)
    assert (recent._row_bytes, recent._drawing_bytes, len(recent._drawings)) == (0, 0, 0)


def test_a_stroke_costs_no_more_for_what_others_have(make_prediction: MakePrediction) -> None:
    def spent_s(others: int) -> float:
        recent = Recent()
        for number in range(others):
            recent.add(make_prediction(session_id=str(number)))
        strokes = [make_prediction() for _ in range(200)]
        began = time.thread_time()
        for prediction in strokes:
            recent.add(prediction)
        return time.thread_time() - began

    # Where all sessions were summed up, 4,000 of them made it 40 times as much.
    assert min(spent_s(4_000) for _ in range(3)) < 5 * min(spent_s(1) for _ in range(3))
