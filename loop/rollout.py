"""The last step of a run: the version that passed is tried on the first sessions."""

from datetime import UTC, datetime

from sqlalchemy import Engine

from db.loop_runs import Outcome, Run
from db.serving import Serving, ServingRows
from db.versions import Version, Versions
from loop.engine import NotYetError
from rollout.changes import Desk, NotPossible
from rollout.looks import FIRST_SHARE, MOST_LOOKS
from rollout.rule import Rule


def roll_out(run: Run, database: Engine) -> Outcome:
    """Have the run's version tried; what follows, the page does.

    Raises:
        DatabaseUnavailable: Nothing is changed.
        NotYetError: Another version is on trial.
    """
    desk = Desk(ServingRows(database), Versions(database))
    made = next((one for one in desk.versions.all(run.model_name) if one.run_id == run.id), None)
    if made is None:
        return Outcome("failed", {}, "the run has made no version, so there is nothing to try")
    if found := _tried(desk.rows, made):
        return found
    try:
        try:
            desk.try_out(run.model_name, made.version, made.champion, f"run {run.id}")
        except NotPossible:
            # Somebody may have been quicker, and has perhaps ended it by now.
            if waits := waits_for(database, run.model_name):
                raise NotYetError(f"{made.model} {made.version} has passed; {waits}") from None
            desk.try_out(run.model_name, made.version, made.champion, f"run {run.id}")
    except NotPossible as error:
        return _tried(desk.rows, made) or Outcome("refused", {}, str(error))
    return _on_trial(made, FIRST_SHARE)


def waits_for(database: Engine, model_name: str) -> str:
    """Return why no other version can be tried now, in words; "" where one can.

    Raises:
        DatabaseUnavailable: PostgreSQL cannot be read.
    """
    serving = ServingRows(database).find(model_name)
    if serving is None:
        return ""
    if serving.share:
        return (
            f"{model_name} {serving.candidate} is tried on {serving.share} % of sessions: the next version "
            "waits until that ends"
        )
    if serving.previous and _age_s(serving) < Rule().stays_s:
        return (
            f"{model_name} {serving.version} is the default since {serving.changed_at:%Y-%m-%d %H:%M} UTC, "
            "and may be taken back for a day: the next version waits until then"
        )
    return ""


def _age_s(serving: Serving) -> float:
    return (datetime.now(UTC) - serving.changed_at).total_seconds()


def _tried(rows: ServingRows, made: Version) -> Outcome | None:
    """Return what became of a version that was tried before this step was begun again; None if it was not."""
    serving = rows.find(made.model)
    looks = [one for one in rows.looks(made.model, MOST_LOOKS) if one.version == made.version]
    if serving is None or not looks:
        return None
    if serving.share and serving.candidate == made.version:
        return _on_trial(made, serving.share)
    if serving.version == made.version:
        return Outcome("done", {"share": 100}, f"{made.model} {made.version} is the default")
    reason = f"{made.model} {made.version} was tried: {looks[0].reason}"
    return Outcome("done", {"share": 0}, reason)


def _on_trial(made: Version, share: int) -> Outcome:
    return Outcome("done", {"share": share}, f"{made.model} {made.version} is tried on {share} % of sessions")
