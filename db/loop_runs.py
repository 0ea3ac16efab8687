"""The loop's runs in PostgreSQL: each is a row, as is each of its steps, which one process does at a time.

Whoever does a step says so again and again. One who was silent for `SILENT_S` was killed, and another may go
on. Each time a step is begun its `attempts` go up; who began it before is told that it is theirs no longer.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Row, and_, cast, func, insert, literal, select, text, update
from sqlalchemy.dialects.postgresql import JSONB

from db.engine import transaction
from db.loop_records import LostError, Outcome, Run, RunningError
from db.schema import loop_runs, loop_steps

SILENT_S = 60
# A step that was killed so often kills its process by itself: no memory, for example.
MOST_ATTEMPTS = 5
LOCK_KEY = 0x6C6F_6F70  # "loop"
LONGEST_REASON = 2_000

_IS_OPEN = loop_runs.c.state.in_(("waiting", "running"))


def begin(
    engine: Engine, model_name: str, steps: Sequence[str], asked_by: str, settings: Mapping[str, Any]
) -> Run:
    """Return a new run of the model, or the one that was killed, with the step that is to be done now.

    Raises:
        DatabaseUnavailable: Nothing is begun.
        RunningError: Another process is at it.
    """
    with transaction(engine) as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
        found = connection.execute(
            select(loop_runs.c.id, loop_runs.c.asked_by).where(_IS_OPEN, loop_runs.c.model_name == model_name)
        ).one_or_none()
        if found is not None:
            _require_silence(connection, found)
        run_id = found.id if found else _added(connection, model_name, asked_by, settings)
        _add_steps(connection, run_id, steps)
        run = _claimed(connection, run_id)
        if run is None:
            raise RunningError(
                f"run {run_id} of {model_name} is being written by another process: wait for it to end"
            )
        return run


def claim(engine: Engine, run: Run) -> Run | None:
    """Return the run with its next step, None where no step is left; the one before must be finished.

    Raises:
        DatabaseUnavailable: None is begun.
        LostError: Another process has gone on with it.
    """
    with transaction(engine) as connection:
        found = _claimed(connection, run.id)
        if found is None:
            left = select(literal(1)).where(
                loop_steps.c.run_id == run.id, loop_steps.c.state.in_(("waiting", "running"))
            )
            _require(connection.execute(left).first() is None, run)
        return found


def beat(engine: Engine, run: Run) -> None:
    """Say that the step is still being done.

    Raises:
        DatabaseUnavailable: That could not be said.
        LostError: Another process does it now.
    """
    with transaction(engine) as connection:
        done = connection.execute(update(loop_steps).where(_is_mine(run)).values(beat_at=func.now()))
        _require(done.rowcount == 1, run)


def hold(connection: Connection, run: Run) -> None:
    """Let nobody take the step until this transaction ends: what it writes is then one process's.

    Raises:
        LostError: Another process does it now.
    """
    mine = connection.execute(select(loop_steps.c.name).where(_is_mine(run)).with_for_update())
    _require(mine.one_or_none() is not None, run)


@contextmanager
def held(engine: Engine, run: Run) -> Iterator[Connection]:
    """Yield a connection in a transaction during which the step stays this process's.

    Raises:
        DatabaseUnavailable: PostgreSQL cannot be reached.
        LostError: Another process does this step now.
    """
    with transaction(engine) as connection:
        hold(connection, run)
        yield connection


def noted(connection: Connection, run: Run) -> dict[str, Any]:
    """Return what was noted of the step, by whoever began it."""
    of_step = (loop_steps.c.run_id == run.id, loop_steps.c.name == run.step)
    return dict(connection.scalar(select(loop_steps.c.numbers).where(*of_step)) or {})


def note(connection: Connection, run: Run, numbers: Mapping[str, Any]) -> None:
    """Note what whoever begins the step again is to find; the step must be held. `finish` writes over it."""
    changed = loop_steps.c.numbers.op("||")(cast(dict(numbers), JSONB))
    connection.execute(update(loop_steps).where(_is_mine(run)).values(numbers=changed))


def finish(engine: Engine, run: Run, outcome: Outcome) -> None:
    """Record how the step ended; a run ends with a step that is not done, or with the last one.

    Raises:
        DatabaseUnavailable: Nothing is recorded.
        LostError: Another process does it now.
    """
    ended = {"state": outcome.state, "reason": outcome.reason[:LONGEST_REASON] or None}
    with transaction(engine) as connection:
        done = connection.execute(
            update(loop_steps)
            .where(_is_mine(run))
            .values(**ended, numbers=outcome.numbers, beat_at=func.now(), ended_at=func.now())
        )
        _require(done.rowcount == 1, run)
        left = select(literal(1)).where(loop_steps.c.run_id == run.id, loop_steps.c.state == "waiting")
        if outcome.state != "done" or connection.execute(left.limit(1)).first() is None:
            of_run = update(loop_runs).where(loop_runs.c.id == run.id)
            connection.execute(of_run.values(**ended, ended_at=func.now()))


def release(engine: Engine, run: Run, waits_for: str | None = None) -> None:
    """Give the step back undone, so that whoever comes next need not wait; nothing if it is another's by now.

    Args:
        engine: The database.
        run: With the step.
        waits_for: Why it cannot be done yet, in words; None where it was only interrupted.

    Raises:
        DatabaseUnavailable: It is free after `SILENT_S`.
    """
    with transaction(engine) as connection:
        mine = connection.execute(
            update(loop_steps)
            .where(_is_mine(run))
            .values(
                state="waiting",
                attempts=run.attempt - 1,
                reason=waits_for[:LONGEST_REASON] if waits_for else None,
            )
        )
        if mine.rowcount:
            of_run = update(loop_steps).where(loop_steps.c.run_id == run.id)
            connection.execute(of_run.values(beat_at=None))


def _added(connection: Connection, model_name: str, asked_by: str, settings: Mapping[str, Any]) -> int:
    values = {"model_name": model_name, "state": "running", "asked_by": asked_by, "settings": dict(settings)}
    return connection.execute(insert(loop_runs).values(**values).returning(loop_runs.c.id)).scalar_one()


def _add_steps(connection: Connection, run_id: int, steps: Sequence[str]) -> None:
    """Give the run its steps, where it has none yet: a new one, and one that only waits."""
    known = select(loop_steps.c.name).where(loop_steps.c.run_id == run_id).limit(1)
    if connection.execute(known).first() is None:
        values = {"run_id": run_id, "state": "waiting"}
        rows = [{**values, "name": name, "position": position} for position, name in enumerate(steps)]
        connection.execute(insert(loop_steps), rows)


def _claimed(connection: Connection, run_id: int) -> Run | None:
    """Take the first step that is not done, unless somebody is at it."""
    silence = text(f"interval '{SILENT_S} seconds'")
    # What was heard of far in the future was heard of by a clock that has been set back since.
    is_silent = ~loop_steps.c.beat_at.between(func.now() - silence, func.now() + silence)
    open_of_run = (loop_steps.c.run_id == run_id, loop_steps.c.state.in_(("waiting", "running")))
    position = select(func.min(loop_steps.c.position)).where(*open_of_run).scalar_subquery()
    # Not the next one after a step that is being written.
    first = (
        select(loop_steps.c.run_id, loop_steps.c.name)
        .where(*open_of_run, loop_steps.c.position == position)
        .with_for_update(skip_locked=True)
        .subquery()
    )
    step = connection.execute(
        update(loop_steps)
        .where(
            loop_steps.c.run_id == first.c.run_id,
            loop_steps.c.name == first.c.name,
            (loop_steps.c.state == "waiting") | is_silent,
        )
        .values(
            state="running",
            attempts=loop_steps.c.attempts + 1,
            started_at=func.now(),
            beat_at=func.now(),
            ended_at=None,
            reason=None,
        )
        .returning(loop_steps.c.name, loop_steps.c.attempts)
    ).one_or_none()
    if step is None:
        return None
    run = connection.execute(
        update(loop_runs).where(loop_runs.c.id == run_id).values(state="running").returning(loop_runs)
    ).one()
    return Run(run.id, run.model_name, run.created_at, run.settings, step.name, step.attempts)


def _require_silence(connection: Connection, run: Row) -> None:
    """Raise RunningError where the run's last sign of life is younger than that of one who was killed."""
    ago = func.extract("epoch", func.clock_timestamp() - loop_steps.c.beat_at)
    last = connection.execute(
        select(loop_steps.c.name, ago.label("ago_s"))
        .where(loop_steps.c.run_id == run.id, loop_steps.c.beat_at.is_not(None))
        .order_by(loop_steps.c.beat_at.desc())
        .limit(1)
    ).one_or_none()
    if last is not None and abs(last.ago_s) < SILENT_S:
        raise RunningError(
            f"run {run.id} is in progress ({last.name}, started by {run.asked_by}, last heard from "
            f"{float(last.ago_s):.0f} s ago): wait for it to end, or, if it was killed, until {SILENT_S} s "
            "have passed"
        )


def _is_mine(run: Run) -> Any:
    return and_(
        loop_steps.c.run_id == run.id,
        loop_steps.c.name == run.step,
        loop_steps.c.state == "running",
        loop_steps.c.attempts == run.attempt,
    )


def _require(is_mine: bool, run: Run) -> None:
    if not is_mine:
        raise LostError(
            f"run {run.id}: another process has taken over {run.step}, because nothing was heard from this "
            f"one for {SILENT_S} s"
        )
