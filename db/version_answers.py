"""A version's newest answers, and what of them says how it does: by session, and those that were doubted."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import CTE, Select, func, select

from db.rows import counts, is_judged, is_right
from db.schema import predictions

# Of a version's answers the newest, and of these the sessions that answered last.
NEWEST_ANSWERS = 20_000
NEWEST_SESSIONS = 500
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
        true_label: What they said that it is; None where they said that it is no digit.
    """

    id: UUID
    true_label: str | None


def newest(model: str, version: str, since: datetime, until: datetime | None) -> Select:
    """Return the query for a version's newest answers in a time."""
    query = select(
        predictions.c.id,
        predictions.c.session_id,
        predictions.c.created_at,
        predictions.c.latency_ms,
        predictions.c.true_label,
        (is_judged & ~func.coalesce(is_right, False)).label("is_wrong"),
    ).where(
        predictions.c.model_name == model,
        predictions.c.model_version == version,
        predictions.c.created_at >= since,
        counts,
    )
    if until is not None:
        query = query.where(predictions.c.created_at < until)
    return query.order_by(predictions.c.created_at.desc()).limit(NEWEST_ANSWERS)


def newest_sessions(answers: CTE) -> Select:
    """Return the query for the sessions that answers are taken of."""
    return (
        select(answers.c.session_id)
        .group_by(answers.c.session_id)
        .order_by(func.max(answers.c.created_at).desc())
        .limit(NEWEST_SESSIONS)
    )
