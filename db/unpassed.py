"""Candidates that did not pass: what the last one was judged on, and which of them nobody needs any more."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, and_, any_, func, or_, select

from db.engine import reading
from db.schema import looks, loop_runs, loop_steps, model_versions, serving, verdicts
from db.versions import Version


@dataclass(frozen=True)
class Judgement:
    """What was found out last about a version of a model that a run made.

    Attributes:
        run_id: The run.
        version: The version.
        made_of: As of its row.
        settings: What the run was asked for with.
        examples: The digest of what it had collected; None where it does not say.
        champion: The version that it was compared with.
        outcome: passed, refused or not_enough_evidence.
    """

    run_id: int
    version: str
    made_of: dict[str, Any]
    settings: dict[str, Any]
    examples: str | None
    champion: str
    outcome: str


def last_judged(engine: Engine, model_name: str) -> Judgement | None:
    """Return the verdict on a model's version that was written last; None where there is none.

    Raises:
        DatabaseUnavailable: PostgreSQL cannot be read.
    """
    query = (
        select(
            loop_runs.c.id,
            model_versions.c.model_version,
            model_versions.c.made_of,
            loop_runs.c.settings,
            loop_steps.c.numbers["examples"].astext,
            verdicts.c.champion_version,
            verdicts.c.outcome,
        )
        .select_from(verdicts)
        .join(model_versions)
        .join(loop_runs, loop_runs.c.id == model_versions.c.run_id)
        .join(
            loop_steps,
            and_(loop_steps.c.run_id == loop_runs.c.id, loop_steps.c.name == "collect"),
            isouter=True,
        )
        .where(verdicts.c.model_name == model_name)
        .order_by(verdicts.c.id.desc())
        .limit(1)
    )
    with reading(engine) as connection:
        row = connection.execute(query).first()
    return Judgement(*row) if row else None


def not_needed(connection: Connection, model_name: str, run_id: int) -> list[Version]:
    """Return versions that runs made, that passed against nobody, and that nobody serves, the newest first.

    Until the transaction ends nobody can have one of them tried or promoted. Not among them is what this run
    makes, whatever the model's row in `serving` names (the default, the one before it, what is on trial, and
    what is being taken away), and what was promoted once, or went on to more sessions: it may be again.
    """
    # For its lock, too.
    of_model = select(serving.c.model_name).where(serving.c.model_name == model_name)
    connection.execute(of_model.with_for_update())
    versions = model_versions.c
    named = or_(
        versions.model_version.in_(
            [serving.c.model_version, serving.c.previous_version, serving.c.candidate_version]
        ),
        versions.model_version == any_(serving.c.leaving),
    )
    passed = and_(
        verdicts.c.model_name == versions.model_name,
        verdicts.c.model_version == versions.model_version,
        verdicts.c.outcome == "passed",
    )
    moved_on = and_(
        looks.c.model_name == versions.model_name,
        looks.c.model_version == versions.model_version,
        looks.c.outcome == "moved_on",
    )
    query = (
        select(
            versions.model_name,
            versions.model_version,
            versions.archive,
            versions.archive_sha256,
            versions.run_id,
            versions.made_of,
        )
        .where(
            versions.model_name == model_name,
            versions.run_id != run_id,
            func.coalesce(versions.made_of["version"].astext, "") != "",
            ~select(verdicts.c.id).where(passed).exists(),
            ~select(looks.c.id).where(moved_on).exists(),
            ~select(serving.c.model_name).where(serving.c.model_name == model_name, named).exists(),
        )
        .order_by(versions.created_at.desc(), versions.run_id.desc())
    )
    return [Version(*row) for row in connection.execute(query)]
