"""The visitor's last drawings below the pad: what to show, and the strip as HTML."""

from dataclasses import dataclass, replace
from html import escape

from db.log import HISTORY_ROWS, DatabaseUnavailable
from db.records import Accuracy, HistoryRow
from ui.backend import Backend
from ui.history import words

PAUSED = (
    "History is paused: the database is unavailable. What you draw and judge is kept on disk "
    "({pending} so far)."
)
RESUMED = "History is back and complete."
# As many as a wide screen has room for; on a narrow one the strip scrolls.
STRIP_ROWS = 12


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
        known = backend.recent.known(session_id)
        is_written = backend.writer.pending == 0  # in this order: what is known by now is in the database
        try:
            stored, accuracy = backend.log.history_and_accuracy(session_id)
            if is_written:  # another page may have written something newer
                backend.recent.written(session_id, known)
            backend.recent.merge(session_id, stored)
            if is_written:
                backend.recent.forget(session_id, gone(known, stored))
            if any(map(backend.recent.is_deleted, stored)):
                # The database does not know of a deletion yet: what it counts has to go with its rows.
                stored, accuracy = [], Accuracy(0, 0)
        except DatabaseUnavailable:
            is_paused = True
    if is_paused:
        stored, accuracy = [], Accuracy(0, 0)
    accuracy = running_accuracy(accuracy, stored, backend.recent.known(session_id))
    return History(backend.recent.rows(session_id), accuracy, is_paused, backend.writer.pending)


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
    """Return the strip of the last drawings, which has the same height whatever is in it."""
    rows = "".join(map(_row, history.rows[:STRIP_ROWS]))
    drawings = f"<ol>{rows}</ol>" if rows else '<p class="history-empty">Nothing yet.</p>'
    return (
        '<section class="history" aria-label="Your recent drawings"><header><h2>Recent</h2>'
        f'<p>{_accuracy(history)}</p><a href="./history">History</a></header>{drawings}</section>'
    )


def _row(row: HistoryRow) -> str:
    prediction = row.prediction
    verdict, really = words.verdict(row), words.really(row)
    said = f", really {really}" if really else ""
    sure = words.sure(prediction)
    answer = f"{prediction.model_name} {prediction.model_version}{f', {sure}' if sure else ''}"
    label = escape(words.read_as(prediction))
    if verdict in ("wrong", "left-open"):
        label += f' <span class="history-really">{escape(really)}</span>'
    return (
        f'<li class="is-{verdict}" data-prediction="{prediction.id}">'
        f'<a href="./history/{prediction.id}" title="{escape(answer)}">'
        f'<span class="only-heard">Read as {escape(words.heard_as(prediction))}{escape(said)}</span>'
        f'<img class="thumbnail" alt="" src="{words.source(prediction.thumbnail)}">'
        f'<span class="history-label" aria-hidden="true">{label}</span></a></li>'
    )


def _accuracy(history: History) -> str:
    accuracy = history.accuracy
    if accuracy.judged == 0:
        return ""
    right = 100 * accuracy.correct / accuracy.judged
    share = f"<strong>{accuracy.correct} of {accuracy.judged}</strong> judged were right, {right:.0f} %"
    # Without the database only what is in memory is counted.
    counted = len(history.rows) if history.is_paused else accuracy.of_newest
    if counted is None:
        return share
    return f"Of the last {f'{counted:,} drawings' if counted > 1 else 'drawing'}, {share}"
