"""The drawings that wait for an operator's word, and what they said: that is gold, and counts most."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, Engine, any_, delete, false, func, select, update
from sqlalchemy.dialects.postgresql import insert

from db.engine import reading, transaction
from db.records import HistoryRow, Summary
from db.rows import history_row, history_rows
from db.schema import predictions, reviews

# Beyond this it is enough to know that there are more.
MOST_COUNTED = 10_000
# So long a drawing stays on the screen of who was shown it, and nobody else is.
SHOWN_MINUTES = 10
_shown_for = func.make_interval(0, 0, 0, 0, 0, SHOWN_MINUTES)
_is_open = reviews.c.decision.is_(None)
# By the time that it is: a transaction may have begun long before. What is shown for longer than that was
# shown by a clock that has been set back since.
_is_shown = func.coalesce(
    reviews.c.shown_until.between(func.clock_timestamp(), func.clock_timestamp() + _shown_for), false()
)


@dataclass(frozen=True)
class Wanted:
    """A drawing that somebody should look at: why, one of `db.schema.REVIEW_REASONS`, and how urgently."""

    prediction_id: UUID
    why: str
    priority: float


@dataclass(frozen=True)
class Review:
    """A drawing in the queue."""

    row: HistoryRow
    why: str


def put(connection: Connection, model_name: str, wanted: Sequence[Wanted]) -> None:
    """Let the model's queue be these, and what is on a screen; what was decided stays as it is."""
    ids = [one.prediction_id for one in wanted]
    of_model = select(predictions.c.id).where(predictions.c.model_name == model_name)
    connection.execute(
        delete(reviews).where(
            _is_open,
            ~_is_shown,
            reviews.c.prediction_id.not_in(ids),
            reviews.c.prediction_id.in_(of_model),
        )
    )
    rows = [{"prediction_id": one.prediction_id, "why": one.why, "priority": one.priority} for one in wanted]
    if rows:
        added = insert(reviews)
        changed = {"why": added.excluded.why, "priority": added.excluded.priority}
        connection.execute(
            added.on_conflict_do_update(index_elements=["prediction_id"], set_=changed, where=_is_open), rows
        )


def queue(engine: Engine, limit: int, shown_to: str) -> list[Review]:
    """Return the most informative drawings that wait, and are on nobody else's screen; show them nobody else.

    Raises:
        DatabaseUnavailable: It cannot be read now.
    """
    order = (reviews.c.priority.desc(), reviews.c.prediction_id)
    is_free = ~_is_shown | (reviews.c.shown_to == shown_to)
    waiting = select(reviews.c.prediction_id).where(_is_open, is_free)
    # In an array, which is made once, and past what is being given to others at this moment.
    ids = func.array(
        waiting.order_by(*order).limit(limit).with_for_update(skip_locked=True).scalar_subquery()
    )
    show = update(reviews).where(reviews.c.prediction_id == any_(ids))
    show = show.values(shown_to=shown_to, shown_until=func.now() + _shown_for)
    with transaction(engine) as connection:
        shown = connection.execute(
            show.returning(reviews.c.prediction_id, reviews.c.priority, reviews.c.why)
        ).all()
        rows = connection.execute(
            history_rows().where(predictions.c.id.in_([one.prediction_id for one in shown]))
        )
        found = {row.id: history_row(row) for row in rows}
    in_order = sorted(shown, key=lambda one: (-one.priority, one.prediction_id))
    return [Review(found[one.prediction_id], one.why) for one in in_order if one.prediction_id in found]


def count(engine: Engine) -> int:
    """Return how many wait, at most `MOST_COUNTED` + 1.

    Raises:
        DatabaseUnavailable: It cannot be read now.
    """
    waiting = select(reviews.c.prediction_id).where(_is_open).limit(MOST_COUNTED + 1)
    with reading(engine) as connection:
        return connection.scalar(select(func.count()).select_from(waiting.subquery())) or 0


def decide(
    engine: Engine, prediction_id: UUID, decision: str | None, label: str | None, decided_by: str
) -> bool:
    """Record an operator's decision, or with None take it back; return whether there is such a review.

    Raises:
        DatabaseUnavailable: Nothing is recorded.
    """
    is_decided = decision is not None
    values = {
        "decision": decision,
        "label": label if decision == "label" else None,
        "decided_at": func.now() if is_decided else None,
        "decided_by": decided_by if is_decided else None,
    }
    with transaction(engine) as connection:
        done = connection.execute(
            update(reviews).where(reviews.c.prediction_id == prediction_id).values(**values)
        )
        return done.rowcount == 1


def answered(engine: Engine, prediction_id: UUID) -> Summary | None:
    """Return the answer to a drawing in the queue; None where there is none such.

    Raises:
        DatabaseUnavailable: It cannot be read now.
    """
    queued = select(reviews.c.prediction_id).where(reviews.c.prediction_id == prediction_id)
    with reading(engine) as connection:
        found = connection.execute(history_rows().where(predictions.c.id.in_(queued))).first()
    return None if found is None else history_row(found).prediction
