"""The step that judges a candidate, in a TorchServe beside the one that serves."""

from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from client.errors import PredictionError
from db import candidates, verdicts
from db.loop_runs import Outcome, Run
from db.verdicts import VerdictRow
from db.versions import Version, Versions
from loop.engine import StepError, not_enough
from loop.places import Places, Served, places_of, served
from loop.train import examples_of
from loop.verdict import beside
from loop.verdict.asked import Extent
from loop.verdict.beside import NoServer
from loop.verdict.check import NOT_ENOUGH, REFUSED
from loop.verdict.judge import FEEDBACK, Case, judge
from loop.verdict.page import page
from loop.verdict.replay import Stored
from system import known_archives
from system.files import private_folder, written_aside
from training.fitting.report import write_json

REPORT, RECORD = "verdict.html", "verdict.json"


def gate(run: Run, engine: Engine, places: Places | None = None) -> Outcome:
    """Judge the candidate of a run against the version that answers, and write the verdict's row and report.

    Whoever is killed leaves no verdict, and the next one judges anew; a verdict that is there is final.

    Args:
        run: whose settings may name the fields of Extent.
        engine: the database.
        places: the folders; by default those that the environment names.

    Raises:
        DatabaseUnavailable: PostgreSQL cannot be read.
        LostError: another process does this step now.
        StepError: TorchServe did not start or failed, or what is asked cannot be found.
    """
    places = places or places_of()
    row = next((one for one in Versions(engine).all(run.model_name) if one.run_id == run.id), None)
    if row is None:
        raise StepError(f"run {run.id} has made no candidate: see its train step")
    try:
        champion = served(engine, run.model_name, places)
    except (OSError, ValueError) as error:
        raise StepError(str(error)) from None
    found = verdicts.verdict_on(engine, run.model_name, row.version, champion.about.version)
    if found is None:
        try:
            found, report = _judged(run, engine, places, row, champion)
        except (NoServer, OSError, PredictionError, ValueError) as error:
            raise StepError(f"{row.version} cannot be judged: {error}") from error
        put = partial(_put_report, places.of_run(run.model_name, run.id), found, report)
        verdicts.put_verdict(engine, run, row.version, found, put)
    numbers = {
        "version": row.version,
        "champion": champion.about.version,
        "outcome": found.outcome,
        "checks": {check["name"]: check["outcome"] for check in found.checks},
    }
    if found.outcome == NOT_ENOUGH:
        return not_enough(numbers, f"there is not enough evidence: {found.reason}")
    if found.outcome == REFUSED:
        return Outcome("refused", numbers, f"{row.version} was refused: {found.reason}")
    return Outcome("done", numbers, found.reason)


def extent_of(settings: dict[str, Any]) -> Extent:
    """Return what a run's settings say is to be asked; what they leave out is as usual."""
    return Extent(**{one.name: settings[one.name] for one in fields(Extent) if one.name in settings})


def _judged(
    run: Run, engine: Engine, places: Places, row: Version, champion: Served
) -> tuple[VerdictRow, str]:
    """Return the verdict, and the page that shows it."""
    archive = places.store / row.archive
    if known_archives.digest(archive) != row.sha256:
        raise StepError(f"{archive.name} is not the file that run {run.id} built: run `make retrain` again")
    extent = extent_of(run.settings)
    held_out = list(examples_of(candidates.taken(engine, run.id, "gate")))
    asked = verdicts.asked_before(engine, run, champion.about.version, FEEDBACK)
    newest = candidates.newest(engine, run.model_name, extent.replayed, run.created_at)
    stored = [Stored(*one) for one in newest]
    case = Case(champion.archive, archive, places.data, held_out, stored, extent, asked)
    with beside.running(champion.archive, archive) as server:
        judged = judge(server, case)
        report = page(judged, f"{run.model_name} {row.version} against {champion.about.version}")
    verdict = VerdictRow(
        champion.about.version,
        judged.verdict.outcome,
        [check.row() for check in judged.verdict.checks],
        judged.verdict.reason,
    )
    return verdict, report


def _put_report(folder: Path, verdict: VerdictRow, report: str) -> None:
    private_folder(folder)
    with written_aside(folder / REPORT) as draft:
        draft.write_text(report, encoding="utf-8")
    write_json(
        folder / RECORD, {"outcome": verdict.outcome, "reason": verdict.reason, "checks": verdict.checks}
    )
