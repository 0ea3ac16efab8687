"""One of a visitor's own drawings by its id: from memory or, after a restart, from the database."""

import uuid
from typing import Any

from db.log import DatabaseUnavailable
from db.records import HistoryRow
from ui.backend import Backend


def find(backend: Backend, session_id: str | None, prediction_id: Any) -> HistoryRow | None:
    """Return one of the session's rows; None where it has no such one, or the database is away."""
    try:
        wanted = uuid.UUID(str(prediction_id))
    except ValueError:  # what is no id was never given out
        return None
    if session_id is None:
        return None
    known = backend.recent.find(session_id, wanted)
    if known is not None or backend.writer.paused:
        return known
    try:
        stored = backend.drawings.find(wanted, session_id)
    except DatabaseUnavailable:
        return None
    return None if stored is None or backend.recent.is_deleted(stored) else stored


def drawing_of(backend: Backend, row: HistoryRow) -> bytes | None:
    """Return a row's drawing, the image file as it was sent; None where it cannot be had now."""
    session_id, prediction_id = row.prediction.session_id, row.prediction.id
    known = backend.recent.drawing(session_id, prediction_id)
    if known is not None or backend.writer.paused:
        return known
    try:
        return backend.drawings.drawing(prediction_id, session_id)
    except DatabaseUnavailable:
        return None
