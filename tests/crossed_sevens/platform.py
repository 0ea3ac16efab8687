"""The services that the story runs on, and the commands that an operator gives: all are real."""

import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from sqlalchemy import Engine, insert

from db import embedded, migrate
from db import engine as database
from db.schema import loop_runs
from db.serving import Serving, ServingRows
from launch import temporary
from launch.temporary import TorchServe
from system import known_archives
from system.files import PROJECT
from tests.crossed_sevens.writers import write_folder
from tests.e2e.page import running_page
from tests.loop.champion import trained
from training.archive.build import build
from training.data.image_folder import load_folder
from training.data.strokes import Drawn
from training.names import RUNS

PAGE = "tests.crossed_sevens.hurried_page"


@dataclass(frozen=True)
class Platform:
    """A running platform.

    Attributes:
        model: The served model's name, which no other test has.
        page_url: Where the page answers.
        torchserve: What it asks.
        engine: Its database.
        store: The model store.
        environ: What the commands are run with.
    """

    model: str
    page_url: str
    torchserve: TorchServe
    engine: Engine
    store: Path
    environ: Mapping[str, str]

    @property
    def serving(self) -> Serving:
        """What is to be served."""
        found = ServingRows(self.engine).find(self.model)
        assert found is not None
        return found

    @property
    def known(self) -> Path:
        """The list of archives that were built here."""
        return known_archives.place(self.environ)

    def run_folder(self, run_id: int) -> Path:
        """Return what a run of the loop left."""
        return PROJECT / RUNS / "loop" / f"{self.model}-{run_id}"

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Return what a command of the project's says, and how it ended."""
        return subprocess.run(
            [sys.executable, "-m", *words], cwd=PROJECT, env=self.environ, capture_output=True, text=True
        )

    def retrain(self, settings: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
        """Do what `make retrain` does, with settings of a run that waits in the database."""
        row = {"model_name": self.model, "state": "waiting", "asked_by": "us", "settings": dict(settings)}
        with self.engine.begin() as connection:
            connection.execute(insert(loop_runs), row)
        return self.command("loop")


@contextmanager
def running(digits: list[Drawn]) -> Iterator[Platform]:
    """Train a small network on digits without crossed sevens; start all services with it until the end.

    Args:
        digits: What is written by all writers.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="crossed-")))
        model, data, store = f"sevens-{uuid.uuid4().hex[:8]}", folder / "written", folder / "store"
        server = stack.enter_context(embedded.start(folder / "postgres"))
        migrate.upgrade(server.url)
        write_folder(digits, data)
        store.mkdir()
        with _one_thread():
            champion = trained(load_folder(data, "ink"), store / "model.safetensors")
        build(champion.weights, model, store / f"{model}.mar")
        torchserve = stack.enter_context(temporary.running(store, f"{model}.mar"))
        environ = {
            **os.environ,
            "DATABASE_URL": server.url,
            "TORCHSERVE_INFERENCE_URL": torchserve.inference_url,
            "TORCHSERVE_MANAGEMENT_URL": torchserve.management_url,
            "MANAGEMENT_TOKEN_FILE": str(torchserve.token_file),
            "MODEL": model,
            "MODEL_STORE": str(store),
            "MNIST_DIR": str(data),
            "VAR_DIR": str(folder / "var"),
        }
        changes = {key: environ[key] for key in ("MODEL", "MODEL_STORE", "VAR_DIR")}
        page = stack.enter_context(running_page(server.url, torchserve, folder / "page.log", PAGE, **changes))
        engine = stack.enter_context(database.opened(server.url))
        stack.callback(lambda: [shutil.rmtree(one) for one in (PROJECT / RUNS / "loop").glob(f"{model}-*")])
        yield Platform(model, page.url, torchserve, engine, store, environ)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Train on one thread: two that wait for each other are slower on a machine that is busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
