"""Training and judging on real services: a better candidate passes, a damaged one and a broken one do not."""

import shutil
import uuid
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine

from client.management import path_of
from db import candidates, examples, loop_runs, verdicts
from db.examples import Chosen
from db.log import PredictionLog
from db.loop_runs import Outcome, Run
from db.records import Prediction
from db.versions import Versions
from launch import temporary
from loop import candidate
from loop.candidate import Champion
from loop.engine import run_all
from loop.feedback import digest_of
from loop.fine_tuning import Recipe
from loop.gate import REPORT, gate
from loop.places import Places
from loop.train import examples_of, train
from loop.verdict import beside
from loop.verdict.asked import Extent
from loop.verdict.check import LEFT_OUT, PASSED, REFUSED
from loop.verdict.judge import FEEDBACK, Case, Judged, judge
from loop.verdict.replay import Stored
from system import known_archives
from system.files import sha256
from tests.loop.answering import Small
from tests.loop.written import crossed_sevens
from training.archive import golden
from training.archive.build import build
from training.archive.contents import read_archive
from training.models import weights

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
# 297 digits cannot exclude less than three points.
EXTENT = Extent(scans=None, fuzzed=150, replayed=30, timed=20, margin=0.03)
SETTINGS = {"steps": 30, "fuzzed": 150, "replayed": 30, "timed": 20, "margin": 0.03}
NAME = "digits"


