"""What a visitor no longer wants to be kept: one drawing, or all of them."""

import uuid
from datetime import UTC, datetime
from typing import Any

from db.records import Deletion
from ui.backend import Backend

NOT_YET = "The database is unavailable: its copy will be deleted when it is back."


def delete(backend: Backend, session_id: str | None, prediction_id: Any) -> dict[str, str]:
    """Have one of the session's drawings deleted, or all where the id is ""; return what privacy.js says."""
    try:
        one = uuid.UUID(str(prediction_id)) if prediction_id != "" else None
    except ValueError:
        session_id, one = None, None
    if session_id is None:
        return {"said": "Nothing was deleted: this is not in your history."}
    deletion = Deletion(session_id, datetime.now(UTC), one)
    if not (backend.writer.submit(deletion) and backend.writer.sync()):
        return {"said": "Nothing was deleted: there is no room to record this right now. Try again later."}
    backend.recent.delete(deletion)
    said = "The drawing was deleted." if one else "Your drawings were deleted."
    return {"said": f"{said} {NOT_YET}" if backend.writer.paused else said}
