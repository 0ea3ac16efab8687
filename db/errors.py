"""The two ways in which a write can fail: the database is away, or it refuses one record."""

import psycopg2
from sqlalchemy.exc import DBAPIError, StatementError

from db.records import Deletion, Feedback, Prediction, Record, Superseded

# SQLSTATE classes that condemn the record and not the moment: 22 data exception, 23 integrity constraint
# violation, 54 program limit exceeded. https://www.postgresql.org/docs/18/errcodes-appendix.html
_REFUSING_CLASSES = ("22", "23", "54")
_FOREIGN_KEY = "23503"
# Undefined column, undefined table.
_NOT_MIGRATED = ("42703", "42P01")


class DatabaseUnavailable(Exception):  # noqa: N818 - the name that callers read in their `except`
    """PostgreSQL cannot be reached, does not answer in time, or lacks its tables; worth another try."""


class RecordRejected(Exception):  # noqa: N818 - the name that callers read in their `except`
    """PostgreSQL refuses this record, and would every time; `record` is it, `reason` says why."""

    def __init__(self, record: Record, reason: str) -> None:
        """Keep the record beside a message that names it."""
        super().__init__(f"{describe(record)} was refused: {reason}")
        self.record = record
        self.reason = reason


class PredictionGone(RecordRejected):
    """What a correction is of is not in the database: it was deleted, or never came there."""

    def __init__(self, record: Feedback, reason: str) -> None:
        """Keep the prediction's id as well."""
        super().__init__(record, reason)
        self.prediction_id = record.prediction_id


def describe(record: Record) -> str:
    """Return the kind and id of a record, for messages (never the drawing, nor whose it is)."""
    if isinstance(record, Prediction):
        return f"prediction {record.id}"
    if isinstance(record, Deletion):
        return f"deletion of {f'prediction {record.prediction_id}' if record.prediction_id else 'a session'}"
    if isinstance(record, Superseded):
        return f"superseding of {len(record.prediction_ids)} predictions"
    said = f"{record.true_label!r:.50}" if record.kind == "label" else record.kind
    return f"feedback {said} for prediction {record.prediction_id}"


def refuses_record(error: Exception) -> bool:
    """Return whether `error`, raised while one record was written, will be raised by it every time."""
    if not isinstance(error, DBAPIError):
        # Raised before anything was sent: a value that its column's type cannot take, or NUL in a text.
        return isinstance(error, StatementError | ValueError | TypeError)
    code = getattr(error.orig, "pgcode", None)
    if code is None:
        # psycopg2's own complaint that it has no adapter for a value; a lost connection is Operational.
        return isinstance(error.orig, psycopg2.ProgrammingError)
    return code[:2] in _REFUSING_CLASSES


def refusal(record: Record, error: Exception) -> RecordRejected:
    """Return the RecordRejected for what `refuses_record` says of `error`."""
    if isinstance(record, Feedback) and getattr(getattr(error, "orig", None), "pgcode", "") == _FOREIGN_KEY:
        return PredictionGone(record, first_line(error))
    return RecordRejected(record, first_line(error))


def unavailable(error: Exception) -> DatabaseUnavailable:
    """Return the DatabaseUnavailable that tells an operator, in one line, what happened and what to do."""
    orig = getattr(error, "orig", None)
    if getattr(orig, "pgcode", None) in _NOT_MIGRATED:
        return DatabaseUnavailable(
            "PostgreSQL answers, but its tables are missing or older than this code: run `python -m "
            "db.migrate`"
        )
    return DatabaseUnavailable(f"PostgreSQL is unavailable: {first_line(error)}")


def first_line(error: Exception) -> str:
    """Return the first line of the driver's message, without SQL and parameters."""
    text = str(getattr(error, "orig", None) or error).strip()
    return text.splitlines()[0] if text else type(error).__name__
