"""Verdicts on what the loop made: the rows, and how many candidates the same drawings have judged."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, and_, delete, func, select

from db.engine import reading
from db.loop_runs import LONGEST_REASON, Run, held
from db.schema import examples, model_versions, verdicts


@dataclass(frozen=True)
class VerdictRow:
    """What was found out about a version.

    Attributes:
        champion_version: the one that it was compared with.
        outcome: passed, refused or not_enough_evidence.
        checks: a row for each.
        reason: in a sentence or more.
    """

    champion_version: str
    outcome: str
    checks: list[dict[str, Any]]
    reason: str


def verdict_on(
    engine: Engine, model_name: str, model_version: str, champion_version: str
) -> VerdictRow | None:
    """Return the verdict on a version against a champion; None where there is none."""
    columns = [verdicts.c[name] for name in VerdictRow.__dataclass_fields__]
    with reading(engine) as connection:
        row = connection.execute(
            select(*columns).where(_of(model_name, model_version, champion_version))
        ).first()
    return VerdictRow(*row) if row else None


def put_verdict(
    engine: Engine,
    run: Run,
    model_version: str,
    verdict: VerdictRow,
    place: Callable[[], None] = lambda: None,
) -> None:
    """Write a verdict, in the place of one against the same champion; the rest is as of `put_version`."""
    values = {name: getattr(verdict, name) for name in VerdictRow.__dataclass_fields__}
    values["reason"] = verdict.reason[:LONGEST_REASON]
    with held(engine, run) as connection:
        connection.execute(
            delete(verdicts).where(_of(run.model_name, model_version, verdict.champion_version))
        )
        connection.execute(
            verdicts.insert(), {"model_name": run.model_name, "model_version": model_version, **values}
        )
        place()


def asked_before(engine: Engine, run: Run, champion_version: str, check: str) -> int:
    """Return how many other runs' candidates a check compared with a champion, on drawings that this run has.

    Args:
        engine: The database.
        run: Whose drawings that only ever measure are meant.
        champion_version: With which version they were compared.
        check: The check's name in their verdicts; one that did not start was asked nothing, and has none.

    Raises:
        DatabaseUnavailable: PostgreSQL cannot be read.
    """
    held_out = (examples.c.part == "gate", examples.c.run_id == run.id)
    mine = select(examples.c.picture_sha256).where(*held_out)
    theirs = examples.alias()
    query = (
        select(func.count(verdicts.c.id.distinct()))
        .join(model_versions)
        .join(theirs, theirs.c.run_id == model_versions.c.run_id)
        .where(
            verdicts.c.model_name == run.model_name,
            verdicts.c.champion_version == champion_version,
            model_versions.c.run_id != run.id,
            theirs.c.part == "gate",
            theirs.c.picture_sha256.in_(mine),
            verdicts.c.checks.contains([{"name": check}]),
        )
    )
    with reading(engine) as connection:
        return connection.scalar(query) or 0


def _of(model_name: str, model_version: str, champion_version: str) -> Any:
    return and_(
        verdicts.c.model_name == model_name,
        verdicts.c.model_version == model_version,
        verdicts.c.champion_version == champion_version,
    )
