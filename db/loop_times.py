"""When the loop last did what for a model, for whoever runs it on a schedule."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, func, select, text

from db.engine import reading
from db.loop_runs import SILENT_S
from db.schema import loop_runs, loop_steps


@dataclass(frozen=True)
class Times:
    """What is known of a model's runs.

    Attributes:
        now: The database's time, which the others are to be compared with.
        begun_at: When the newest of those began that came to an end, whatever that was; None without one.
        ended_at: When that one ended.
        is_heard_of: Whether somebody does a step of one now.
        waits_since: When it was last found that one cannot go on yet; None where none waits.
    """

    now: datetime
    begun_at: datetime | None
    ended_at: datetime | None
    is_heard_of: bool
    waits_since: datetime | None = None


def times(engine: Engine, model_name: str) -> Times:
    """Return them; a run that failed has not come to an end.

    What is of a time to come was written while a clock was ahead that has been set back since. Nobody knows
    when that was: it counts as if it were not there.

    Raises:
        DatabaseUnavailable: PostgreSQL cannot be read.
    """
    runs, steps = loop_runs.c, loop_steps.c
    ended = (
        select(runs.created_at, runs.ended_at)
        .where(
            runs.model_name == model_name,
            runs.state.in_(("done", "refused")),
            runs.created_at <= func.now(),
        )
        .order_by(runs.id.desc())
        .limit(1)
    )
    silence = text(f"interval '{SILENT_S} seconds'")
    heard = select(
        func.now(),
        select(steps.run_id)
        .join(loop_runs, runs.id == steps.run_id)
        .where(
            runs.model_name == model_name,
            runs.state.in_(("waiting", "running")),
            steps.beat_at.between(func.now() - silence, func.now() + silence),
        )
        .exists(),
        select(func.max(steps.started_at))
        .join(loop_runs, runs.id == steps.run_id)
        .where(
            runs.model_name == model_name,
            runs.state.in_(("waiting", "running")),
            # One that was only interrupted gives none.
            steps.state == "waiting",
            steps.reason.is_not(None),
            steps.started_at <= func.now(),
        )
        .scalar_subquery(),
    )
    with reading(engine) as connection:
        last = connection.execute(ended).one_or_none()
        now, is_heard_of, waits_since = connection.execute(heard).one()
    begun_at, ended_at = (last.created_at, last.ended_at) if last else (None, None)
    return Times(now, begun_at, ended_at, is_heard_of, waits_since)
