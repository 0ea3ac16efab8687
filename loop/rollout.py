"""The last step of a run: the version that passed is tried on the first sessions."""

from sqlalchemy import Engine

from db.loop_runs import Outcome, Run
from db.serving import ServingRows
from db.versions import Versions
from rollout.changes import Desk, NotPossible
from rollout.looks import FIRST_SHARE


def roll_out(run: Run, database: Engine) -> Outcome:
    """Have the run's version tried; what follows, the page does.

    Raises:
        DatabaseUnavailable: Nothing is changed.
    """
    desk = Desk(ServingRows(database), Versions(database))
    made = next((one for one in desk.versions.all(run.model_name) if one.run_id == run.id), None)
    if made is None:
        return Outcome("failed", {}, "the run has made no version: there is nothing to try")
    serving = desk.rows.find(run.model_name)
    if serving is None or made.version not in (serving.version, serving.candidate):
        try:
            desk.try_out(run.model_name, made.version, made.champion, f"run {run.id}")
        except NotPossible as error:
            return Outcome("refused", {}, str(error))
    reason = f"{run.model_name} {made.version} is tried on {FIRST_SHARE} % of sessions"
    return Outcome("done", {"share": FIRST_SHARE}, reason)
