"""Archives and weights of candidates that did not pass go, but the newest and those that answered once."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from db import candidates, loop_runs
from db.loop_runs import Run
from db.schema import loop_runs as runs
from db.serving import ServingRows
from db.versions import Version, Versions
from loop.candidate import WEIGHTS
from loop.places import Places
from loop.unpassed import remove_old
from rollout.changes import Desk
from system.files import sha256
from tests.rollout.conftest import passes

pytestmark = pytest.mark.integration


@pytest.fixture
def places(tmp_path: Path) -> Places:
    (tmp_path / "store").mkdir()
    return Places(tmp_path / "store", tmp_path / "runs", tmp_path, tmp_path / "known")


def judged(database: Engine, places: Places, model: str, version: str, outcome: str, champion: str) -> Run:
    """Return a run that has made a version, with its files and its verdict; the run before it has ended."""
    of_model = runs.c.model_name == model
    with database.begin() as connection:
        ended = {"state": "refused", "ended_at": datetime.now(UTC)}
        connection.execute(update(runs).where(of_model, runs.c.ended_at.is_(None)).values(ended))
    run = loop_runs.begin(database, model, ["train"], "a test", {})
    archive, weights = files(places, model, version, run.id)
    weights.parent.mkdir(parents=True)
    archive.write_text(version)
    weights.write_text(f"weights of {version}")
    made_of = {"version": version, "weights_sha256": sha256(weights)}
    candidates.put_version(
        database, run, Version(model, version, archive.name, sha256(archive), run.id, made_of)
    )
    passes(database, model, version, outcome, champion)
    return run


def files(places: Places, model: str, version: str, run_id: int) -> tuple[Path, Path]:
    """Return a version's archive and weights."""
    return places.store / f"{model}-{version}.mar", places.of_run(model, run_id) / WEIGHTS


def test_a_version_that_was_forced_and_the_default_once_is_there_to_go_back_to(
    database: Engine, model_name: str, places: Places
) -> None:
    rows = ServingRows(database)
    desk, made = Desk(rows, Versions(database)), {}

    def make(version: str, outcome: str, champion: str) -> Run:
        made[version] = judged(database, places, model_name, version, outcome, champion)
        return made[version]

    def promote(version: str, before: str) -> None:
        desk.promote(model_name, version, before, "ada", is_forced=True)
        serving = rows.find(model_name)
        assert serving is not None
        rows.forget(serving, "previous_version")  # as the page does after a day

    make("1.1.0", "not_enough_evidence", "1.0.0")
    promote("1.1.0", "1.0.0")
    for version in ("1.2.0", "1.3.0"):
        make(version, "refused", "1.1.0")
    make("1.4.0", "passed", "1.1.0")
    promote("1.4.0", "1.1.0")
    for version in ("1.5.0", "1.6.0"):
        make(version, "refused", "1.4.0")
    remove_old(make("1.7.0", "refused", "1.4.0"), database, "1.4.0", places)
    gone = {
        version
        for version, run in made.items()
        if not any(file.exists() for file in files(places, model_name, version, run.id))
    }
    assert gone == {"1.2.0"}, "the oldest of four that did not pass and never answered"
