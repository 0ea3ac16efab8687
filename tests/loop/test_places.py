"""Which version answers, which weights it was built from, and what the next one is called."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert

from db import loop_runs
from db.candidates import put_version
from db.loop_runs import Run
from db.schema import serving
from db.verdicts import VerdictRow, put_verdict, verdict_on
from db.versions import Version
from loop.candidate import WEIGHTS, Champion
from loop.engine import StepError
from loop.gate import gate
from loop.places import Places, champion, next_version, served
from loop.train import train
from system.files import sha256
from training.archive.contents import MANIFEST

pytestmark = pytest.mark.integration


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Folders of the test's own."""
    (tmp_path / "store").mkdir()
    return Places(tmp_path / "store", tmp_path / "runs", tmp_path / "data", tmp_path / "known")


def put_archive(places: Places, name: str, version: str, file: str, weights: Path | None = None) -> Path:
    """Write what is said to be an archive, of a model's version and of these weights."""
    path = places.store / file
    about = {"trained_file": weights.name, "trained_sha256": sha256(weights)} if weights else {}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(MANIFEST, json.dumps({"model": {"modelName": name, "modelVersion": version}}))
        archive.writestr("model.json", json.dumps(about))
    return path


def begun(database: Engine, model_name: str, step: str) -> Run:
    """Begin a run with one step."""
    return loop_runs.begin(database, model_name, [step], "a test", {})


def test_without_a_promotion_the_archive_with_the_models_name_answers(
    database: Engine, model_name: str, places: Places
) -> None:
    weights = places.store / "some.safetensors"
    weights.write_bytes(b"weights")
    put_archive(places, model_name, "1.0.0", f"{model_name}.mar", weights)
    assert served(database, model_name, places).about.version == "1.0.0"
    assert champion(database, model_name, places) == Champion("1.0.0", weights)
    weights.write_bytes(b"other weights")
    with pytest.raises(FileNotFoundError, match=r"some\.safetensors\) are missing: put them back"):
        champion(database, model_name, places)


def test_a_promoted_version_answers_with_its_runs_weights(
    database: Engine, model_name: str, places: Places
) -> None:
    run = begun(database, model_name, "train")
    weights = places.of_run(model_name, run.id) / WEIGHTS
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"weights of the run")
    put_archive(places, model_name, "1.0.0", f"{model_name}.mar")
    put_archive(places, model_name, "1.1.0", f"{model_name}-1.1.0.mar", weights)
    version = Version(model_name, "1.1.0", f"{model_name}-1.1.0.mar", "0" * 64, run.id, {})
    put_version(database, run, version)
    put_version(database, run, replace(version, made_of={"seed": 1}))  # again, by the same run
    row = {"model_name": model_name, "model_version": "1.1.0", "reason": "promoted"}
    with database.begin() as connection:
        connection.execute(insert(serving), row)
    assert champion(database, model_name, places) == Champion("1.1.0", weights)
    put_archive(places, model_name, "1.0.0", f"{model_name}-1.1.0.mar")
    with pytest.raises(ValueError, match=r"holds version 1\.0\.0, expected 1\.1\.0: put that version back"):
        served(database, model_name, places)


def test_the_next_version_is_one_that_nobody_has(database: Engine, model_name: str, places: Places) -> None:
    def after(version: str) -> str:
        return next_version(database, Champion(version, Path("weights")), model_name, places)

    assert (after("1.0.0"), after("2.9.4"), after("1.0")) == ("1.1.0", "2.10.0", "1.1.0")
    put_archive(places, model_name, "1.1.0", "somebodys.mar")
    put_archive(places, "another", "1.2.0", "another.mar")
    (places.store / "broken.mar").write_bytes(b"no archive")
    assert after("1.0.0") == "1.2.0"
    run = begun(database, model_name, "train")
    put_version(database, run, Version(model_name, "1.2.0", "gone.mar", "0" * 64, run.id, {}))
    assert after("1.0.0") == "1.3.0"
    with pytest.raises(ValueError, match="is called latest, which cannot be counted up"):
        after("latest")


def test_what_is_missing_is_a_failure_and_said_in_one_line(
    database: Engine, model_name: str, places: Places
) -> None:
    run = begun(database, model_name, "train")
    with pytest.raises(StepError, match=f"^there is no archive at {places.store}/{model_name}.mar$"):
        train(run, database, places)
    weights = places.store / "some.safetensors"
    weights.write_bytes(b"weights")
    put_archive(places, model_name, "1.0.0", f"{model_name}.mar", weights)
    weights.unlink()
    with pytest.raises(StepError, match=r"some\.safetensors\) are missing: put them back"):
        train(run, database, places)
    with pytest.raises(StepError, match=f"run {run.id} has made no candidate"):
        gate(run, database, places)


def test_a_verdict_takes_the_place_of_one_on_the_same_two(
    database: Engine, model_name: str, places: Places
) -> None:
    run = begun(database, model_name, "gate")
    put_version(database, run, Version(model_name, "1.1.0", "some.mar", "0" * 64, run.id, {}))
    verdict = VerdictRow("1.0.0", "refused", [{"name": "self-check"}], "x" * 3000)
    put_verdict(database, run, "1.1.0", verdict)
    put_verdict(database, run, "1.1.0", replace(verdict, outcome="passed"))
    found = verdict_on(database, model_name, "1.1.0", "1.0.0")
    assert found == replace(verdict, outcome="passed", reason="x" * 2000)
    assert verdict_on(database, model_name, "1.1.0", "0.9.0") is None
