"""What the page's unit tests share: records, and a backend whose writer never runs."""

import io
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from client.inference import Inference
from client.management import Management
from db import engine
from db.drawings import Drawings
from db.log import PredictionLog
from db.records import Prediction
from db.spool import Spool
from db.writer import Writer
from tests.services.postgres import postgres_server, postgres_url
from tests.ui.answering import NOBODY, SESSION
from tests.ui.managing import Managing, managing
from tests.ui.several_models import put_archive
from ui.backend import Backend
from ui.metrics import Metrics
from ui.models.listing import Models
from ui.models.loading import Loader
from ui.recent import Recent

__all__ = ["postgres_server", "postgres_url"]

NO_DATABASE = "postgresql://nobody:nothing@127.0.0.1:9/nowhere"


@pytest.fixture
def drawing() -> bytes:
    """A PNG of 280x280 px with one stroke."""
    image = Image.new("RGB", (280, 280), "white")
    ImageDraw.Draw(image).line([(70, 70), (200, 70), (120, 220)], fill="black", width=20)
    png = io.BytesIO()
    image.save(png, "PNG")
    return png.getvalue()


@pytest.fixture
def make_prediction(drawing: bytes) -> Callable[..., Prediction]:
    """Make predictions, each a second later than the one before, with the given fields changed."""
    first = Prediction(
        id=uuid.uuid4(),
        created_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        session_id=SESSION,
        source="sketchpad",
        model_name="digits",
        model_version="1.0.0",
        preprocessing="a1b2c3d4",
        predicted_label="7",
        confidence=0.9,
        probabilities={str(digit): 0.9 if digit == 7 else 0.1 / 9 for digit in range(10)},
        drawing=drawing,
        thumbnail=b"\x89PNG and so on",
        pen_colour="#1c1b22",
        background_colour="#ffffff",
        latency_ms=12.0,
        request_id="8a6e",
    )
    made = 0

    def make(**changes: object) -> Prediction:
        nonlocal made
        made += 1
        later = {"id": uuid.uuid4(), "created_at": first.created_at + timedelta(seconds=made)}
        return replace(first, **{**later, **changes})

    return make


@pytest.fixture
def make_backend(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Backend]:
    """Make a backend of real parts; its database is away, and TorchServe too unless an address is given."""

    def make(
        torchserve_url: str = NOBODY, max_records: int = 100, log: PredictionLog | None = None
    ) -> Backend:
        log = log or PredictionLog(engine.create(NO_DATABASE))
        spool = Spool(tmp_path_factory.mktemp("spool") / "records-1.sqlite", max_records)
        writer = Writer(log, spool)
        management = Management(torchserve_url)
        return Backend(
            inference=Inference(torchserve_url),
            management=management,
            model="digits",
            models=Models("digits", management, store=None),
            loader=Loader(management, "digits", idle_s=60),
            log=log,
            drawings=Drawings(log._engine),
            writer=writer,
            recent=Recent(),
            metrics=Metrics(writer),
        )

    return make


@pytest.fixture
def vit(make_backend: Callable[..., Backend], tmp_path: Path) -> Iterator[tuple[Backend, Managing]]:
    """A backend whose TorchServe has a second model loaded."""
    for name in ("digits", "digits-vit"):
        put_archive(tmp_path, f"{name}.mar", name, coverage=0.95)
    with managing(tmp_path, loaded=["digits.mar", "digits-vit.mar"]) as server:
        management = Management(server.url)
        models = Models("digits", management, tmp_path)
        models.listing()
        backend = replace(
            make_backend(server.url), models=models, loader=Loader(management, "digits", idle_s=60)
        )
        yield backend, server


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A model store of two models."""
    put_archive(tmp_path, "digits.mar", "digits", coverage=0.99)
    put_archive(tmp_path, "digits-vit.mar", "digits-vit")
    return tmp_path


@pytest.fixture
def torchserve(store: Path) -> Iterator[Managing]:
    """A TorchServe that is played, with the first of them loaded."""
    with managing(store, loaded=["digits.mar"]) as server:
        yield server
