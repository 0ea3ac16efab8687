"""What each visitor did last, kept in memory, so that the page never waits for the writer or the database."""

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from db.log import HISTORY_ROWS
from db.records import Deletion, Feedback, HistoryRow, Prediction, Superseded
from ui.row_size import SESSION_BYTES, row_bytes

# Room for 15,000 rows of digits.
MAX_ROW_BYTES = 64 * 1024**2
# Room for 9,000 drawings of the pad, 7 KB each; an uploaded photograph may take 8 MB alone.
MAX_DRAWING_BYTES = 64 * 1024**2
# For so many deletions, and replacements, it is known that the database may not have heard of them yet.
MAX_DELETIONS = 10_000

Session = dict[UUID, HistoryRow]


class Recent:
    """The last rows of the sessions that were here last; may be used by many threads.

    It is a view and no store: what it forgets is in the writer's spool or in the database. No operation takes
    longer for what other sessions have.

    Args:
        max_row_bytes: How much all sessions and rows may take; the session that was away longest is forgotten
            first.
        max_drawing_bytes: How large all drawings may be; the oldest is forgotten first, its row stays.
    """

    def __init__(
        self, max_row_bytes: int = MAX_ROW_BYTES, max_drawing_bytes: int = MAX_DRAWING_BYTES
    ) -> None:
        self._max_row_bytes = max_row_bytes
        self._max_drawing_bytes = max_drawing_bytes
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._row_bytes = 0
        # Of rows in `_sessions` alone.
        self._drawings: OrderedDict[UUID, bytes] = OrderedDict()
        self._drawing_bytes = 0
        # Rows of which something was said here that the database may not have yet.
        self._said: set[UUID] = set()
        # Until when drawings are deleted: a session's, or all of them under None.
        self._deleted: OrderedDict[tuple[str, UUID | None], datetime] = OrderedDict()
        # Rows that nobody judged, and another answer replaced.
        self._replaced: OrderedDict[UUID, None] = OrderedDict()
        self._lock = threading.RLock()

    def add(self, prediction: Prediction) -> None:
        """Keep what was just made, and its drawing, in the place of earlier answers that nobody judged."""
        self.merge(prediction.session_id, [HistoryRow(prediction.summary, None)])
        with self._lock:
            if prediction.id not in self._sessions.get(prediction.session_id, {}):
                return
            rows = self._sessions[prediction.session_id].values()
            if (drawing := prediction.drawing_id) is not None:
                others = [row for row in rows if row.prediction.id != prediction.id]
                same = [row for row in others if row.prediction.drawing_id == drawing]
                self._replace(prediction.session_id, same)
            self._drop_drawing(prediction.id)
            self._drawings[prediction.id] = prediction.drawing
            self._drawing_bytes += len(prediction.drawing)
            while self._drawing_bytes > self._max_drawing_bytes:
                self._drop_drawing(next(iter(self._drawings)))

    def merge(self, session_id: str, rows: Iterable[HistoryRow]) -> None:
        """Keep rows read from the database beside the session's own; what was said here is newer.

        Rows that were deleted or replaced here stay away.
        """
        with self._lock:
            session = self._sessions.pop(session_id, None)
            if session is None:
                session = {}
                self._row_bytes += SESSION_BYTES
            for row in rows:
                if self.is_deleted(row) or (row.prediction.id in self._replaced and not row.is_judged):
                    continue
                if known := session.get(row.prediction.id):
                    row = replace(row, is_replaced=row.is_replaced or known.is_replaced)
                    if row == replace(known, is_replaced=row.is_replaced):
                        self._said.discard(row.prediction.id)
                else:
                    self._row_bytes += row_bytes(row)
                if row.prediction.id not in self._said:
                    session[row.prediction.id] = row
            for row in _newest_first(session)[HISTORY_ROWS:]:
                self._drop_row(session, row)
            self._sessions[session_id] = session
            if not session:
                self._drop_session(session_id)
            while self._row_bytes > self._max_row_bytes and len(self._sessions) > 1:
                self._drop_session(next(iter(self._sessions)))

    def judge(self, feedback: Feedback) -> None:
        """Keep what was said of an answer, where its row is still known."""
        with self._lock:
            session = self._sessions.get(feedback.session_id, {})
            if row := session.get(feedback.prediction_id):
                is_none = feedback.kind == "not_a_digit"
                session[row.prediction.id] = replace(row, true_label=feedback.true_label, is_no_digit=is_none)
                self._said.add(row.prediction.id)

    def written(self, session_id: str, rows: Iterable[HistoryRow]) -> None:
        """Note that the database has these rows as they are here: its word on them is the newer now."""
        with self._lock:
            session = self._sessions.get(session_id, {})
            for row in rows:
                if session.get(row.prediction.id) is row:  # nothing was said since
                    self._said.discard(row.prediction.id)

    def find(self, session_id: str, prediction_id: UUID) -> HistoryRow | None:
        """Return a row of this session, or None; never one of another session."""
        with self._lock:
            return self._sessions.get(session_id, {}).get(prediction_id)

    def drawing(self, session_id: str, prediction_id: UUID) -> bytes | None:
        """Return the drawing of a row of this session, or None where it is not known, or no longer."""
        with self._lock:
            is_own = prediction_id in self._sessions.get(session_id, {})
            return self._drawings.get(prediction_id) if is_own else None

    def supersede(self, superseded: Superseded) -> None:
        """Forget answers that count no longer; what was judged stays until that is taken back."""
        with self._lock:
            rows = self._sessions.get(superseded.session_id, {}).values()
            ids = superseded.prediction_ids
            self._replace(superseded.session_id, [row for row in rows if row.prediction.id in ids])

    def delete(self, deletion: Deletion) -> None:
        """Forget one of a session's drawings, or all: also where the database still has them, for a while."""
        session_id, prediction_id = deletion.session_id, deletion.prediction_id
        with self._lock:
            rows = list(self._sessions.get(session_id, {}).values())
            self.forget(session_id, [row for row in rows if prediction_id in (None, row.prediction.id)])
            self._deleted[session_id, prediction_id] = deletion.created_at
            self._deleted.move_to_end((session_id, prediction_id))
            if len(self._deleted) > MAX_DELETIONS:
                self._deleted.popitem(last=False)

    def forget(self, session_id: str, rows: Iterable[HistoryRow]) -> None:
        """Forget rows that the database no longer has."""
        with self._lock:
            session = self._sessions.get(session_id, {})
            for row in rows:
                if found := session.get(row.prediction.id):
                    self._drop_row(session, found)
            if session_id in self._sessions and not session:
                self._drop_session(session_id)

    def is_deleted(self, row: HistoryRow) -> bool:
        """Return whether a row that the database still has was deleted here."""
        summary = row.prediction
        with self._lock:
            if (summary.session_id, summary.id) in self._deleted:
                return True
            all_until = self._deleted.get((summary.session_id, None))
            return all_until is not None and summary.created_at <= all_until

    def rows(self, session_id: str) -> list[HistoryRow]:
        """Return the session's rows that count, newest first."""
        return [row for row in self.known(session_id) if row.is_judged or not row.is_replaced]

    def known(self, session_id: str) -> list[HistoryRow]:
        """Return the session's rows, newest first, with those that were replaced and are judged no more."""
        with self._lock:
            return _newest_first(self._sessions.get(session_id, {}))

    def _replace(self, session_id: str, rows: list[HistoryRow]) -> None:
        gone = [row for row in rows if not row.is_judged]
        self.forget(session_id, gone)
        self._replaced.update(dict.fromkeys(row.prediction.id for row in gone))
        while len(self._replaced) > MAX_DELETIONS:
            self._replaced.popitem(last=False)
        for row in (row for row in rows if row.is_judged):
            self._sessions[session_id][row.prediction.id] = replace(row, is_replaced=True)

    def _drop_session(self, session_id: str) -> None:
        session = self._sessions.pop(session_id)
        for row in list(session.values()):
            self._drop_row(session, row)
        self._row_bytes -= SESSION_BYTES

    def _drop_row(self, session: Session, row: HistoryRow) -> None:
        del session[row.prediction.id]
        self._row_bytes -= row_bytes(row)
        self._said.discard(row.prediction.id)
        self._drop_drawing(row.prediction.id)

    def _drop_drawing(self, prediction_id: UUID) -> None:
        self._drawing_bytes -= len(self._drawings.pop(prediction_id, b""))


def _newest_first(session: Session) -> list[HistoryRow]:
    return sorted(session.values(), key=lambda row: row.prediction.created_at, reverse=True)
