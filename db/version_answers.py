"""A version's newest answers, and what of them says how it does: by session, and those that were doubted."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, Select, func, select

from db.rows import counts, is_judged, is_right
from db.schema import predictions

# Of a version's answers so many, the newest: that is all of them, unless very many visitors come.
MOST_ANSWERS = 200_000
# And of these so many sessions, by lot: so they are of the same time as the other version's, whichever of the
# two has more of them.
MOST_SESSIONS = 500
# And of what a session judged to be wrong so many, the first ones: each is a picture that is asked again.
MOST_DOUBTED = 20


@dataclass(frozen=True)
class Session:
    """What one session got of a version.

    Attributes:
        answers: So many answers.
        slow: So many of these came later than a bound.
        wrong: And so many were judged to be wrong and count.
    """

    answers: int
    slow: int
    wrong: int


@dataclass(frozen=True)
class Doubted:
    """An answer that somebody judged to be wrong.

    Attributes:
        id: The prediction's.
        true_label: What they said that it is; None where they said that it is not a digit.
    """

    id: UUID
    true_label: str | None


def answers_of(model: str, version: str, since: datetime, until: datetime | None) -> Select:
    """Return the query for a version's answers in a time."""
    query = (
        select(
            predictions.c.id,
            predictions.c.session_id,
            predictions.c.created_at,
            predictions.c.latency_ms,
            predictions.c.true_label,
            (is_judged & ~func.coalesce(is_right, False)).label("is_wrong"),
        )
        .where(*in_time(model, version, since, until))
        .order_by(predictions.c.created_at.desc())
    )
    return query.limit(MOST_ANSWERS)


def in_time(
    model: str, version: str, since: datetime, until: datetime | None
) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for a version's answers in a time."""
    before = () if until is None else (predictions.c.created_at < until,)
    return (
        predictions.c.model_name == model,
        predictions.c.model_version == version,
        predictions.c.created_at >= since,
        counts,
        *before,
    )


def lot(session_id: ColumnElement[str]) -> ColumnElement[str]:
    """Return the order in which sessions are taken: always the same, and not the one in which they came."""
    return func.md5(session_id)


def some_sessions(answers: CTE) -> Select:
    """Return the query for the sessions that answers are taken of."""
    sessions = answers.c.session_id
    return select(sessions).group_by(sessions).order_by(lot(sessions)).limit(MOST_SESSIONS)
