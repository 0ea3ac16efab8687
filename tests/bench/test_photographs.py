"""The plain server answers as the network does, and both servers are measured."""

from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from bench import photographs
from bench.peers import torchvision_app
from handler.model import Model
from tests.bench.tiny_server import needs_wrk
from tests.training.fitting.test_photographs import fill, settings
from training.archive.build import build
from training.fitting.train import train
from training.score.answering import unpack

pytestmark = [pytest.mark.training, pytest.mark.filterwarnings("ignore::UserWarning")]


def test_a_folder_and_a_link_that_leads_nowhere_are_no_photographs(tmp_path: Path) -> None:
    (tmp_path / "album.jpg").mkdir()
    (tmp_path / "album.jpg" / "one.JPG").write_bytes(b"one")
    (tmp_path / "gone.png").symlink_to("nowhere.png")
    assert photographs._files(tmp_path) == [b"one"]


@needs_wrk
@pytest.mark.alone
@pytest.mark.integration
def test_both_servers_read_the_same_and_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = fill(tmp_path / "scenes", side_px=32)  # not scaled, so that both see the same frames
    train(settings(data, tmp_path / "out", epochs=1))
    weights = tmp_path / "out" / "model.safetensors"
    archive = build(weights, "scenes", tmp_path / "scenes.mar")
    monkeypatch.setenv(torchvision_app.WEIGHTS_VARIABLE, str(weights))
    files = [path.read_bytes() for path in sorted(data.glob("*/*.jpg"))[::8]]
    served = Model(unpack(archive, tmp_path / "archive"))
    ours = served.probabilities(np.stack([served.frame(file) for file in files]))
    with TestClient(torchvision_app.app()) as plain:
        for file, expected in zip(files, ours, strict=True):
            answer = plain.post("/predict", content=file).json()
            assert list(answer["probabilities"].values()) == pytest.approx(expected, abs=0.01)
            assert answer["label"] == served.label_names[expected.argmax()]
    table = photographs.run(archive, weights, files, seconds=1, turns=1)
    for name in ("Sketchserve", photographs.PLAIN):
        for clients in photographs.CLIENTS:
            assert f"| {name} | {clients} | " in table
    assert "none" in table
