"""The archive's self-check: what it refuses to serve, what it takes for usual drift, and what it says."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from handler import decode, model, self_check
from handler.fingerprint import preprocessing_fingerprint
from handler.model import Model
from system.environment import IN_WORKERS
from tests.cpu_time import costs_less_than
from training.archive.build import export
from training.models import weights
from training.models.networks import Served

# Nearly every test here exports the network first.
pytestmark = pytest.mark.training

PROJECT = Path(__file__).resolve().parent.parent.parent
# As a worker does it, with TorchServe's own loader, in a process that cannot see the project's folder.
COME_UP = """
from ts.metrics.metric_cache_yaml_impl import MetricsCacheYamlImpl
from ts.model_loader import TsModelLoader
metrics = MetricsCacheYamlImpl("handler/metrics.yaml")
metrics.initialize_cache()
TsModelLoader().load("digits", ".", "digit_handler.py", None, 1, None, True, metrics)
"""


@pytest.fixture
def unpacked(model_store: Path, tmp_path: Path) -> Path:
    """The archive's files in a folder of the test's own."""
    with zipfile.ZipFile(model_store / "digits.mar") as mar:
        mar.extractall(tmp_path / "model")
    return tmp_path / "model"


def come_up(folder: Path, **environ: str) -> str:
    """Load an unpacked archive in a process of its own; give the last line of its traceback, or ""."""
    path = os.pathsep.join([str(folder), str(IN_WORKERS)])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **environ}
    command = [sys.executable, "-c", COME_UP]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.stderr.rstrip().rpartition("\n")[2] if done.returncode else ""


def check(folder: Path) -> None:
    """Check an unpacked archive in this process."""
    self_check.check(folder, Model(folder))


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_the_archive_as_it_was_built_comes_up(unpacked: Path) -> None:
    assert come_up(unpacked) == ""


def change_a_constant(folder: Path) -> None:
    rewrite(folder / "handler" / "frame.py", "CENTRE_PX = 14.5", "CENTRE_PX = 15.0")


def change_a_threshold(folder: Path) -> None:
    rewrite(folder / "handler" / "marks.py", "EDGE_SHARE = 0.15", "EDGE_SHARE = 0.3")


def refuse_less(folder: Path) -> None:
    rewrite(folder / "handler" / "bad_image.py", "Nothing is drawn", "There is nothing")


def swap_the_network(folder: Path) -> None:
    """Put the network of a slightly different training there."""
    model, about = weights.load(PROJECT / weights.DEFAULT_WEIGHTS)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.02 * weight.std(correction=0) * torch.randn(weight.shape, generator=generator))
    export(Served(model, about.temperature).eval(), folder / "network.onnx")


def swap_two_labels(folder: Path) -> None:
    names = json.loads((folder / "index_to_name.json").read_text())
    names["3"], names["8"] = names["8"], names["3"]
    (folder / "index_to_name.json").write_text(json.dumps(names))


def remove_the_golden_file(folder: Path) -> None:
    (folder / "golden.json").unlink()


def cut_the_golden_file(folder: Path) -> None:
    os.truncate(folder / "golden.json", 5000)


def empty_the_golden_file(folder: Path) -> None:
    content = json.loads((folder / "golden.json").read_text())
    (folder / "golden.json").write_text(json.dumps({**content, "pictures": []}))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (change_a_constant, ['golden picture "', "differ): expected", "; came", "of 255 levels"]),
        (change_a_threshold, ['golden picture "', "differ): expected", "; came", "of 255 levels"]),
        (
            refuse_less,
            ['"blank paper, JPEG" (1 of', 'expected the refusal "Nothing', 'came the refusal "There'],
        ),
        (
            swap_the_network,
            ["from the same frame the network was expected to read", "; came", "no version, so a file"],
        ),
        (swap_two_labels, ["expected the labels 0, 1, 2, 3, 4,", "came 0, 1, 2, 8, 4, 5, 6, 7, 3, 9"]),
        (remove_the_golden_file, ["cannot check itself, its golden.json is missing"]),
        (cut_the_golden_file, ["cannot check itself, its golden.json is broken (JSONDecodeError"]),
        (empty_the_golden_file, ["cannot check itself, its golden.json has no picture"]),
    ],
)
def test_a_changed_archive_does_not_come_up_and_says_why_in_one_line(
    unpacked: Path, change: Callable[[Path], None], words: list[str]
) -> None:
    change(unpacked)
    line = come_up(unpacked)
    assert line.startswith(("RuntimeError: The archive", "handler.model.BrokenArchive: The archive"))
    assert "`make -B archive MODEL=digits`" in line
    for expected in words:
        assert expected in line


def test_what_changed_since_the_archive_was_built_is_named(unpacked: Path) -> None:
    built = preprocessing_fingerprint(unpacked / "handler")
    change_a_constant(unpacked)
    now = preprocessing_fingerprint(unpacked / "handler")
    content = json.loads((unpacked / "golden.json").read_text())
    content["built_with"]["opencv"] = "4.0.1"
    (unpacked / "golden.json").write_text(json.dumps(content))
    expected = f"built: opencv 4.0.1 -> {cv2.__version__}, preprocessing {built} -> {now}. If"
    assert expected in come_up(unpacked)


def test_a_library_that_fails_is_one_line_too(unpacked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*arguments: object, **options: object) -> None:
        raise AttributeError("a function\nthat is gone")

    monkeypatch.setattr(cv2, "distanceTransform", gone)
    with pytest.raises(RuntimeError, match="came AttributeError: a function that is gone"):
        check(unpacked)


@pytest.mark.parametrize(
    "environ",
    [
        {"JSIMD_FORCENONE": "1"},
        {"OPENCV_CPU_DISABLE": "AVX,AVX2,FP16,FMA3"},
        {"NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL"},
    ],
    ids=["libjpeg", "opencv", "numpy"],
)
def test_a_cpu_without_vector_instructions_is_no_reason_to_refuse(
    unpacked: Path, environ: dict[str, str]
) -> None:
    assert come_up(unpacked, **environ) == ""


def test_another_jpeg_decoder_is_no_reason_to_refuse(unpacked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoders agree on even areas and differ by a level or two at edges; here it is three at random."""
    random = np.random.default_rng(0)

    def decode_otherwise(payload: bytes) -> tuple[np.ndarray, int]:
        pixels, reduction = decode.decode_reduced(payload)
        if payload[:2] != b"\xff\xd8":
            return pixels, reduction
        around = np.ones((5, 5), np.uint8)
        uneven = (cv2.dilate(pixels, around) != cv2.erode(pixels, around)).any(axis=-1, keepdims=True)
        off = random.integers(-3, 4, pixels.shape) * uneven
        off[..., 3] = 0
        return np.clip(pixels + off, 0, 255).astype(np.uint8), reduction

    monkeypatch.setattr(model, "decode_mended", decode_otherwise)
    for _ in range(5):
        check(unpacked)


@pytest.mark.alone
def test_it_costs_a_start_less_than_150_ms(unpacked: Path) -> None:
    assert costs_less_than(0.15, lambda: check(unpacked))
