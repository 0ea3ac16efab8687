"""The step that makes a candidate: from the served weights, with what people corrected, as an archive."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from db import candidates, loop_runs
from db.candidates import Taken
from db.loop_runs import Outcome, Run
from db.versions import Version
from loop import candidate
from loop.engine import StepError, not_enough
from loop.feedback import Example
from loop.fine_tuning import Recipe
from loop.places import Places, champion, next_version, places_of
from loop.unpassed import remove_old
from system import known_archives
from system.files import private_folder, put_in_place, written_aside
from training.archive.build import build


def train(run: Run, engine: Engine, places: Places | None = None) -> Outcome:
    """Make a candidate, its archive and its row; none where none of the drawings can be learnt from.

    It is repeatable: whoever is killed leaves nothing that the next one does not write again, the same. And
    whoever was stopped for so long that another took the step over puts nothing in the place of its files.

    Args:
        run: whose settings may name the fields of Recipe.
        engine: the database.
        places: the folders; by default those that the environment names.

    Raises:
        DatabaseUnavailable: PostgreSQL cannot be read.
        LostError: another process does this step now.
        OSError: the archive, or the run's folder, cannot be written.
        StepError: data, weights or archives are not there or do not fit: somebody has to do something.
    """
    places = places or places_of()
    folder = places.of_run(run.model_name, run.id)
    examples = examples_of(candidates.taken(engine, run.id, "train"))
    try:
        start = champion(engine, run.model_name, places)
        version = _version(run, engine, places, start)
        remove_old(run, engine, start.version, places)
        with _aside(folder, run.attempt) as draft:
            made = candidate.make(start, examples, places.data, recipe_of(run.settings), version, draft)
            with loop_runs.held(engine, run):
                for name in (candidate.WEIGHTS, candidate.RECORD):
                    put_in_place(draft / name, folder / name)
            built = build(folder / candidate.WEIGHTS, run.model_name, draft / f"{run.model_name}.mar")
            archive = places.store / f"{run.model_name}-{version}.mar"
            row = Version(run.model_name, version, archive.name, known_archives.digest(built), run.id, made)
            candidates.put_version(engine, run, row, partial(_put_archive, built, archive, places.known))
    except candidate.NothingToLearn as error:
        return not_enough({}, str(error))
    except (FileNotFoundError, ValueError) as error:
        raise StepError(str(error)) from None
    return Outcome(
        "done",
        _numbers(made),
        f"{run.model_name} {version} was trained on {made['data']['drawings']} drawings",
    )


def examples_of(taken: Iterable[Taken]) -> Iterator[Example]:
    """Yield what a run took up as what is learnt or asked."""
    return (Example(one.drawing, one.label, one.picture_sha256) for one in taken)


def recipe_of(settings: dict[str, Any]) -> Recipe:
    """Return the recipe that a run's settings name; what they leave out is as usual."""
    return Recipe(**{one.name: settings[one.name] for one in fields(Recipe) if one.name in settings})


def _version(run: Run, engine: Engine, places: Places, start: candidate.Champion) -> str:
    """Return the candidate's version: chosen once, however often the step is begun again."""
    with loop_runs.held(engine, run) as connection:
        version = loop_runs.noted(connection, run).get("version")
        if version is None:
            version = next_version(engine, start, run.model_name, places)
            _put_away(places.of_run(run.model_name, run.id), run)
            loop_runs.note(connection, run, {"version": version})
    return str(version)


def _put_away(folder: Path, run: Run) -> None:
    """Give a folder another name that a run of the same number has left.

    That is how it is after the database was put back to an earlier time: numbers come again, and what the
    folder holds may be what a version was made from that is served.
    """
    if folder.exists():
        folder.rename(folder.with_name(f"{folder.name}-before-{run.created_at:%Y%m%dT%H%M%S}"))


@contextmanager
def _aside(folder: Path, attempt: int) -> Iterator[Path]:
    """Yield a folder of this attempt's own; what attempts before it have left is removed."""
    private_folder(folder)
    for left in folder.glob("attempt-*"):
        if int(left.name.removeprefix("attempt-")) <= attempt:
            shutil.rmtree(left)
    draft = folder / f"attempt-{attempt}"
    private_folder(draft)
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _put_archive(built: Path, archive: Path, known: Path) -> None:
    # Copied: a rename does not reach from one file system to another.
    with written_aside(archive) as draft:
        shutil.copyfile(built, draft)
    known_archives.add(archive.resolve(), known)


def _numbers(made: dict[str, Any]) -> dict[str, Any]:
    metrics = made["metrics"]
    return {
        "version": made["version"],
        "drawings": made["data"]["drawings"],
        "drawings_left_out": made["data"]["drawings_left_out"],
        "drawings_read_before": metrics["feedback"]["before"]["accuracy"],
        "drawings_read_after": metrics["feedback"]["after"]["accuracy"],
        "validation_accuracy": metrics["validation"]["accuracy"],
        "validation_loss": metrics["validation"]["loss"],
    }
