"""Rollouts in a real `make run`: TorchServe, PostgreSQL and the page, while people draw."""

import base64
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
from sqlalchemy import Engine, insert

from db import embedded
from db import engine as database
from db.schema import verdicts
from db.serving import Serving, ServingRows
from db.versions import Version, Versions
from rollout.changes import Desk
from rollout.routes import is_tried_on
from system import known_archives
from system.files import PROJECT
from tests.served_model import VERSION, as_version
from tests.services.platform import Run, environment, make_run
from training.data.drawing import png

pytestmark = pytest.mark.integration

NEW, BROKEN = "77.1.0", "77.2.0"
# It starts as it should, and then answers nobody.
BREAKS = """

def _broken(self, rows, context):
    raise RuntimeError("it is broken")


DigitHandler.handle = _broken
"""
PICTURE = f"data:image/png;base64,{base64.b64encode(png('7')).decode()}"
# TorchServe starts two workers on a machine that may be busy.
READY_S = 90
PAUSE_S = 0.05


@dataclass
class Drawing:
    """People who draw until they are told to stop, and what they got."""

    got: Counter[tuple[int, str]] = field(default_factory=Counter)
    is_over: bool = False


@dataclass
class Platform:
    """A running platform, and its versions."""

    run: Run
    store: Path
    engine: Engine
    old: str

    @property
    def desk(self) -> Desk:
        """Where it is decided."""
        return Desk(ServingRows(self.engine), Versions(self.engine))

    def draw(self, session: str) -> tuple[int, str]:
        """Return the status and version of what the page answers."""
        said = {"image": PICTURE, "source": "upload", "visitor": session}
        answer = requests.post(f"{self.run.url('UI_PORT')}/pictures", json=said, timeout=60)
        return answer.status_code, answer.json().get("version", answer.text)

    def default(self) -> tuple[int, str]:
        """Return the status and version of what TorchServe itself answers."""
        url = f"{self.run.url('INFERENCE_PORT')}/predictions/digits"
        try:
            answer = requests.post(url, data=png("7"), timeout=20)
            return answer.status_code, answer.json().get("version", answer.text)
        except requests.RequestException as error:
            return 0, type(error).__name__

    @contextmanager
    def drawing(self, session: str, other: str) -> Iterator[Drawing]:
        """Let two people draw, and a program ask TorchServe, until the end of the block."""
        found = Drawing()

        def go_on(ask: Callable[[], tuple[int, str]]) -> None:
            while not found.is_over:
                found.got[ask()] += 1
                time.sleep(PAUSE_S)  # the workers that start need the cores, too

        asks = (lambda: self.draw(session), lambda: self.draw(other), self.default)
        people = [threading.Thread(target=go_on, args=(ask,)) for ask in asks]
        for one in people:
            one.start()
        try:
            yield found
        finally:
            found.is_over = True
            for one in people:
                one.join()

    def said(self, *words: str) -> str:
        """Return what the command says that is behind make's verbs."""
        more = {"TORCHSERVE_MANAGEMENT_URL": self.run.url("MANAGEMENT_PORT")}
        environ = environment(self.run.var, self.run.ports, **more)
        done = subprocess.run(
            [sys.executable, "-m", "rollout", *words],
            cwd=PROJECT,
            env=environ,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def platform(model_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    store, var = tmp_path_factory.mktemp("store"), tmp_path_factory.mktemp("var")
    (store / "digits.mar").write_bytes((model_store / "digits.mar").read_bytes())
    as_version(NEW, store / "digits.mar", store / "new.mar")
    as_version(BROKEN, store / "digits.mar", store / "broken.mar", BREAKS)
    with make_run(var, MODEL_STORE=str(store)) as run:
        url = embedded.running_url(var / "postgres")
        assert url is not None
        with database.opened(url) as engine:
            platform = Platform(run, store, engine, VERSION)
            for version, file in ((NEW, "new.mar"), (BROKEN, "broken.mar")):
                sha256 = known_archives.digest(store / file)
                platform.desk.versions.note(Version("digits", version, file, sha256))
                row = {"model_name": "digits", "model_version": version, "champion_version": VERSION}
                with engine.begin() as connection:
                    connection.execute(
                        insert(verdicts).values(**row, outcome="passed", checks=[], reason="for a test")
                    )
            yield platform


def session_of(version: str, *, is_tried: bool) -> str:
    """Return a session that has, or has not, a version that is tried on 5 %."""
    sessions = (uuid.uuid4().hex for _ in range(10_000))
    return next(one for one in sessions if is_tried_on(one, "digits", version, 5) == is_tried)


def until(is_so: Callable[[], object], what: str, limit_s: float = READY_S) -> None:
    end = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < end, f"{what}: not so after {limit_s:g} s"
        time.sleep(0.2)


def test_versions_are_tried_promoted_applied_again_and_taken_back_while_people_draw(
    platform: Platform,
) -> None:
    """One test, since each part begins where the one before it ended."""
    old = platform.old
    tried, other = session_of(NEW, is_tried=True), session_of(NEW, is_tried=False)
    with platform.drawing(tried, other) as drawing:
        platform.desk.try_out("digits", NEW, old, "a test")
        until(lambda: drawing.got[200, NEW], "the candidate answers those on whom it is tried")
        assert platform.draw(tried) == (200, NEW)
        assert platform.draw(other) == (200, old)
        assert platform.default() == (200, old)
        assert "workers ready  5 % of sessions" in platform.said()
        platform.said("promote", NEW)
        until(lambda: platform.default() == (200, NEW), "the candidate is the default")
        until(lambda: platform.draw(other) == (200, NEW), "everybody has it")
    assert {status for status, _ in drawing.got} == {200}, drawing.got

    (java,) = platform.run.members("org.pytorch.serve.ModelServer")
    java.kill()

    def others() -> bool:
        found = platform.run.members("org.pytorch.serve.ModelServer")
        return any(process.pid != java.pid for process in found)

    # It is started with the old version, and may have the new one before anybody asks.
    until(others, "TorchServe is started again")
    until(lambda: platform.default() == (200, NEW), "it has what is to be served again")

    assert "is the default" in platform.said("rollback")
    until(lambda: platform.default() == (200, old), "the version before is the default again")

    tried = session_of(BROKEN, is_tried=True)
    with platform.drawing(tried, other) as drawing:
        platform.desk.try_out("digits", BROKEN, old, "a test")
        until(lambda: _serving(platform).share == 0, "what fails is taken back by itself")
    assert "3 looks failed" in _serving(platform).reason
    assert set(drawing.got) == {(200, old)}, drawing.got


def _serving(platform: Platform) -> Serving:
    found = platform.desk.rows.find("digits")
    assert found is not None
    return found