@pytest.fixture(scope="module")
def store(champion: Champion, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model store with the champion's archive."""
    folder = tmp_path_factory.mktemp("store")
    shutil.copyfile(champion.weights, folder / champion.weights.name)
    build(champion.weights, NAME, folder / f"{NAME}.mar")
    return folder


@pytest.fixture(scope="module")
def server(store: Path) -> Iterator[beside.TorchServe]:
    """A TorchServe that serves the champion."""
    with temporary.running(store) as running:
        yield beside.TorchServe(running.inference_url, running.management())


@pytest.fixture(scope="module")
def better(champion: Champion, store: Path) -> Path:
    """The archive of a candidate that learnt crossed sevens."""
    folder = store.parent / "better"
    candidate.make(champion, crossed_sevens(40, 1), Path("nowhere"), Recipe(30), "1.1.0", folder)
    return build(folder / candidate.WEIGHTS, NAME, store.parent / "better.mar")


def verdict_on(archive: Path, store: Path, server: beside.TorchServe) -> Judged:
    """Return the verdict on an archive, which is taken away afterwards."""
    shutil.copyfile(archive, store / beside.CANDIDATE)
    stored = [Stored(str(number), one.drawing, "7") for number, one in enumerate(crossed_sevens(30, 3))]
    case = Case(store / f"{NAME}.mar", archive, Path("nowhere"), crossed_sevens(20, 2), stored, EXTENT)
    try:
        return judge(server, case)
    finally:
        server.management.unregister(path_of(NAME, read_archive(archive).version))
        (store / beside.CANDIDATE).unlink()


def test_a_better_candidate_passes_and_says_what_it_would_answer_otherwise(
    better: Path, store: Path, server: beside.TorchServe
) -> None:
    judged = verdict_on(better, store, server)
    outcomes = {check.name: check.outcome for check in judged.verdict.checks}
    assert judged.verdict.outcome == PASSED, judged.verdict.reason
    assert list(outcomes) == [
        "self-check", "optdigits", "held-out feedback", "each digit", "calibration", "sets of labels",
        "what is no digit", "time and memory", "mutated requests", "replay",
    ]  # fmt: skip
    assert outcomes.pop("what is no digit") == "left_out", "archives of bundled digits have no gate"
    assert set(outcomes.values()) == {PASSED}
    assert all(check.numbers for check in judged.verdict.checks if check.outcome != LEFT_OUT)
    numbers = {check.name: check.numbers for check in judged.verdict.checks}
    assert numbers["self-check"]["golden_pictures"] == len(golden.pictures())
    assert numbers["self-check"]["until_s"] > 0
    for one in ("champion", "candidate"):
        assert numbers["time and memory"][one]["worker_bytes"] > 10**7
    assert judged.flips
    assert {flip.after for flip in judged.flips} == {"7"}
    mutated = next(check for check in judged.verdict.checks if check.name == "mutated requests")
    assert sum(mutated.numbers["statuses"].values()) == 150
    assert mutated.numbers["statuses"].keys() == {"200", "400"}


def test_a_damaged_candidate_is_refused(small: Small, store: Path, server: beside.TorchServe) -> None:
    damaged = small.damaged(0.5)
    file = store.parent / "damaged" / candidate.WEIGHTS
    weights.save(file, damaged.model.state_dict(), replace(small.about, version="1.2.0"))
    judged = verdict_on(build(file, NAME, store.parent / "damaged.mar"), store, server)
    outcomes = {check.name: check.outcome for check in judged.verdict.checks}
    assert judged.verdict.outcome == REFUSED
    assert outcomes["self-check"] == PASSED
    assert {outcomes["optdigits"], outcomes["each digit"]} == {REFUSED}
    assert "optdigits: it is right less often" in judged.verdict.reason


def test_a_candidate_that_does_not_read_its_golden_pictures_is_asked_nothing(
    better: Path, store: Path, server: beside.TorchServe
) -> None:
    broken = store.parent / "broken.mar"
    with zipfile.ZipFile(better) as before, zipfile.ZipFile(broken, "w") as after:
        for name in before.namelist():
            content = before.read(name)
            if name == "index_to_name.json":
                content = content.replace(b'"7": "7"', b'"7": "x"')
            after.writestr(name, content)
    judged = verdict_on(broken, store, server)
    assert [(check.name, check.outcome) for check in judged.verdict.checks] == [("self-check", REFUSED)]
    assert "expected the labels" in judged.verdict.reason
    assert judged.verdict.checks[0].numbers["golden_pictures"] == len(golden.pictures())


def test_a_run_trains_judges_and_writes_its_rows(champion: Champion, database: Engine, store: Path) -> None:
    places = Places(store, store.parent / "runs", Path("nowhere"), store.parent / "known")
    drawn = {part: crossed_sevens(count, seed) for part, count, seed in (("train", 40, 1), ("gate", 20, 2))}
    log = PredictionLog(database)

    def collect(run: Run, engine: Engine) -> Outcome:
        chosen = []
        for part, some in drawn.items():
            for one in some:
                prediction = prediction_of(one.drawing)
                log.write([prediction])
                chosen.append(Chosen(prediction.id, part, one.label, one.digest))
        with engine.begin() as connection:
            examples.put(connection, run.id, chosen)
        return Outcome("done", {}, "collected")

    steps = (
        ("collect", collect),
        ("train", partial(train, places=places)),
        ("gate", partial(gate, places=places)),
    )
    said: list[Outcome] = []
    outcome = run_all(
        database, NAME, steps, "a test", SETTINGS, lambda _, found: said.append(found) if found else None
    )
    assert outcome.state == "done", outcome.reason
    (version,) = Versions(database).all(NAME)
    assert (version.version, version.archive) == ("1.1.0", "digits-1.1.0.mar")
    assert version.sha256 == known_archives.digest(store / version.archive)
    assert known_archives.is_known(store / version.archive, places.known)
    assert version.made_of["data"]["drawings"] == 40
    verdict = verdicts.verdict_on(database, NAME, "1.1.0", "1.0.0")
    assert verdict is not None
    assert verdict.outcome == "passed"
    assert said[-1].numbers["checks"]["held-out feedback"] == "passed"
    report = (places.of_run(NAME, version.run_id or 0) / REPORT).read_text(encoding="utf-8")
    assert "held-out feedback" in report
    assert "data:image/png;base64," in report
    assert next(one for one in verdict.checks if one["name"] == FEEDBACK)["numbers"]["asked_before"] == 0
    # The version can be made again from its rows and the weights that it began from.
    of = version.made_of
    kept = list(examples_of(candidates.taken(database, version.run_id or 0, "train")))
    assert digest_of(kept) == of["data"]["feedback"]
    assert sha256(champion.weights) == of["champion"]["weights_sha256"]
    again = store.parent / "again"
    candidate.make(champion, kept, places.data, Recipe(**of["settings"]), of["version"], again)
    assert sha256(again / candidate.WEIGHTS) == of["weights_sha256"]
    # Whoever was killed after the verdict was written finds it, and starts no server.
    run = Run(version.run_id or 0, NAME, datetime.now(UTC), SETTINGS, "gate", 1)
    assert gate(run, database, places).state == "done"
    with pytest.raises(loop_runs.LostError):
        candidates.put_version(database, run, version)


def prediction_of(drawing: bytes) -> Prediction:
    """Return a stored drawing, of before the run, that was read as a three."""
    return Prediction(
        id=uuid.uuid4(), created_at=datetime.now(UTC) - timedelta(hours=1), session_id=uuid.uuid4().hex,
        source="sketchpad", model_name=NAME, model_version="1.0.0", preprocessing="a1b2c3d4",
        predicted_label="3", confidence=0.6, probabilities={"3": 0.6, "7": 0.4}, drawing=drawing,
        pen_colour=None, background_colour=None,
        latency_ms=5.0, request_id=uuid.uuid4().hex,
    )  # fmt: skip
