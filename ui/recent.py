"""What each visitor did last, kept in memory, so that the page never waits for the writer or the database."""

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from db.records import HistoryRow

ROWS_PER_SESSION = 50
# Room for 9,000 drawings of the pad, 7 KB each; an uploaded photograph may take 8 MB alone.
MAX_BYTES = 64 * 1024**2


class Recent:
    """The last rows of the sessions that were here last; may be used by many threads.

    It is a view and no store: what it forgets is in the writer's queue or in the database.

    Args:
        max_bytes: How large all drawings may be; the session that was away longest is forgotten first.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._sessions: OrderedDict[str, dict[UUID, HistoryRow]] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, row: HistoryRow) -> None:
        """Keep a row that was just made."""
        self.merge(row.prediction.session_id, [row])

    def merge(self, session_id: str, rows: Iterable[HistoryRow]) -> None:
        """Keep rows read from the database beside the session's own; a label given here is the newer one."""
        with self._lock:
            session = self._sessions.setdefault(session_id, {})
            self._sessions.move_to_end(session_id)
            for row in rows:
                known = session.get(row.prediction.id)
                if known is None or known.true_label is None:
                    session[row.prediction.id] = row
            for row in _newest_first(session)[ROWS_PER_SESSION:]:
                del session[row.prediction.id]
            self._forget_the_longest_away()

    def judge(self, session_id: str, prediction_id: UUID, true_label: str) -> None:
        """Keep what a drawing really was, where its row is still known."""
        with self._lock:
            session = self._sessions.get(session_id, {})
            if prediction_id in session:
                session[prediction_id] = replace(session[prediction_id], true_label=true_label)

    def find(self, session_id: str, prediction_id: UUID) -> HistoryRow | None:
        """Return a row of this session, or None; never one of another session."""
        with self._lock:
            return self._sessions.get(session_id, {}).get(prediction_id)

    def rows(self, session_id: str) -> list[HistoryRow]:
        """Return the session's rows, newest first."""
        with self._lock:
            return _newest_first(self._sessions.get(session_id, {}))

    def _forget_the_longest_away(self) -> None:
        kept = sum(_bytes(session) for session in self._sessions.values())
        while kept > self._max_bytes and len(self._sessions) > 1:
            _, forgotten = self._sessions.popitem(last=False)
            kept -= _bytes(forgotten)


def _bytes(session: dict[UUID, HistoryRow]) -> int:
    return sum(len(row.prediction.drawing) for row in session.values())


def _newest_first(session: dict[UUID, HistoryRow]) -> list[HistoryRow]:
    return sorted(session.values(), key=lambda row: row.prediction.created_at, reverse=True)
