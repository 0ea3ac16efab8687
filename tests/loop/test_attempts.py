"""A step that another process has taken over changes no file, and a run's number that comes again harms none.

What is trained and judged is said in the other files of this folder; here it is a few bytes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from db import loop_runs, verdicts
from db.candidates import put_version
from db.loop_runs import LostError, Run
from db.verdicts import VerdictRow
from db.versions import Version, Versions
from loop import gate as gating
from loop import train as training
from loop.candidate import RECORD, WEIGHTS, Champion, NothingToLearn
from loop.engine import StepError
from loop.gate import REPORT, gate
from loop.places import Places, champion
from loop.train import train
from system import known_archives
from system.files import sha256
from tests.loop.test_places import put_archive

pytestmark = pytest.mark.integration
MADE = {
    "version": "", "data": {"drawings": 1, "drawings_left_out": 0},
    "metrics": {"feedback": {"before": {"accuracy": 0.5}, "after": {"accuracy": 1.0}},
                "validation": {"accuracy": 1.0, "loss": 0.1}},
}  # fmt: skip


@dataclass
class Played:
    """What this process makes of its drawings, and what happens meanwhile."""

    content: bytes = b"this process's"
    while_training: Callable[[], object] = lambda: None
    while_building: Callable[[], object] = lambda: None


@pytest.fixture
def places(tmp_path: Path, model_name: str) -> Places:
    """Folders of the test's own, with a champion."""
    (tmp_path / "store").mkdir()
    places = Places(tmp_path / "store", tmp_path / "runs", tmp_path / "data", tmp_path / "known")
    weights = places.store / "first.safetensors"
    weights.write_bytes(b"the champion's")
    put_archive(places, model_name, "1.0.0", f"{model_name}.mar", weights)
    return places


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Played:
    """Training and building that write at once what the test says."""
    played = Played()

    def make(
        _champion: Champion, _examples: Any, _data: Path, _recipe: Any, version: str, folder: Path
    ) -> Any:
        played.while_training()
        (folder / WEIGHTS).write_bytes(played.content)
        (folder / RECORD).write_text(version)
        digest = sha256(folder / WEIGHTS)
        return {**MADE, "version": version, "weights_sha256": digest}

    def build(trained: Path, _name: str, out: Path) -> Path:
        played.while_building()
        out.write_bytes(b"archive of " + trained.read_bytes())
        return out

    monkeypatch.setattr(training.candidate, "make", make)
    monkeypatch.setattr(training, "build", build)
    return played


@pytest.fixture
def run(database: Engine, model_name: str) -> Run:
    """A run of which this process does the step."""
    return loop_runs.begin(database, model_name, ["train", "gate"], "a test", {})


def taken_over(database: Engine, run: Run) -> Run:
    """Let another process go on with the step, as after a minute of silence."""
    with database.begin() as connection:
        long_ago = "UPDATE loop_steps SET beat_at = now() - interval '2 minutes' WHERE run_id = :id"
        connection.execute(text(long_ago), {"id": run.id})
    return loop_runs.begin(database, run.model_name, [], "another", {})


@pytest.mark.parametrize("moment", ["while_training", "while_building"])
def test_a_process_that_was_stopped_meanwhile_puts_nothing_in_the_place_of_anothers_files(
    moment: str, database: Engine, run: Run, places: Places, played: Played
) -> None:
    def another_does_it() -> None:
        nothing: Callable[[], object] = lambda: None  # noqa: E731 - to be called once
        played.while_training = played.while_building = nothing
        mine, played.content = played.content, b"the other one's"
        assert train(taken_over(database, run), database, places).state == "done"
        played.content = mine

    setattr(played, moment, another_does_it)
    # What it made aside may be gone, too.
    with pytest.raises((LostError, StepError)):
        train(run, database, places)
    folder = places.of_run(run.model_name, run.id)
    archive = places.store / f"{run.model_name}-1.1.0.mar"
    assert (folder / WEIGHTS).read_bytes() == b"the other one's"
    assert archive.read_bytes() == b"archive of the other one's"
    (row,) = Versions(database).all(run.model_name)
    assert row.sha256 == known_archives.digest(archive)
    assert {path.name for path in folder.iterdir()} == {WEIGHTS, RECORD}
    assert sorted(path.name for path in places.store.glob("*-1.1.0*")) == [archive.name]


def test_where_nothing_is_left_to_learn_no_candidate_is_refused_since_there_is_none(
    database: Engine, run: Run, places: Places, played: Played
) -> None:
    def all_were_deleted() -> None:
        raise NothingToLearn("none of 0 drawings can be learnt from")

    played.while_training = all_were_deleted
    assert train(run, database, places).numbers == {"outcome": "not_enough_evidence"}


def test_a_process_that_was_killed_leaves_what_the_next_one_removes(
    database: Engine, run: Run, places: Places, played: Played
) -> None:
    def killed() -> None:
        raise KeyboardInterrupt

    played.while_building = killed
    with pytest.raises(KeyboardInterrupt):
        train(run, database, places)
    left = places.of_run(run.model_name, run.id) / f"attempt-{run.attempt}"
    left.mkdir()  # as a SIGKILL leaves it, right after the archive was put in its place
    (left / WEIGHTS).write_bytes(b"half")
    put_archive(places, run.model_name, "1.1.0", f"{run.model_name}-1.1.0.mar")
    played.while_building = lambda: None
    assert train(taken_over(database, run), database, places).numbers["version"] == "1.1.0"
    assert not left.exists()


