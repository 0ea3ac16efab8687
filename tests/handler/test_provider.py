"""Where an archive's networks run, and what it says where they cannot."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import yaml

from handler.model import Model
from handler.provider import AUTO, CPU, CUDA, NoProvider, asked_for, session
from system.files import PROJECT
from tests.handler.constant_network import network

FRAMES = np.zeros((2, 28, 28), np.uint8)
# What every build without CUDA has beside the CPU's; it computes nothing of these networks itself.
OTHER = "AzureExecutionProvider"
without_cuda = pytest.mark.skipif(
    CUDA in onnxruntime.get_available_providers(), reason="needs a machine without onnxruntime-gpu"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An unpacked archive of two labels without a gate."""
    network(tmp_path / "network.onnx", "probabilities", [0.25, 0.75])
    (tmp_path / "index_to_name.json").write_text('{"0": "cat", "1": "dog"}')
    about = {"framing": "ink", "set_threshold": 0.8, "digit_threshold": None}
    (tmp_path / "model.json").write_text(json.dumps(about))
    return tmp_path


def test_the_archive_says_where_and_else_it_is_the_cpu() -> None:
    assert asked_for(None) == asked_for({}) == asked_for({"handler": None}) == CPU
    assert asked_for({"handler": {"provider": CUDA}}) == CUDA
    ours = yaml.safe_load((PROJECT / "handler" / "model-config.yaml").read_text(encoding="utf-8"))
    assert asked_for(ours) == CPU == ours["handler"]["provider"]


@pytest.mark.parametrize(
    "section", ["cuda", {"provider": "cuda"}, {"provider": None}, {"provider": 1}, [CUDA]]
)
def test_what_is_no_provider_is_named_with_what_is_accepted(section: object) -> None:
    with pytest.raises(NoProvider, match=r"^handler\.provider .*, expected auto, CPUExecutionProvider, CUDA"):
        asked_for({"handler": section})


@pytest.mark.parametrize("provider", [CPU, pytest.param(OTHER, marks=without_cuda), AUTO])
def test_every_provider_that_can_be_had_gives_the_same_answers(folder: Path, provider: str) -> None:
    expected = Model(folder).probabilities(FRAMES)
    np.testing.assert_allclose(Model(folder, provider=provider).probabilities(FRAMES), expected, atol=1e-6)


@without_cuda
def test_the_provider_that_is_asked_for_is_the_one_that_runs(folder: Path) -> None:
    assert session(folder / "network.onnx").get_providers() == [CPU]
    assert session(folder / "network.onnx", OTHER).get_providers() == [OTHER, CPU]


@without_cuda
def test_cuda_that_is_missing_is_an_error_and_never_a_slow_answer(folder: Path) -> None:
    with pytest.raises(NoProvider) as raised:
        Model(folder, provider=CUDA)
    said = str(raised.value)
    assert f"asks for {CUDA} (handler.provider in its model-config.yaml)" in said
    assert all(one in said for one in onnxruntime.get_available_providers())
    assert f"install onnxruntime-gpu in place of onnxruntime, or write {CPU} or {AUTO} there" in said
    assert "\n" not in said


@without_cuda
def test_auto_is_the_cpu_where_there_is_no_cuda(folder: Path) -> None:
    assert session(folder / "network.onnx", AUTO).get_providers() == [CPU]
