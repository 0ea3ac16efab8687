"""The history: rows from memory and database, running accuracy, and the table."""

from collections.abc import Callable

from db.records import Accuracy, HistoryRow, Prediction
from tests.ui.answering import SESSION
from ui.history import History, history_html, notice_html, read_history, running_accuracy
from ui.outcome import Backend
from ui.recent import ROWS_PER_SESSION, Recent
from ui.thumbnails import Thumbnails, make_thumbnail

MakePrediction = Callable[..., Prediction]


def test_rows_are_newest_first_and_no_more_than_are_kept(make_prediction: MakePrediction) -> None:
    recent = Recent()
    made = [make_prediction() for _ in range(ROWS_PER_SESSION + 5)]
    for prediction in reversed(made):
        recent.add(HistoryRow(prediction, None))
    shown = [row.prediction for row in recent.rows(SESSION)]
    assert shown == made[::-1][:ROWS_PER_SESSION]


def test_a_label_given_here_outlives_an_older_row_from_the_database(make_prediction: MakePrediction) -> None:
    recent = Recent()
    prediction = make_prediction()
    recent.add(HistoryRow(prediction, None))
    recent.judge(SESSION, prediction.id, "1")
    recent.merge(SESSION, [HistoryRow(prediction, None)])
    assert recent.rows(SESSION) == [HistoryRow(prediction, "1")]


def test_sessions_do_not_see_each_other(make_prediction: MakePrediction) -> None:
    recent = Recent()
    prediction = make_prediction()
    recent.add(HistoryRow(prediction, None))
    assert recent.rows("f" * 32) == []
    assert recent.find("f" * 32, prediction.id) is None


def test_the_session_that_was_away_longest_is_forgotten_first(make_prediction: MakePrediction) -> None:
    size = len(make_prediction().drawing)
    recent = Recent(max_bytes=2 * size)
    for session in ("a", "b", "a", "c"):
        recent.add(HistoryRow(make_prediction(session_id=session), None))
    assert recent.rows("b") == []
    assert len(recent.rows("c")) == 1


def test_accuracy_counts_labels_that_the_database_does_not_have_yet(make_prediction: MakePrediction) -> None:
    right, wrong, changed, open_ = (make_prediction() for _ in range(4))
    stored = [HistoryRow(right, None), HistoryRow(changed, "1"), HistoryRow(open_, None)]
    known = [
        HistoryRow(right, "7"),
        HistoryRow(wrong, "2"),
        HistoryRow(changed, "7"),
        HistoryRow(open_, None),
    ]
    # The database: 10 judged, 6 right, `changed` among the wrong ones.
    assert running_accuracy(Accuracy(10, 6), stored, known) == Accuracy(12, 8)


def test_a_label_that_is_already_stored_is_not_counted_twice(make_prediction: MakePrediction) -> None:
    rows = [HistoryRow(make_prediction(), "7"), HistoryRow(make_prediction(), "1")]
    assert running_accuracy(Accuracy(2, 1), rows, rows) == Accuracy(2, 1)


def test_history_goes_on_in_memory_while_the_database_is_away(
    make_backend: Callable[..., Backend], make_prediction: MakePrediction
) -> None:
    backend = make_backend()
    prediction = make_prediction()
    backend.recent.add(HistoryRow(prediction, None))
    backend.recent.judge(SESSION, prediction.id, "7")
    backend.recent.add(HistoryRow(unjudged := make_prediction(), None))
    history = read_history(backend, SESSION)
    assert history.is_paused
    assert history.rows == [HistoryRow(unjudged, None), HistoryRow(prediction, "7")]
    assert history.accuracy == Accuracy(1, 1)
    assert "History is paused" in notice_html(history, was_paused=False)
    assert "Of the last 2 drawings, <strong>1 of 1</strong>" in history_html(history, Thumbnails())


def test_a_page_that_was_paused_is_told_when_the_database_is_back() -> None:
    history = History([], Accuracy(0, 0), is_paused=False, pending=0)
    assert "back and complete" in notice_html(history, was_paused=True)
    assert notice_html(history, was_paused=False) == ""


def test_the_table_shows_thumbnail_answer_and_correction(make_prediction: MakePrediction) -> None:
    prediction = make_prediction()
    rows = [HistoryRow(prediction, "1")]
    html = history_html(History(rows, Accuracy(1, 0), is_paused=False, pending=0), Thumbnails())
    assert f'class="is-wrong" data-prediction="{prediction.id}"' in html
    assert "<p><strong>0 of 1</strong>" in html
    assert 'alt="drawing read as 7"' in html
    assert "<td>digits 1.0.0</td>" in html
    assert make_thumbnail(prediction.drawing) in html


def test_labels_cannot_bring_markup_into_the_page(make_prediction: MakePrediction) -> None:
    rows = [HistoryRow(make_prediction(predicted_label="<script>", model_version="<i>"), "<b>")]
    html = history_html(History(rows, Accuracy(1, 0), is_paused=False, pending=0), Thumbnails())
    assert "<script>" not in html
    assert "<b>" not in html
    assert "<i>" not in html


def test_a_drawing_that_cannot_be_read_has_no_thumbnail() -> None:
    assert make_thumbnail(b"not a picture") == ""


def test_thumbnails_are_made_once(make_prediction: MakePrediction) -> None:
    thumbnails = Thumbnails(max_kept=1)
    prediction = make_prediction()
    first = thumbnails.data_url(prediction.id, prediction.drawing)
    assert first.startswith("data:image/png;base64,")
    assert thumbnails.data_url(prediction.id, b"another drawing") == first
