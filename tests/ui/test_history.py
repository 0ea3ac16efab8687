"""The history: rows from memory and database, running accuracy, and the strip."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from db.log import HISTORY_ROWS
from db.records import Accuracy, Feedback, HistoryRow, Prediction
from tests.handler.odd.picture import HEIGHT, WIDTH, exif
from tests.handler.odd.png import chunk, with_chunks
from tests.ui.answering import SESSION
from ui.backend import Backend
from ui.history.picture import SAVED, media_type, size_px
from ui.history.strip import History, gone, history_html, notice_html, read_history, running_accuracy

MakePrediction = Callable[..., Prediction]


def test_rows_older_than_those_that_were_read_are_not_taken_for_deleted(
    make_prediction: MakePrediction,
) -> None:
    rows = [HistoryRow(make_prediction().summary, None) for _ in range(HISTORY_ROWS + 3)][::-1]
    deleted, others = rows[2], [row for row in rows if row is not rows[2]]
    assert gone(rows[: HISTORY_ROWS + 2], others[:HISTORY_ROWS]) == [deleted]
    assert gone(rows[:3], rows[:2]) == [deleted]
    assert gone(rows[:2], rows[:2]) == []


def test_accuracy_counts_labels_that_the_database_does_not_have_yet(make_prediction: MakePrediction) -> None:
    right, wrong, changed, open_ = (make_prediction() for _ in range(4))
    stored = [
        HistoryRow(right.summary, None),
        HistoryRow(changed.summary, "1"),
        HistoryRow(open_.summary, None),
    ]
    known = [
        HistoryRow(right.summary, "7"),
        HistoryRow(wrong.summary, "2"),
        HistoryRow(changed.summary, "7"),
        HistoryRow(open_.summary, None),
    ]
    # The database: 10 judged, 6 right, `changed` among the wrong ones.
    assert running_accuracy(Accuracy(10, 6), stored, known) == Accuracy(12, 8)


def test_a_label_that_is_already_stored_is_not_counted_twice(make_prediction: MakePrediction) -> None:
    rows = [HistoryRow(make_prediction().summary, "7"), HistoryRow(make_prediction().summary, "1")]
    assert running_accuracy(Accuracy(2, 1), rows, rows) == Accuracy(2, 1)


def test_history_goes_on_in_memory_while_the_database_is_away(
    make_backend: Callable[..., Backend], make_prediction: MakePrediction
) -> None:
    backend = make_backend()
    prediction = make_prediction()
    backend.recent.add(prediction)
    backend.recent.judge(Feedback(prediction.id, "7", datetime.now(UTC), SESSION))
    backend.recent.add(unjudged := make_prediction())
    history = read_history(backend, SESSION)
    assert history.is_paused
    assert history.rows == [HistoryRow(unjudged.summary, None), HistoryRow(prediction.summary, "7")]
    assert history.accuracy == Accuracy(1, 1)
    assert 'role="alert">History is paused' in notice_html(history, was_paused=False)
    assert "Of the last 2 drawings, <strong>1 of 1</strong>" in history_html(history)


def test_a_page_that_was_paused_is_told_when_the_database_is_back() -> None:
    history = History([], Accuracy(0, 0), is_paused=False, pending=0)
    assert "back and complete" in notice_html(history, was_paused=True)
    assert notice_html(history, was_paused=False) == ""


def test_the_strip_shows_thumbnail_answer_and_correction(make_prediction: MakePrediction) -> None:
    prediction = make_prediction()
    rows = [HistoryRow(prediction.summary, "1")]
    html = history_html(History(rows, Accuracy(1, 0), is_paused=False, pending=0))
    assert f'class="is-wrong" data-prediction="{prediction.id}"' in html
    assert f'href="./history/{prediction.id}" title="digits 1.0.0, 90.0 %"' in html
    assert "<p><strong>0 of 1</strong>" in html
    assert "Read as 7, really 1<" in html
    assert '7 <span class="history-really">1</span>' in html
    assert f'src="data:image/png;base64,{base64.b64encode(prediction.thumbnail).decode()}"' in html


@pytest.mark.parametrize(
    ("doubt", "label", "heard", "sure"),
    [
        ({"is_digit": True, "label_set": ("7",)}, ">7</span>", "Read as 7<", ", 90.0 %"),
        (
            {"is_digit": False, "label_set": ("7", "1")},
            ">7?</span>",
            "Read as not a digit, closest to 7<",
            "",
        ),
        (
            {"is_digit": True, "label_set": ("7", "1", "<2>")},
            ">7 or 1 or &lt;2&gt;</span>",
            "Read as 7 or 1 or &lt;2&gt;<",
            ", 90.0 % for 7",
        ),
        (
            {"is_digit": True, "label_set": ("7", "1", "2", "9")},
            ">7 or 3 others</span>",
            "Read as 7 or 3 others<",
            ", 90.0 % for 7",
        ),
    ],
)
def test_the_strip_shows_what_the_model_doubted(
    doubt: dict[str, object], label: str, heard: str, sure: str, make_prediction: MakePrediction
) -> None:
    rows = [HistoryRow(make_prediction(**doubt).summary, None)]
    html = history_html(History(rows, Accuracy(0, 0), is_paused=False, pending=0))
    assert label in html
    assert heard in html
    assert f'title="digits 1.0.0{sure}"' in html


def test_labels_cannot_bring_markup_into_the_page(make_prediction: MakePrediction) -> None:
    rows = [HistoryRow(make_prediction(predicted_label="<script>", model_version="<i>").summary, "<b>")]
    html = history_html(History(rows, Accuracy(1, 0), is_paused=False, pending=0))
    assert "<script>" not in html
    assert "<b>" not in html
    assert "<i>" not in html


@pytest.mark.filterwarnings("ignore")  # Pillow says what it thinks of remarks
@pytest.mark.parametrize("length", range(9))
def test_a_picture_with_half_of_a_remark_has_a_size_or_none_and_is_shown(length: int) -> None:
    assert size_px(with_chunks(chunk(b"eXIf", exif(6)[:length]))) in ((WIDTH, HEIGHT), None)


@pytest.mark.parametrize(
    ("beginning", "kind", "ending"),
    [
        (b"\0\0\0\x1cftypavif", "image/avif", "avif"),
        (b"\0\0\0\x2cftypavis", "image/avif", "avif"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0avif", "image/avif", "avif"),
        (b"II*\0", SAVED, "tif"),
        (b"MM\0+", SAVED, "tif"),
        (b"P5 28 28", SAVED, "pnm"),
        (b"hello", SAVED, "bin"),
    ],
)
def test_each_format_that_is_read_has_its_ending_and_is_shown_where_browsers_do(
    beginning: bytes, kind: str, ending: str
) -> None:
    assert media_type(beginning) == (kind, ending)
