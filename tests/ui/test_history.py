"""The history: rows from memory and database, running accuracy, and the table."""

import base64
import io
from collections.abc import Callable

import pytest
from PIL import ExifTags, Image

from db.records import Accuracy, HistoryRow, Prediction
from tests.ui.answering import SESSION
from ui.backend import Backend
from ui.history.table import History, history_html, notice_html, read_history, running_accuracy
from ui.history.thumbnails import Thumbnails, make_thumbnail
from ui.recent import ROWS_PER_SESSION, Recent

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
    assert 'role="alert">History is paused' in notice_html(history, was_paused=False)
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


@pytest.mark.parametrize(
    ("doubt", "cell", "alt"),
    [
        ({"is_digit": True, "label_set": ("7",)}, '<td class="history-label">7</td>', "drawing read as 7"),
        (
            {"is_digit": False, "label_set": ("7", "1")},
            '<td class="history-label is-doubted" title="not a digit, likeliest 7">'
            '<span aria-hidden="true">7?</span><span class="only-heard">not a digit, likeliest 7</span></td>',
            "drawing read as not a digit, likeliest 7",
        ),
        (
            {"is_digit": True, "label_set": ("7", "1", "<2>")},
            '<td class="history-label" title="7 or 1 or &lt;2&gt;">7 '
            '<span class="history-others">or 1 or &lt;2&gt;</span></td>',
            "drawing read as 7 or 1 or &lt;2&gt;",
        ),
    ],
)
def test_the_table_shows_what_the_model_doubted(
    doubt: dict[str, object], cell: str, alt: str, make_prediction: MakePrediction
) -> None:
    rows = [HistoryRow(make_prediction(**doubt), None)]
    html = history_html(History(rows, Accuracy(0, 0), is_paused=False, pending=0), Thumbnails())
    assert cell in html
    assert f'alt="{alt}"' in html


def test_the_table_can_be_scrolled_with_the_keyboard(make_prediction: MakePrediction) -> None:
    rows = [HistoryRow(make_prediction(), None)]
    html = history_html(History(rows, Accuracy(0, 0), is_paused=False, pending=0), Thumbnails())
    assert '<div class="history-scroll" tabindex="0" role="region" aria-label="History">' in html


def test_labels_cannot_bring_markup_into_the_page(make_prediction: MakePrediction) -> None:
    rows = [HistoryRow(make_prediction(predicted_label="<script>", model_version="<i>"), "<b>")]
    html = history_html(History(rows, Accuracy(1, 0), is_paused=False, pending=0), Thumbnails())
    assert "<script>" not in html
    assert "<b>" not in html
    assert "<i>" not in html


def test_a_drawing_that_cannot_be_read_has_no_thumbnail() -> None:
    assert make_thumbnail(b"not a picture") == ""


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_phones_photo_stands_upright(orientation: int) -> None:
    """Three quarters of it are black above; the camera laid it down and says how to turn it."""
    photo = Image.new("L", (400, 800), "white")
    photo.paste("black", (0, 0, 400, 600))
    laid = {
        1: None,
        3: Image.Transpose.ROTATE_180,
        6: Image.Transpose.ROTATE_90,
        8: Image.Transpose.ROTATE_270,
    }
    turn, exif = laid[orientation], Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    jpeg = io.BytesIO()
    (photo if turn is None else photo.transpose(turn)).save(jpeg, "JPEG", exif=exif)
    png = base64.b64decode(make_thumbnail(jpeg.getvalue()).partition(",")[2])
    with Image.open(io.BytesIO(png)) as thumbnail:
        assert thumbnail.size == (28, 56)
        ink = thumbnail.convert("L")
        assert (ink.getpixel((14, 4)), ink.getpixel((14, 52))) == (0, 255)


def test_broken_exif_is_no_error() -> None:
    # Orientation 6, and a width that is a text.
    entries = b"\0\x02" + b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0" + b"\x01\0\0\x02\0\0\0\x02ab\0\0" + bytes(4)
    jpeg = io.BytesIO()
    Image.new("L", (80, 40)).save(jpeg, "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08" + entries)
    assert make_thumbnail(jpeg.getvalue()) == ""


def test_thumbnails_are_made_once(make_prediction: MakePrediction) -> None:
    thumbnails = Thumbnails(max_kept=1)
    prediction = make_prediction()
    first = thumbnails.data_url(prediction.id, prediction.drawing)
    assert first.startswith("data:image/png;base64,")
    assert thumbnails.data_url(prediction.id, b"another drawing") == first
