"""`python -m loop.watch` looks at what is stored, keeps what it finds, and looks again at what is new."""

import io
import json
import os
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from sqlalchemy import Engine

from db import drifts
from db.log import PredictionLog
from db.records import Prediction
from handler.frame import frame_of
from loop.watch import OF_A_SESSION, watched
from system.files import PROJECT
from training.archive.contents import MANIFEST, SERVING
from training.data.features import features
from training.models.reference import Reference

pytestmark = pytest.mark.integration

COUNT = 240


def drawing(random: np.random.Generator, width_px: int) -> bytes:
    """Return a PNG of a stroke of three bends, by a pen so wide on a sheet of 140 px."""
    image = Image.new("L", (140, 140), 255)
    points = random.integers(20, 120, (4, 2)).tolist()
    ImageDraw.Draw(image).line([tuple(point) for point in points], fill=0, width=width_px, joint="curve")
    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()


def drawings(width_px: int, seed: int) -> list[bytes]:
    random = np.random.default_rng(seed)
    return [drawing(random, width_px) for _ in range(COUNT)]


@pytest.fixture(scope="module")
def usual() -> list[bytes]:
    """What training looked like."""
    return drawings(width_px=12, seed=0)


@pytest.fixture
def store(tmp_path: Path, model_name: str, usual: list[bytes]) -> Path:
    """A model store with an archive that says what its training looked like, and one that does not."""
    frames = np.stack([frame_of(picture) for picture in usual])
    looks = Reference(
        frames=COUNT,
        labels={"1": 0.5, "7": 0.5},
        features={
            name: tuple(np.quantile(values, np.linspace(0, 1, 101)).tolist())
            for name, values in features(frames).items()
        },
        answers=COUNT,
        confidence=tuple(np.linspace(0.9, 1, 101).tolist()),
        set_sizes={"1": 0.9, "2": 0.1},
    )
    archive(tmp_path / "new.mar", model_name, {"framing": "ink", "reference": asdict(looks)})
    archive(tmp_path / "old.mar", f"{model_name}-old", {"framing": "ink"})
    (tmp_path / "torn.mar").write_bytes(b"PK")
    return tmp_path


def archive(path: Path, name: str, about: dict[str, object]) -> None:
    with zipfile.ZipFile(path, "w") as mar:
        mar.writestr(MANIFEST, json.dumps({"model": {"modelName": name, "modelVersion": "1.0.0"}}))
        mar.writestr(SERVING, json.dumps(about))


@pytest.fixture
def drawn(database: Engine, model_name: str) -> Callable[..., None]:
    """A function that stores what was drawn, by so many sessions, answered as in validation."""

    def store(pictures: list[bytes], when: datetime, sessions: int = 40) -> None:
        of_sessions = [uuid.uuid4().hex for _ in range(sessions)]
        PredictionLog(database).write(
            [
                Prediction(
                    id=uuid.uuid4(),
                    created_at=when + timedelta(milliseconds=index),
                    session_id=of_sessions[index % sessions],
                    source="sketchpad",
                    model_name=model_name,
                    model_version="1.0.0",
                    preprocessing="a1b2c3d4",
                    predicted_label="17"[index % 2],
                    confidence=round(0.9 + 0.1 * (index * 37 % COUNT) / COUNT, 6),
                    probabilities={},
                    drawing=picture,
                    pen_colour=None,
                    background_colour=None,
                    latency_ms=1.0,
                    request_id="r",
                    label_set=("1", "7") if index % 10 == 0 else ("1",),
                )
                for index, picture in enumerate(pictures)
            ]
        )

    return store


def lines(database: Engine, store: Path, now: datetime) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in watched(database, store, now))


def look(database: Engine, model_name: str) -> drifts.Look:
    with database.connect() as connection:
        found = drifts.latest(connection, (model_name, "1.0.0"))
    assert found is not None
    return found


def test_it_finds_nothing_in_drawings_like_those_of_training_and_a_wider_pen_at_once(
    database: Engine, store: Path, model_name: str, drawn: Callable[..., None]
) -> None:
    now, name = datetime.now(UTC), f"{model_name} 1.0.0"
    drawn(drawings(width_px=12, seed=1), now - timedelta(hours=2))
    said = lines(database, store, now)
    assert said[name] == "240 drawings; changed beyond chance, with stability index: nothing"
    assert said[f"{model_name}-old 1.0.0"].startswith(
        "its archive does not say what its training data looked like"
    )
    assert "cannot be read" in said["torn.mar"]
    first = look(database, model_name)
    assert first.drawings == COUNT
    assert [one.name for one in first.figures] == [
        "ink_share", "stroke_width_px", "aspect", "confidence", "labels", "set_sizes",
    ]  # fmt: skip

    assert lines(database, store, now)[name].startswith("0 new drawings in 30 days")
    drawn([*drawings(width_px=30, seed=2), b"no picture"], now - timedelta(hours=1))
    assert "stroke_width_px" in lines(database, store, now)[name]
    wider = {one.name: one for one in look(database, model_name).figures}
    assert wider["stroke_width_px"].is_beyond_chance
    assert wider["stroke_width_px"].stability > 0.25
    before, after = wider["stroke_width_px"].training_spread, wider["stroke_width_px"].drawn_spread
    assert before is not None
    assert after is not None
    assert after[1] > before[1]
    assert not wider["labels"].is_beyond_chance
    assert drifts.latest_of_each(database, now - timedelta(days=1))


def test_one_hand_is_no_sample_of_all_hands(
    database: Engine, store: Path, model_name: str, drawn: Callable[..., None], usual: list[bytes]
) -> None:
    now = datetime.now(UTC)
    drawn(usual, now - timedelta(hours=1), sessions=1)
    said = lines(database, store, now)[f"{model_name} 1.0.0"]
    assert said == f"{OF_A_SESSION} new drawings in 30 days, at most 20 of a session; expected at least 200"


def test_neither_drawings_of_last_season_nor_of_a_wrong_clocks_future_are_looked_at(
    database: Engine, store: Path, model_name: str, drawn: Callable[..., None], usual: list[bytes]
) -> None:
    now = datetime.now(UTC)
    drawn(usual, now - timedelta(days=31))
    ahead = now + timedelta(days=2)
    drawn(usual, ahead)
    assert lines(database, store, now)[f"{model_name} 1.0.0"].startswith("0 new drawings")
    # Nor does a look by such a clock put off those that come once it is set back.
    assert f"{COUNT} drawings" in lines(database, store, ahead + timedelta(hours=1))[f"{model_name} 1.0.0"]
    drawn(usual, now - timedelta(hours=1))
    assert f"{COUNT} drawings" in lines(database, store, now)[f"{model_name} 1.0.0"]


def test_the_command_says_a_line_for_each_archive(store: Path, postgres_url: str, tmp_path: Path) -> None:
    environment = {**os.environ, "DATABASE_URL": postgres_url, "MODEL_STORE": str(store)}
    done = subprocess.run(
        [sys.executable, "-m", "loop.watch"], cwd=PROJECT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 3
    environment["DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/none"
    done = subprocess.run(
        [sys.executable, "-m", "loop.watch"], cwd=PROJECT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
