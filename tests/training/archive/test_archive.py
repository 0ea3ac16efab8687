"""The archive: what is in it, and that what is in it is enough."""

import base64
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
import yaml
from PIL import Image

from handler import self_check
from handler.decode import WORK_SIDE_PX
from handler.fingerprint import preprocessing_fingerprint
from handler.frame import BOX_PX
from system.files import sha256
from tests.handler.constant_network import network
from training.archive import golden
from training.archive.__main__ import main
from training.archive.build import build, copy_machine_code, copy_sources, export
from training.archive.contents import read_archive
from training.data.drawing import png
from training.models import weights
from training.models.classical_file import save_classical
from training.models.networks import MODELS, Served

pytestmark = pytest.mark.training
PROJECT = Path(__file__).resolve().parents[3]


def test_it_carries_the_handler_folder_whole(model_store: Path) -> None:
    with zipfile.ZipFile(model_store / "digits.mar") as mar:
        names = set(mar.namelist())
        sources = {
            f"handler/{path.name}"
            for path in (PROJECT / "handler").iterdir()
            if path.suffix in (".py", ".yaml")
        }
        assert sources <= names
        # Machine code of what is compiled, and no bytecode.
        cached = {Path(name).suffix for name in names if "__pycache__" in name}
        assert cached == {".nbi", ".nbc"}
        for name in sources:
            assert mar.read(name) == (PROJECT / name).read_bytes()


def test_machine_code_is_taken_along_but_of_what_is_gone(tmp_path: Path) -> None:
    source, into = tmp_path / "source", tmp_path / "into"
    (source / "__pycache__").mkdir(parents=True)
    into.mkdir()
    (source / "f.py").write_text("def plain(): ...\n\n\n@njit(\n    cache=True)\ndef now(): ...\n")
    taken = {"f.now-4.py311.nbi", "f.now-4.py311.1.nbc"}
    for name in taken | {"f.now-1.py311.nbi", "f.then-4.py311.nbi", "g.now-4.py311.nbi", "f.cpython-311.pyc"}:
        (source / "__pycache__" / name).touch()
    copy_machine_code(source, into)
    assert {file.name for file in (into / "__pycache__").iterdir()} == taken


def test_files_of_1970_can_be_archived(tmp_path: Path) -> None:
    source, into = tmp_path / "source", tmp_path / "into"
    (source / "__pycache__").mkdir(parents=True)
    (source / "f.py").write_text("@njit(cache=True)\ndef now(): ...\n")
    (source / "__pycache__" / "f.now-1.py311.nbi").touch()
    for file in (source / "f.py", source / "__pycache__" / "f.now-1.py311.nbi"):
        os.utime(file, (0, 0))
    copy_sources(source, into)
    copy_machine_code(source, into)
    for file in (into / "f.py", into / "__pycache__" / "f.now-1.py311.nbi"):
        zipfile.ZipInfo.from_file(file)


def test_its_manifest_has_the_weights_version(model_store: Path) -> None:
    about = weights.load(PROJECT / weights.DEFAULT_WEIGHTS)[1]
    with zipfile.ZipFile(model_store / "digits.mar") as mar:
        manifest = json.loads(mar.read("MAR-INF/MANIFEST.json"))["model"]
        labels = json.loads(mar.read("index_to_name.json"))
        config = yaml.safe_load(mar.read(manifest["configFile"]))
    assert (manifest["modelName"], manifest["modelVersion"]) == ("digits", about.version)
    assert tuple(labels[str(index)] for index in range(len(labels))) == about.label_names
    assert config["batchSize"] > 1


def test_it_says_what_it_was_made_of(model_store: Path) -> None:
    about = weights.load(PROJECT / weights.DEFAULT_WEIGHTS)[1]
    with zipfile.ZipFile(model_store / "digits.mar") as mar:
        found = json.loads(mar.read("model.json"))
    assert (found["data_set"], found["coverage"]) == (about.data_set, about.coverage)
    assert found["trained_file"] == "model_store/digits.safetensors"
    assert found["trained_sha256"] == sha256(PROJECT / weights.DEFAULT_WEIGHTS)
    assert read_archive(model_store / "digits.mar").reference == about.reference


