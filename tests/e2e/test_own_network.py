"""A network of one's own by the documented command, from a file of weights to TorchServe's answers."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import requests
import torch
from PIL import Image
from torchvision.models import resnet18

from handler.framings import frame_of_file
from launch.temporary import running
from system.files import PROJECT
from tests.docs.documents import blocks
from training.archive.contents import worker_of
from training.data.drawing import png
from training.models.classical_file import load_classical
from training.models.photo_networks import Normalised

pytestmark = [pytest.mark.integration, pytest.mark.training]
DOCUMENT, SECTION = "docs/your-own-classifier.md", "Your own network"
LABELS = ("leaf", "sand", "sky")


def documented(language: str) -> str:
    """Return the first block of this language of the document's section."""
    return next(
        block.text for block in blocks(DOCUMENT) if block.section == SECTION and block.language == language
    )


def prepare(folder: Path) -> torch.nn.Module:
    """Write what the documented command names, at 32 px a side; return the network with its weights."""
    torch.manual_seed(0)
    network = resnet18(num_classes=len(LABELS))
    torch.save(network.state_dict(), folder / "scenes.pth")
    (folder / "my_network.py").write_text(documented("python"))
    (folder / "scenes.txt").write_text("\n".join(LABELS))
    for seed, label in enumerate(LABELS):
        (folder / "scenes" / "validation" / label).mkdir(parents=True)
        random = np.random.default_rng(seed)
        for number in range(8):
            pixels = random.normal(60 + 60 * seed, 40, (40, 48, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "scenes" / "validation" / label / f"{number}.png")
    return Normalised(network).eval()


def test_a_network_of_ones_own_is_exported_calibrated_and_served(tmp_path: Path) -> None:
    network = prepare(tmp_path)
    command = documented("sh").replace(".venv/bin/python", sys.executable).replace("\\\n", " ")
    words = shlex.split(command.splitlines()[0].replace("photo-224", "photo-32"), comments=True)
    words = [str(tmp_path / word) if (tmp_path / word).exists() else word for word in words]
    store = tmp_path / "store"
    environ = {**os.environ, "PYTHONPATH": str(tmp_path), "VAR_DIR": str(tmp_path / "var")}
    done = subprocess.run(
        [*words, "--out", store / "scenes.mar"], cwd=PROJECT, env=environ, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    worker = worker_of(store / "scenes.mar")
    assert worker is not None
    assert f"{worker.own_bytes / 1e6:,.0f} MB a worker, with batches of 16" in done.stdout
    assert "ms a picture on one core" in done.stdout
    assert "`make -B" not in done.stdout  # it builds what is in the model store
    assert f"-m training.archive --weights {store}/scenes.onnx --name scenes --out" in done.stdout
    assert "in handler/model-config.yaml: minWorkers: " in done.stdout
    _, about = load_classical(store / "scenes.onnx")
    picture = (tmp_path / "scenes" / "validation" / "sky" / "3.png").read_bytes()
    frame = torch.from_numpy(frame_of_file(picture, about.framing))
    with torch.no_grad():
        logits = network(frame.permute(2, 0, 1)[None].float() / 255)
    expected = torch.softmax(logits / about.temperature, dim=1)[0]
    with running(store, "scenes.mar") as server:
        url = f"{server.inference_url}/predictions/scenes"
        answer = requests.post(url, data=picture, timeout=60).json()
        drawing = requests.post(url, data=png("3"), timeout=60).json()
    assert answer["is_known"]
    assert drawing["known_score"] < answer["known_score"]
    assert list(answer["probabilities"]) == list(LABELS)
    assert list(answer["probabilities"].values()) == pytest.approx(expected.tolist(), abs=1e-4)
    assert answer["label"] == LABELS[int(expected.argmax())]