def test_a_stopped_process_puts_no_report_in_the_place_of_anothers(
    database: Engine,
    model_name: str,
    run: Run,
    places: Places,
    played: Played,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train(run, database, places)
    loop_runs.finish(database, run, loop_runs.Outcome("done", {}, "made"))
    step = loop_runs.claim(database, run)
    assert step is not None
    report = places.of_run(run.model_name, run.id) / REPORT

    def judged(*_: object) -> tuple[VerdictRow, str]:
        other = VerdictRow("1.0.0", "refused", [], "another's")
        again = taken_over(database, run)
        verdicts.put_verdict(database, again, "1.1.0", other)
        report.write_text("another's")
        return VerdictRow("1.0.0", "passed", [], "mine"), "mine"

    monkeypatch.setattr(gating, "_judged", judged)
    with pytest.raises(LostError):
        gate(step, database, places)
    assert report.read_text() == "another's"


def test_after_a_restore_a_runs_number_comes_again_and_nothing_of_the_lost_one_is_taken_or_lost(
    database: Engine, run: Run, places: Places, played: Played
) -> None:
    lost = places.of_run(run.model_name, run.id)
    lost.mkdir(parents=True)
    (lost / "version.txt").write_text("1.1.0")
    (lost / WEIGHTS).write_bytes(b"of the lost version")
    put_archive(places, run.model_name, "1.1.0", f"{run.model_name}-1.1.0.mar", lost / WEIGHTS)
    before = (places.store / f"{run.model_name}-1.1.0.mar").read_bytes()
    assert train(run, database, places).numbers["version"] == "1.2.0"
    assert (places.store / f"{run.model_name}-1.1.0.mar").read_bytes() == before
    # If it is made the default again, the next version is trained from it.
    (places.store / f"{run.model_name}-1.1.0.mar").replace(places.store / f"{run.model_name}.mar")
    found = champion(database, run.model_name, places)
    assert (found.version, found.weights.read_bytes()) == ("1.1.0", b"of the lost version")


def test_archives_that_did_not_pass_go_but_the_newest_three_and_none_that_is_named_anywhere(
    database: Engine, model_name: str, places: Places, played: Played
) -> None:
    def made(outcome: str) -> None:
        run = loop_runs.begin(database, model_name, ["train"], "a test", {})
        played.content = f"weights of run {run.id}".encode()
        train(run, database, places)
        version = Versions(database).all(model_name)[0].version
        if outcome:
            verdicts.put_verdict(database, run, version, VerdictRow("1.0.0", outcome, [], "so it is"))
        loop_runs.finish(database, run, loop_runs.Outcome("refused", {}, outcome))

    serve = """
        INSERT INTO serving (model_name, model_version, previous_version, candidate_version, leaving, reason)
        VALUES (:name, '1.0.0', '1.2.0', '1.3.0', ARRAY['1.4.0'], 'so it is')
    """
    with database.begin() as connection:
        connection.execute(text(serve), {"name": model_name})
    # What passed, what is named, and five that are neither, one of which was never judged.
    for outcome in ("passed", *["refused"] * 4, "", *["not_enough_evidence"] * 3):
        made(outcome)
    kept = {path.name.removeprefix(f"{model_name}-")[:-4] for path in places.store.glob("*-1.*.mar")}
    assert kept == {"1.1.0", "1.2.0", "1.3.0", "1.4.0", "1.6.0", "1.7.0", "1.8.0", "1.9.0"}
    (places.store / f"{model_name}-1.6.0.mar").write_bytes(b"somebody's own")
    made("refused")
    made("refused")
    kept = {path.name.removeprefix(f"{model_name}-")[:-4] for path in places.store.glob("*-1.*.mar")}
    assert kept == {"1.1.0", "1.2.0", "1.3.0", "1.4.0", "1.6.0", "1.8.0", "1.9.0", "1.10.0", "1.11.0"}
    of_run = {
        one.version: places.of_run(model_name, one.run_id or 0) for one in Versions(database).all(model_name)
    }
    assert len(of_run) == 11, "rows stay"
    assert not (of_run["1.5.0"] / WEIGHTS).exists()
    assert (of_run["1.5.0"] / RECORD).exists()
    assert (of_run["1.2.0"] / WEIGHTS).exists()


def test_weights_and_record_of_a_version_are_its_runs(database: Engine, run: Run, places: Places) -> None:
    placed: list[str] = []
    row = Version(run.model_name, "1.1.0", "some.mar", "0" * 64, run.id, {})
    put_version(database, run, row, lambda: placed.append("it is held"))
    another = taken_over(database, run)
    with pytest.raises(LostError):
        put_version(database, run, row, lambda: placed.append("it is another's"))
    put_version(database, another, row, lambda: placed.append("it is held again"))
    assert placed == ["it is held", "it is held again"]