def test_the_exported_network_answers_like_the_trained_one(tmp_path: Path) -> None:
    model, about = weights.load(PROJECT / weights.DEFAULT_WEIGHTS)
    served = Served(model, about.temperature).eval()
    export(served, tmp_path / "network.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "network.onnx", providers=["CPUExecutionProvider"])
    for batch in (1, 3, 16):
        frames = np.random.default_rng(batch).integers(0, 256, (batch, 28, 28), dtype=np.uint8)
        with torch.no_grad():
            expected = served(torch.from_numpy(frames)).numpy()
        found = session.run(None, {"frames": frames})[0]
        assert found.shape == (batch, len(about.label_names))
        assert np.abs(found - expected).max() < 1e-4


def test_it_needs_nothing_of_the_project_outside_itself(model_store: Path, tmp_path: Path) -> None:
    """Loaded by TorchServe's own loader, in a process that cannot see the project's folder."""
    with zipfile.ZipFile(model_store / "digits.mar") as mar:
        mar.extractall(tmp_path / "model")
    (tmp_path / "seven.png").write_bytes(png("7"))
    script = """
import pathlib, sys
import json
from ts.context import Context, RequestProcessor
from ts.metrics.metric_cache_yaml_impl import MetricsCacheYamlImpl
from ts.model_loader import TsModelLoader
metrics = MetricsCacheYamlImpl("model/handler/metrics.yaml")
metrics.initialize_cache()
metrics.model_name = "digits"
service = TsModelLoader().load("digits", "model", "digit_handler.py", None, 1, None, True, metrics)
context = service.context
context.request_processor = [RequestProcessor({})]
answer, = service._entry_point([{"body": pathlib.Path("seven.png").read_bytes()}], context)
import handler
assert str(pathlib.Path(handler.__file__).resolve()).startswith(str(pathlib.Path("model").resolve()))
print("label", json.loads(answer)["label"])
"""
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "model")}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip().endswith("label 7"), done.stderr


def test_it_carries_golden_pictures_of_every_digit_and_a_blank_one(model_store: Path) -> None:
    with zipfile.ZipFile(model_store / "digits.mar") as mar:
        content = json.loads(mar.read("golden.json"))
        assert mar.getinfo("golden.json").compress_size < 40_000
        labels = list(json.loads(mar.read("index_to_name.json")).values())
    assert content["labels"] == labels
    rows = {row["name"]: row for row in content["pictures"]}
    assert [base64.b64decode(row["file"]) for row in rows.values()] == list(golden.pictures().values())
    clear = {name: row["outputs"][: len(labels)] for name, row in rows.items() if re.match(r"\d, ", name)}
    assert {name[0] for name in clear} == set(labels)
    for name, probabilities in clear.items():
        # Far ahead, so that drift within the tolerance leaves the label as it is.
        second, first = sorted(probabilities)[-2:]
        assert labels[probabilities.index(first)] == name[0]
        assert first - second > 2 * self_check.ANSWER_TOLERANCE
    assert [name for name, row in rows.items() if row["refusal"]] == ["blank paper, JPEG"]
    assert "Nothing is drawn" in rows["blank paper, JPEG"]["refusal"]


def test_golden_pictures_take_every_way_through_decoding() -> None:
    opened = [Image.open(io.BytesIO(file)) for file in golden.pictures().values()]
    assert {image.format for image in opened} == {"PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"}
    assert {"1", "L", "P", "RGB", "RGBA", "I;16"} <= {image.mode for image in opened}
    sides = [max(image.size) for image in opened]
    assert min(sides) < BOX_PX * 2
    assert max(sides) > WORK_SIDE_PX
    assert any(image.getexif() for image in opened)


def test_an_archive_in_use_is_replaced_whole(model_store: Path, tmp_path: Path) -> None:
    out = Path(shutil.copy(model_store / "digits.mar", tmp_path))
    build(PROJECT / weights.DEFAULT_WEIGHTS, "digits", out, version="1.0.2")
    assert [path.name for path in tmp_path.iterdir()] == ["digits.mar"]
    with zipfile.ZipFile(out) as mar:
        assert json.loads(mar.read("MAR-INF/MANIFEST.json"))["model"]["modelVersion"] == "1.0.2"


@pytest.mark.parametrize("content", [None, b"", b"not weights"])
def test_missing_or_broken_weights_are_one_line(
    tmp_path: Path, content: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "some.safetensors"
    if content is not None:
        path.write_bytes(content)
    assert main(["--weights", str(path), "--out", str(tmp_path / "some.mar")]) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not (tmp_path / "some.mar").exists()


def test_a_network_that_does_not_fit_its_labels_is_one_line_with_the_models_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    about = weights.About("svm", ("cat", "dog"), "1.0.0", 1.0, preprocessing_fingerprint(), "pets", 0.9)
    path = tmp_path / "model.onnx"
    save_classical(path, network(tmp_path / "network.onnx", "probabilities", [0.2, 0.7, 0.1]), about)
    given = ["--weights", str(path), "--name", "pets", "--out", str(tmp_path / "pets.mar")]
    assert main(given) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line == (
        f"archive: pets cannot be built from {path}. The archive's network has 3 outputs, its "
        "index_to_name.json 2 labels: train it again."
    )
    assert not (tmp_path / "pets.mar").exists()


def test_an_archive_that_cannot_be_written_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main(["--out", str(tmp_path / "file" / "some.mar")]) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_the_committed_weights_are_small_enough() -> None:
    assert (PROJECT / weights.DEFAULT_WEIGHTS).stat().st_size < 5_000_000


@pytest.mark.parametrize("name", MODELS)
def test_every_architecture_gives_logits(name: str) -> None:
    assert MODELS[name](7).eval()(torch.zeros((2, 1, 28, 28))).shape == (2, 7)
