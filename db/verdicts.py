"""What was decided of other candidates on the same drawings."""

from sqlalchemy import Engine, func, select

from db.loop_runs import Run
from db.rows import reading
from db.schema import examples, model_versions, verdicts


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
        .join(
            model_versions,
            (model_versions.c.model_name == verdicts.c.model_name)
            & (model_versions.c.model_version == verdicts.c.model_version),
        )
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
