"""The prediction log: what is written to PostgreSQL and read back from it."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, any_, delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from db import attempts, counting, networks
from db.adding import add, supersede
from db.engine import UsesEngine, reading, transaction
from db.errors import DatabaseUnavailable, RecordRejected, refusal, refuses_record
from db.records import Accuracy, Deletion, Feedback, HistoryRow, Prediction, Record, Superseded
from db.rows import counts, history_row, history_rows, is_judged, is_right, newest_first
from db.schema import feedback, predictions

__all__ = ["DatabaseUnavailable", "PredictionLog", "RecordRejected"]

# As many as the page shows.
HISTORY_ROWS = 30
# A visitor may have any number of drawings; of these the accuracy is counted, after each stroke.
ACCURACY_ROWS = 1_000
# On a busy machine 0.7 s, of the 5 s that a statement may take.
DELETED_AT_ONCE = 500
PLACE = (predictions.c.created_at, predictions.c.id)


class PredictionLog(UsesEngine):
    """Predictions and feedback in PostgreSQL; one instance may be used by many threads."""

    def write(self, records: Sequence[Record]) -> None:
        """Write all records in their order in one transaction; repeating a write changes nothing.

        To write a deletion is to delete.

        Raises:
            DatabaseUnavailable: Nothing is known to be written; try all of them again.
            RecordRejected: None of the records is written; leave out the one that it names.
        """
        with transaction(self._engine) as connection:
            _write_all(connection, records)

    def delete_older(self, days: int, limit: int) -> int:
        """Delete predictions older than `days`, the oldest `limit` of them; return how many these were.

        Raises:
            DatabaseUnavailable: None is deleted.
        """
        old = (
            select(predictions.c.id)
            .where(predictions.c.created_at < func.now() - func.make_interval(0, 0, 0, days))
            .order_by(predictions.c.created_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        with transaction(self._engine) as connection:
            return len(_delete_part(connection, old))

    def forget_networks(self, limit: int) -> int:
        """Forget from which network something was said, of `limit` judgements; return of how many.

        Raises:
            DatabaseUnavailable: None is forgotten.
        """
        with transaction(self._engine) as connection:
            return networks.forget(connection, limit)

    def forget_attempts(self, limit: int) -> int:
        """Forget who has tried to sign in, of `limit` that may try again as ever; return of how many.

        Raises:
            DatabaseUnavailable: None is forgotten.
        """
        with transaction(self._engine) as connection:
            return attempts.forget(connection, limit)

    def history(self, session_id: str, limit: int = HISTORY_ROWS) -> list[HistoryRow]:
        """Return the session's last `limit` predictions, newest first, each with its latest feedback.

        Raises:
            DatabaseUnavailable: PostgreSQL cannot be read now.
        """
        with reading(self._engine) as connection:
            return _history(connection, session_id, limit)

    def accuracy(self, session_id: str) -> Accuracy:
        """Return how many of the session's last predictions were judged, and how many of these were right.

        Raises:
            DatabaseUnavailable: PostgreSQL cannot be read now.
        """
        with reading(self._engine) as connection:
            return _accuracy(connection, session_id)

    def history_and_accuracy(
        self, session_id: str, limit: int = HISTORY_ROWS
    ) -> tuple[list[HistoryRow], Accuracy]:
        """Return both as of one moment: what is written in between must not be in one of them only.

        Raises:
            DatabaseUnavailable: PostgreSQL cannot be read now.
        """
        with reading(self._engine) as connection:
            connection.execution_options(isolation_level="REPEATABLE READ")
            return _history(connection, session_id, limit), _accuracy(connection, session_id)


def _history(connection: Connection, session_id: str, limit: int) -> list[HistoryRow]:
    query = history_rows().where(predictions.c.session_id == session_id, counts)
    query = query.order_by(*newest_first).limit(limit)
    return [history_row(row) for row in connection.execute(query)]


def _accuracy(connection: Connection, session_id: str) -> Accuracy:
    newest = (
        select(is_judged.label("is_judged"), is_right.label("is_right"))
        .where(predictions.c.session_id == session_id, counts)
        .order_by(*newest_first)
        .limit(ACCURACY_ROWS)
        .subquery()
    )
    query = select(
        func.count(),
        func.count().filter(newest.c.is_judged),
        func.count().filter(newest.c.is_right),
    ).select_from(newest)
    counted, judged, correct = connection.execute(query).one()
    return Accuracy(judged, correct, of_newest=ACCURACY_ROWS if counted == ACCURACY_ROWS else None)


def _write_all(connection: Connection, records: Sequence[Record]) -> None:
    answers: list[Prediction] = []
    for record in records:
        if isinstance(record, Prediction):
            answers.append(record)
            continue
        add(connection, answers)
        answers = []
        _write(connection, record)
    add(connection, answers)


def _write(connection: Connection, record: Deletion | Feedback | Superseded) -> None:
    try:
        match record:
            case Deletion():
                _delete(connection, record)
            case Feedback():
                connection.execute(insert(feedback).on_conflict_do_nothing(), asdict(record))
            case Superseded():
                supersede(connection, record)
    except Exception as error:
        if refuses_record(error):
            raise refusal(record, error) from error
        raise


def _delete(connection: Connection, deletion: Deletion) -> None:
    """Delete the session's rows, or all answers to one drawing; the feedback goes with its prediction.

    In parts, each of which ends within the statement timeout, and begins behind the one before it: what is
    deleted stays in the indexes until the transaction has ended. Of many, the counts are mended along with
    it: as changes that wait for that, they would slow analytics down.
    """
    doomed = select(predictions.c.id).where(predictions.c.session_id == deletion.session_id)
    if (one := deletion.prediction_id) is not None:
        # Read once: a part deletes the row that says which drawing it is.
        drawing_id = connection.scalar(select(predictions.c.drawing_id).where(predictions.c.id == one))
        is_it = predictions.c.id == one
        doomed = doomed.where(
            is_it if drawing_id is None else is_it | (predictions.c.drawing_id == drawing_id)
        )
    # Locked, so that others take the place of rows that somebody else deletes meanwhile: fewer are the last.
    part = doomed.order_by(*PLACE).limit(DELETED_AT_ONCE).with_for_update()
    gone = _delete_part(connection, part)
    are_many = len(gone) == DELETED_AT_ONCE
    while len(gone) == DELETED_AT_ONCE:
        gone = _delete_part(connection, part.where(tuple_(*PLACE) > tuple_(*max(gone))))
    while are_many:
        are_many = counting.add_up(connection) == counting.PART_ROWS


def _delete_part(connection: Connection, part: Select[Any]) -> list[tuple[datetime, UUID]]:
    """Delete the predictions with these ids; return their places."""
    # In an array, which is made once: joined, they may be looked up again for each row, and then be others.
    ids = func.array(part.scalar_subquery())
    deleted = delete(predictions).where(predictions.c.id == any_(ids)).returning(*PLACE)
    return [(row.created_at, row.id) for row in connection.execute(deleted)]
