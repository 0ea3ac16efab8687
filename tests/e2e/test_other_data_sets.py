"""Other data sets up to an answer, by the real commands: weights of optdigits, and somebody's own folder."""

import io
import re
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import requests
from PIL import Image, ImageDraw

from handler.fingerprint import preprocessing_fingerprint
from handler.model import Model
from system.files import PROJECT
from tests.loop.champion import trained
from tests.services.platform import STOP_S, make_run
from training.data.drawing import png
from training.data.sets import CACHE, load

pytestmark = [pytest.mark.integration, pytest.mark.training]
LETTERS = "LTX"


def make(*words: object) -> str:
    """Run a verb of the Makefile; give what it printed."""
    done = subprocess.run(
        ["make", "--no-print-directory", *map(str, words)], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def archived(weights: Path, name: str, store: Path) -> Path:
    """Build the archive of a trained file by the real command."""
    out = store / f"{name}.mar"
    command = [sys.executable, "-m", "training.archive", "--weights", weights, "--name", name, "--out", out]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def test_weights_of_optdigits_are_archived_and_served(tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    trained(load("optdigits", Path("nowhere"), CACHE), store / "optdigits.safetensors")
    with make_run(tmp_path / "var", MODEL="optdigits", MODEL_STORE=str(store)) as run:
        url = f"{run.url('INFERENCE_PORT')}/predictions/optdigits"
        answers = {digit: requests.post(url, data=png(digit), timeout=30).json() for digit in "0123456789"}
        run.family()
        run.process.send_signal(signal.SIGTERM)
        run.process.wait(STOP_S)
    assert (store / "optdigits.mar").is_file()
    assert {answer["model"] for answer in answers.values()} == {"optdigits"}
    assert answers["7"]["preprocessing"] == preprocessing_fingerprint()
    found = {digit: answer["label"] for digit, answer in answers.items()}
    assert sum(label == digit for digit, label in found.items()) >= 6, found


def shape(label: str, seed: int) -> bytes:
    """Return a PNG of an L, a T or an X of bars, somewhere on a sheet, in some colour and size."""
    random = np.random.default_rng(seed)
    side = int(random.integers(40, 90))
    left, top = (int(random.integers(4, 116 - side)) for _ in range(2))
    width = int(side * random.uniform(0.15, 0.3))
    image = Image.new("RGB", (120, 120), tuple(int(value) for value in random.integers(215, 256, 3)))
    brush = ImageDraw.Draw(image)
    right, bottom, middle = left + side, top + side, left + side // 2
    lines = {
        "L": [(left, top, left, bottom), (left, bottom, right, bottom)],
        "T": [(left, top, right, top), (middle, top, middle, bottom)],
        "X": [(left, top, right, bottom), (right, top, left, bottom)],
    }[label]
    colour = tuple(int(value) for value in random.integers(0, 120, 3))
    for line in lines:
        brush.line(line, fill=colour, width=width)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def test_a_folder_of_images_becomes_a_classifier(tmp_path: Path) -> None:
    images = tmp_path / "bars"
    for label in LETTERS:
        (images / label).mkdir(parents=True)
        for seed in range(60):
            (images / label / f"{seed}.png").write_bytes(shape(label, 1000 * ord(label) + seed))
    make(
        "train", "DATASET=folder", f"DATA={images}",
        f"ARGS=--epochs 15 --batch 32 --device cpu --out {tmp_path / 'run'}",
    )  # fmt: skip
    mar = archived(tmp_path / "run" / "model.safetensors", "bars", tmp_path)
    with zipfile.ZipFile(mar) as archive:
        archive.extractall(tmp_path / "unpacked")
    model = Model(tmp_path / "unpacked")
    assert (model.framing, model.label_names) == ("picture", list(LETTERS))
    found = {
        label: [
            model.answer(model.read(model.frame(shape(label, seed))[None])[0])["label"] for seed in range(5)
        ]
        for label in LETTERS
    }
    right = sum(labels.count(label) for label, labels in found.items())
    assert right >= 13, found
    # A label that was wrong comes first on the page of samples.
    first, second = LETTERS[0], LETTERS[1]
    (images / second / "1.png").rename(images / first / "wrong.png")
    trained_file = tmp_path / "run" / "model.safetensors"
    make(
        "samples", "DATASET=folder", f"DATA={images}", f"ARGS=--weights {trained_file}", f"VAR_DIR={tmp_path}"
    )
    page = tmp_path / "samples" / "bars.html"
    assert f"{first}/wrong.png" in re.findall(r'<a href="file:[^"]+">([^<]+)', page.read_text())[:3]
