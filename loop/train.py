"""The step that makes a candidate: from the served weights, with what people corrected, as an archive."""

from dataclasses import fields
from typing import Any

from sqlalchemy import Engine

from db import candidates
from db.candidates import Taken, Version
from db.loop_runs import Outcome, Run
from loop import candidate
from loop.engine import StepError
from loop.feedback import Example
from loop.fine_tuning import Recipe
from loop.places import Places, champion, next_version, places_of
from system import known_archives
from system.files import private_folder, written_aside
from training.archive.build import build

VERSION = "version.txt"  # in the run's folder: chosen once, however often the run is taken up again


def train(run: Run, engine: Engine, places: Places | None = None) -> Outcome:
    """Make a candidate, its archive and its row; refuse where none of the drawings can be learnt from.

    It is repeatable: whoever is killed leaves nothing that the next one does not write again, the same.

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
    private_folder(folder)
    examples = examples_of(candidates.taken(engine, run.id), "train")
    try:
        start = champion(engine, run.model_name, places)
        version = _version(run, engine, places, start)
        made = candidate.make(start, examples, places.data, recipe_of(run.settings), version, folder)
    except candidate.NothingToLearn as error:
        return Outcome("refused", {"drawings": len(examples)}, str(error))
    except (FileNotFoundError, ValueError) as error:
        raise StepError(str(error)) from None
    archive = places.store / f"{run.model_name}-{version}.mar"
    try:
        build(folder / candidate.WEIGHTS, run.model_name, archive)
    except ValueError as error:
        raise StepError(str(error)) from None
    known_archives.add(archive.resolve(), places.known)
    row = Version(run.model_name, version, archive.name, known_archives.digest(archive), run.id, made)
    candidates.put_version(engine, run, row)
    return Outcome(
        "done", _numbers(made), f"{run.model_name} {version} learnt {made['data']['drawings']} drawings"
    )


def examples_of(taken: list[Taken], part: str) -> list[Example]:
    """Return the drawings of a part: "train" or "gate"."""
    return [Example(one.drawing, one.label, one.picture_sha256) for one in taken if one.part == part]


def recipe_of(settings: dict[str, Any]) -> Recipe:
    """Return the recipe that a run's settings name; what they leave out is as usual."""
    return Recipe(**{one.name: settings[one.name] for one in fields(Recipe) if one.name in settings})


def _version(run: Run, engine: Engine, places: Places, start: candidate.Champion) -> str:
    kept = places.of_run(run.model_name, run.id) / VERSION
    if not kept.exists():
        version = next_version(engine, start, run.model_name, places)
        with written_aside(kept) as draft:
            draft.write_text(version, encoding="utf-8")
    return kept.read_text(encoding="utf-8")


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
