"""The visitor's history: what to show, and its table as HTML."""

import base64
from dataclasses import dataclass, replace
from html import escape

from db.log import HISTORY_ROWS, DatabaseUnavailable
from db.records import Accuracy, HistoryRow, Summary
from ui.backend import Backend

PAUSED = (
    "History is paused: the database is away. Reading goes on, and what you draw and correct "
    "waits on disk ({pending} so far) until it is back."
)
RESUMED = "History is back and complete."
# One transparent pixel.
NO_THUMBNAIL = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


@dataclass(frozen=True)
class History:
    """One visitor's history.

    Attributes:
        rows: Newest first.
        accuracy: Of all that the visitor judged; while the database is away, of these rows alone.
        is_paused: Whether the database is away.
        pending: How many records wait for it.
    """

    rows: list[HistoryRow]
    accuracy: Accuracy
    is_paused: bool
    pending: int


def read_history(backend: Backend, session_id: str | None) -> History:
    """Return the session's history, from memory alone while the database is away."""
    if session_id is None:
        return History([], Accuracy(0, 0), is_paused=False, pending=0)
    backend.writer.sync()  # what is shown is kept
    is_paused = backend.writer.paused
    stored: list[HistoryRow] = []
    accuracy = Accuracy(0, 0)
    if not is_paused:
        known = backend.recent.rows(session_id)
        is_written = backend.writer.pending == 0  # in this order: what is known by now is in the database
        try:
            stored, accuracy = backend.log.history_and_accuracy(session_id)
            backend.recent.merge(session_id, stored)
            if is_written:
                backend.recent.forget(session_id, gone(known, stored))
            if any(map(backend.recent.is_deleted, stored)):
                # The database does not know of a deletion yet: what it counts has to go with its rows.
                stored, accuracy = [], Accuracy(0, 0)
        except DatabaseUnavailable:
            is_paused = True
    rows = backend.recent.rows(session_id)
    if is_paused:
        stored, accuracy = [], Accuracy(0, 0)
    return History(rows, running_accuracy(accuracy, stored, rows), is_paused, backend.writer.pending)


def gone(known: list[HistoryRow], stored: list[HistoryRow]) -> list[HistoryRow]:
    """Return the rows that the database had and has no more: deleted through another page, or too old.

    Args:
        known: Rows that were written to it.
        stored: The newest rows that it has, newest first.
    """
    ids = {row.prediction.id for row in stored}
    reaches_back = stored[-1].prediction.created_at if len(stored) == HISTORY_ROWS else None
    return [
        row
        for row in known
        if row.prediction.id not in ids
        and (reaches_back is None or row.prediction.created_at >= reaches_back)
    ]


def running_accuracy(accuracy: Accuracy, stored: list[HistoryRow], rows: list[HistoryRow]) -> Accuracy:
    """Return the database's accuracy with the labels that it does not have yet.

    Args:
        accuracy: Of all of the session's judged predictions in the database.
        stored: The newest rows as the database has them.
        rows: The same as the page knows them, with what still waits to be written.
    """
    as_stored = {row.prediction.id: row for row in stored}
    judged, correct = accuracy.judged, accuracy.correct
    for row in rows:
        before = as_stored.get(row.prediction.id, HistoryRow(row.prediction, None))
        judged += row.is_judged - before.is_judged
        correct += (row.is_judged and row.is_right) - (before.is_judged and before.is_right)
    return replace(accuracy, judged=judged, correct=correct)


def notice_html(history: History, was_paused: bool) -> str:
    """Return the line above the page's content, "" when there is nothing to say."""
    if history.is_paused:
        return f'<p class="notice" role="alert">{PAUSED.format(pending=history.pending)}</p>'
    return f'<p class="notice is-good" role="status">{RESUMED}</p>' if was_paused else ""


def history_html(history: History) -> str:
    """Return heading, running accuracy and table."""
    if not history.rows:
        return '<section class="history"><h2>History</h2><p class="history-empty">Nothing yet.</p></section>'
    body = "".join(_row(row) for row in history.rows)
    return (
        f'<section class="history"><header><h2>History</h2><p>{_accuracy(history)}</p></header>'
        f'<div class="history-scroll" tabindex="0" role="region" aria-label="History">'
        f"<table><thead><tr><th>Drawing</th><th>Time</th><th>Read as</th>"
        f"<th>Confidence</th><th>Really was</th><th>Model</th>"
        f'<th><span class="only-heard">Delete</span></th></tr></thead><tbody>{body}</tbody></table>'
        f"</div></section>"
    )


def _row(row: HistoryRow) -> str:
    prediction = row.prediction
    at = prediction.created_at
    verdict = "open"
    if row.is_judged:
        verdict = "right" if row.is_right else "wrong"
    return (
        f'<tr class="is-{verdict}" data-prediction="{prediction.id}">'
        f'<td><img class="thumbnail" alt="drawing read as {escape(_words(prediction))}" '
        f'src="{_source(prediction.thumbnail)}"></td>'
        f'<td><time datetime="{at.isoformat()}">{at:%H:%M} UTC</time></td>'
        f"{_read_as(prediction)}"
        f"<td>{100 * prediction.confidence:.1f} %</td>"
        f'<td class="history-label">{escape(row.true_label or ("no digit" if row.is_no_digit else "–"))}</td>'
        f"<td>{escape(prediction.model_name)} {escape(prediction.model_version)}</td>"
        '<td><button type="button" class="history-delete" title="Delete this drawing" '
        'aria-label="Delete this drawing">×</button></td></tr>'
    )


def _source(thumbnail: bytes | None) -> str:
    """Return the picture's data URL; drawings from before thumbnails were kept show an empty square."""
    return f"data:image/png;base64,{base64.b64encode(thumbnail).decode()}" if thumbnail else NO_THUMBNAIL


def _read_as(prediction: Summary) -> str:
    """Return the cell of the answer: "7"; "7?" for what looks like no digit; "4 or 9" for a set of labels."""
    label, words = escape(prediction.predicted_label), escape(_words(prediction))
    if prediction.is_digit is False:
        return (
            f'<td class="history-label is-doubted" title="{words}">'
            f'<span aria-hidden="true">{label}?</span><span class="only-heard">{words}</span></td>'
        )
    if others := words.removeprefix(label):
        return (
            f'<td class="history-label" title="{words}">{label} '
            f'<span class="history-others">{others.strip()}</span></td>'
        )
    return f'<td class="history-label">{label}</td>'


def _words(prediction: Summary) -> str:
    """Return the answer as a sentence would have it."""
    label = prediction.predicted_label
    if prediction.is_digit is False:
        return f"not a digit, likeliest {label}"
    others = [other for other in prediction.label_set or () if other != label]
    return " or ".join([label, *others])


def _accuracy(history: History) -> str:
    accuracy = history.accuracy
    if accuracy.judged == 0:
        return "Say what a drawing really was, and the accuracy is counted here."
    percent = 100 * accuracy.correct / accuracy.judged
    share = f"<strong>{accuracy.correct} of {accuracy.judged}</strong> judged were right, {percent:.0f} %"
    # Without the database only what is in memory is counted.
    counted = len(history.rows) if history.is_paused else accuracy.of_newest
    if counted is None:
        return share
    return f"Of the last {f'{counted:,} drawings' if counted > 1 else 'drawing'}, {share}"
