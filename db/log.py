"""The prediction log: what is written to PostgreSQL and read back from it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC

from sqlalchemy import Connection, Engine, Row, func, lateral, select, true
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from db.errors import DatabaseUnavailable, RecordRejected, first_line, refuses_record, unavailable
from db.records import Accuracy, Feedback, HistoryRow, Prediction
from db.schema import feedback, predictions

__all__ = ["DatabaseUnavailable", "PredictionLog", "RecordRejected"]

_latest_feedback = lateral(
    select(feedback.c.true_label)
    .where(feedback.c.prediction_id == predictions.c.id)
    .order_by(feedback.c.id.desc())  # by what arrived: clocks go back
    .limit(1)
).alias("latest_feedback")


class PredictionLog:
    """Predictions and feedback in PostgreSQL; one instance may be used by many threads."""

    def __init__(self, engine: Engine) -> None:
        """Use the connections of `engine` (see `db.engine.create`)."""
        self._engine = engine

    def write(self, records: Sequence[Prediction | Feedback]) -> None:
        """Write all records in their order in one transaction; repeating a write changes nothing.

        Raises:
            DatabaseUnavailable: Nothing is known to be written; try all of them again.
            RecordRejected: None of the records is written; leave out the one that it names.
        """
        try:
            with self._engine.begin() as connection:
                for record in records:
                    _insert(connection, record)
        except SQLAlchemyError as error:
            raise unavailable(error) from error

    def history(self, session_id: str, limit: int = 50) -> list[HistoryRow]:
        """Return the session's last `limit` predictions, newest first, each with its latest feedback.

        Raises:
            DatabaseUnavailable: PostgreSQL cannot be read now.
        """
        with self._reading() as connection:
            return _history(connection, session_id, limit)

    def accuracy(self, session_id: str) -> Accuracy:
        """Return how many of the session's predictions were judged, and how many of these were right.

        Raises:
            DatabaseUnavailable: PostgreSQL cannot be read now.
        """
        with self._reading() as connection:
            return _accuracy(connection, session_id)

    def history_and_accuracy(self, session_id: str, limit: int = 50) -> tuple[list[HistoryRow], Accuracy]:
        """Return both as of one moment: what is written in between must not be in one of them only.

        Raises:
            DatabaseUnavailable: PostgreSQL cannot be read now.
        """
        with self._reading() as connection:
            connection.execution_options(isolation_level="REPEATABLE READ")
            return _history(connection, session_id, limit), _accuracy(connection, session_id)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """Yield a connection to read from; what fails meanwhile becomes DatabaseUnavailable."""
        try:
            with self._engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise unavailable(error) from error


def _history(connection: Connection, session_id: str, limit: int) -> list[HistoryRow]:
    query = (
        select(predictions, _latest_feedback.c.true_label)
        .outerjoin(_latest_feedback, true())
        .where(predictions.c.session_id == session_id)
        .order_by(predictions.c.created_at.desc(), predictions.c.id.desc())
        .limit(limit)
    )
    return [_history_row(row) for row in connection.execute(query)]


def _accuracy(connection: Connection, session_id: str) -> Accuracy:
    is_correct = _latest_feedback.c.true_label == predictions.c.predicted_label
    query = (
        select(func.count(), func.count().filter(is_correct))
        .select_from(predictions)
        .join(_latest_feedback, true())
        .where(predictions.c.session_id == session_id)
    )
    judged, correct = connection.execute(query).one()
    return Accuracy(judged=judged, correct=correct)


def _insert(connection: Connection, record: Prediction | Feedback) -> None:
    table = predictions if isinstance(record, Prediction) else feedback
    try:
        connection.execute(insert(table).on_conflict_do_nothing(), asdict(record))
    except Exception as error:
        if refuses_record(error):
            raise RecordRejected(record, first_line(error)) from error
        raise


def _history_row(row: Row) -> HistoryRow:
    values = dict(row._mapping)
    true_label = values.pop("true_label")
    values["created_at"] = values["created_at"].astimezone(UTC)
    values["drawing"] = bytes(values["drawing"])
    if values["label_set"] is not None:
        values["label_set"] = tuple(values["label_set"])
    return HistoryRow(prediction=Prediction(**values), true_label=true_label)
