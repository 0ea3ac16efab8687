"""How answers come into PostgreSQL: many in one statement, and what they replace in another."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Text, column, select, tuple_, update, values
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import insert

from db.errors import refusal, refuses_record
from db.records import Prediction, Superseded
from db.rows import counts, is_open
from db.schema import predictions

# In one statement, as many as the writer takes at once.
ADDED_AT_ONCE = 100
_COUNTS_NO_LONGER: dict[Any, Any] = {"is_replaced": True, "is_superseded": is_open}
# What is judged remembers that it was replaced, until that is taken back.
_may_change = (counts, is_open | ~predictions.c.is_replaced)


def add(connection: Connection, answers: Sequence[Prediction]) -> None:
    """Add answers in their order; of those to one drawing the newest counts.

    Raises:
        RecordRejected: PostgreSQL refuses the answer that it names; the transaction can only be taken back.
    """
    for start in range(0, len(answers), ADDED_AT_ONCE):
        part = answers[start : start + ADDED_AT_ONCE]
        if len(part) == 1 or not _add_at_once(connection, part):
            for answer in part:  # which of them is refused, each says alone
                _add_one(connection, answer)


def supersede(connection: Connection, superseded: Superseded) -> None:
    """Let a session's answers count no longer."""
    which = (
        predictions.c.id.in_(superseded.prediction_ids),
        predictions.c.session_id == superseded.session_id,
    )
    connection.execute(update(predictions).where(*which, *_may_change).values(_COUNTS_NO_LONGER))


def _add_one(connection: Connection, answer: Prediction) -> None:
    try:
        _add(connection, [answer])
    except Exception as error:
        if refuses_record(error):
            raise refusal(answer, error) from error
        raise


def _add_at_once(connection: Connection, answers: Sequence[Prediction]) -> bool:
    """Return whether all were added; where PostgreSQL refuses one of them, none is."""
    try:
        with connection.begin_nested():
            _add(connection, answers)
    except Exception as error:
        if refuses_record(error):
            return False
        raise
    return True


def _add(connection: Connection, answers: Sequence[Prediction]) -> None:
    query = insert(predictions).on_conflict_do_nothing().returning(predictions.c.id)
    added = set(connection.scalars(query, [asdict(answer) for answer in answers]))
    drawn = {
        (answer.drawing_id, answer.session_id)
        for answer in answers
        if answer.id in added and answer.drawing_id is not None
    }
    if drawn:
        _replace_older(connection, drawn)


def _replace_older(connection: Connection, drawn: Iterable[tuple[UUID, str]]) -> None:
    """Let of the answers to each of these drawings, by its id and session, only the newest count.

    Not the one that came last: what waits on a page's disk may come long after what another page wrote.
    """
    drawing = values(
        column("drawing_id", postgresql.UUID(as_uuid=True)), column("session_id", Text), name="drawing"
    ).data([*drawn])
    newer = predictions.alias("newer")
    has_newer = (
        select(newer.c.id)
        .where(
            newer.c.drawing_id == predictions.c.drawing_id,
            newer.c.session_id == predictions.c.session_id,
            tuple_(newer.c.created_at, newer.c.id) > tuple_(predictions.c.created_at, predictions.c.id),
        )
        .correlate(predictions)
        .exists()
    )
    which: tuple[ColumnElement[bool], ...] = (
        predictions.c.drawing_id == drawing.c.drawing_id,
        predictions.c.session_id == drawing.c.session_id,
        has_newer,
    )
    connection.execute(update(predictions).where(*which, *_may_change).values(_COUNTS_NO_LONGER))
