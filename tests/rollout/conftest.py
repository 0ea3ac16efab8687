"""What tests of rollouts share: two versions of a model of the test's own, and a played TorchServe."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, update

from client.inference import Inference
from db import engine as database
from db.log import PredictionLog
from db.records import Feedback, Prediction
from db.schema import serving as serving_table
from db.schema import verdicts
from db.serving import Serving, ServingRows
from db.versions import Version, Versions
from rollout.changes import Desk
from rollout.driver import Driver
from rollout.reconcile import Places
from rollout.replicas import Replicas
from rollout.routes import Routes, is_tried_on
from rollout.rule import Rule
from system import known_archives
from tests.services.postgres import postgres_server, postgres_url
from tests.ui.managing import Managing, managing
from tests.ui.several_models import put_archive

__all__ = ["postgres_server", "postgres_url"]

OLD, NEW = "1.0.0", "1.1.0"
# As little as a test needs.
RULE = Rule(answers=40, sessions=4, held_s=0.0, apart_s=0.0)


@dataclass
class Trial:
    """A rollout before a TorchServe that is played.

    Attributes:
        model: The model's name, of this test alone.
        torchserve: The server.
        store: The model store.
        engine: The database.
        routes: What the page asks.
        driver: Drives it.
        desk: Where it is decided.
    """

    model: str
    torchserve: Managing
    store: Path
    engine: Engine
    routes: Routes
    driver: Driver
    desk: Desk

    @property
    def serving(self) -> Serving:
        found = self.desk.rows.find(self.model)
        assert found is not None
        return found

    @property
    def versions(self) -> list[str]:
        """TorchServe's, the default one first."""
        return [version for name, version in self.torchserve.workers if name == self.model]

    def turn(self) -> None:
        """Have the driver do all that it would do in a while."""
        self.driver._looked_at = float("-inf")
        self.driver.turn()

    def passes(self, version: str = NEW, outcome: str = "passed", champion: str = OLD) -> None:
        """Write a verdict of the gate."""
        passes(self.engine, self.model, version, outcome, champion)

    def session(self, *, is_tried: bool, share: int = 5) -> str:
        """Return a new session that has, or has not, the candidate."""
        while True:
            session = uuid.uuid4().hex
            if is_tried_on(session, self.model, NEW, share) == is_tried:
                return session

    def answers(
        self,
        version: str,
        sessions: int,
        each: int,
        *,
        wrong: int = 0,
        ms: float = 10.0,
        ago_s: float = 0,
        drawn: str = "1",
        said: str = "1",
    ) -> None:
        """Record answers of a version: of each session so many, and so many of these judged to be wrong.

        What is drawn was read as a 7; both versions read it as it is, should they be asked.
        """
        at = datetime.now(UTC) - timedelta(seconds=ago_s)
        records: list[Prediction | Feedback] = []
        for session in [self.session(is_tried=version == NEW) for _ in range(sessions)]:
            for number in range(each):
                one = prediction(self.model, version, session, at, ms, drawn)
                records.append(one)
                if number < wrong:
                    records.append(Feedback(one.id, said, at, session))
        PredictionLog(self.engine).write(records)


def begin(trial: Trial) -> None:
    """Have the new version be tried."""
    trial.passes()
    trial.desk.try_out(trial.model, NEW, OLD, "a test")
    trial.turn()
    trial.turn()


def age(trial: Trial, seconds: float) -> None:
    """Have what is served be so old, without waiting for it."""
    with trial.engine.begin() as connection:
        earlier = trial.serving.changed_at - timedelta(seconds=seconds)
        of_model = serving_table.c.model_name == trial.model
        connection.execute(update(serving_table).where(of_model).values(changed_at=earlier))


def note(trial: Trial, version: str) -> None:
    """Have an archive of another version be known, which no run has made."""
    put_archive(trial.store, file := f"{trial.model}-{version}.mar", trial.model, version)
    sha256 = known_archives.digest(trial.store / file)
    trial.desk.versions.note(Version(trial.model, version, file, sha256))


def passes(engine: Engine, model: str, version: str, outcome: str = "passed", champion: str = OLD) -> None:
    row = {"model_name": model, "model_version": version, "champion_version": champion}
    with engine.begin() as connection:
        connection.execute(insert(verdicts).values(**row, outcome=outcome, checks=[], reason="for a test"))


def prediction(model: str, version: str, session: str, at: datetime, ms: float, drawn: str) -> Prediction:
    return Prediction(
        id=uuid.uuid4(),
        created_at=at,
        session_id=session,
        source="sketchpad",
        model_name=model,
        model_version=version,
        preprocessing="a1b2c3d4",
        predicted_label="7",
        confidence=0.9,
        probabilities={"1": 0.1, "7": 0.9},
        drawing=drawn.encode(),
        pen_colour=None,
        background_colour=None,
        latency_ms=ms,
        request_id=uuid.uuid4().hex,
    )


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    created = database.create(postgres_url, statement_timeout_ms=60_000)
    yield created
    created.dispose()


@pytest.fixture
def model() -> str:
    return f"m{uuid.uuid4().hex[:12]}"


@pytest.fixture
def trial(engine: Engine, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trial]:
    """A rollout that has not begun: TorchServe has the old version, the store both."""
    # However busy the machine is, one turn asks all pictures.
    monkeypatch.setattr("rollout.looks.ASKING_S", 60.0)
    files = {version: f"{model}-{version}.mar" for version in (OLD, NEW)}
    for version, file in files.items():
        put_archive(tmp_path, file, model, version)
    versions = Versions(engine)
    for version, file in files.items():
        versions.note(Version(model, version, file, known_archives.digest(tmp_path / file)))
    with managing(tmp_path, loaded=[files[OLD]]) as torchserve:
        torchserve.reads = dict.fromkeys((OLD, NEW), bytes.decode)
        routes, inference = Routes(), Inference(torchserve.url)
        driver = Driver(engine, Replicas(torchserve.url), Places(tmp_path), routes, inference, RULE)
        desk = Desk(ServingRows(engine), versions)
        yield Trial(model, torchserve, tmp_path, engine, routes, driver, desk)
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM serving")
