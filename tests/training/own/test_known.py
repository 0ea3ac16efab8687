"""Whether a picture is known, told by a network that somebody brings."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from tests.training.own.own_networks import LABELS, Plain
from training.data.frames import Frames
from training.models.classical_file import load_classical, save_classical
from training.models.inputs import as_input
from training.models.known import nearness
from training.models.weights import About
from training.own import checks, known, module, onnx_file

pytestmark = pytest.mark.training
FRAMING = "photo-32"


def noisy(count: int, seed: int) -> np.ndarray:
    """Return frames of three kinds, each as light as its label says: uint8 (count, 32, 32, 3)."""
    random = np.random.default_rng(seed)
    light = 60 + 60 * (np.arange(count) % 3)
    return random.normal(light[:, None, None, None], 5, (count, 32, 32, 3)).clip(0, 255).astype(np.uint8)


def served(network: nn.Module) -> onnx.ModelProto:
    pictures = as_input(torch.from_numpy(noisy(2, 0)))
    return onnx_file.of_frames(module.exported(network.eval(), pictures), FRAMING)


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(0)
    return Plain()


@pytest.fixture(scope="module")
def model(network: nn.Module) -> onnx.ModelProto:
    return served(network)


@pytest.fixture(scope="module")
def told(model: onnx.ModelProto) -> known.Known:
    found = known.fit(model, Frames(noisy(900, 1), np.arange(900) % 3))
    assert found is not None
    return found


def test_what_is_served_scores_as_networks_that_were_trained_here_do(
    network: Plain, model: onnx.ModelProto, told: known.Known
) -> None:
    finished = known.scored(onnx_file.calibrated(model, 1.5, len(LABELS)), told)
    frames = noisy(12, 2)
    probabilities, scores = checks.session_of(finished).run(None, {"frames": frames})
    with torch.no_grad():
        features = F.normalize(network.body(as_input(torch.from_numpy(frames))), dim=1)
        logits = network(as_input(torch.from_numpy(frames)))
    assert scores == pytest.approx(nearness(features, torch.from_numpy(told.bank)).numpy(), abs=1e-5)
    assert probabilities == pytest.approx(torch.softmax(logits / 1.5, dim=1).numpy(), abs=1e-5)


def test_others_like_these_are_known_and_something_else_is_not() -> None:
    pooled = served(nn.Sequential(nn.AvgPool2d(4), nn.Flatten(), nn.Linear(3 * 8 * 8, len(LABELS))))
    told = known.fit(pooled, Frames(noisy(900, 1), np.arange(900) % 3))
    assert told is not None
    assert told.held_out == pytest.approx(0.99, abs=0.005)
    session = checks.session_of(known.scored(onnx_file.calibrated(pooled, 1.0, len(LABELS)), told))
    alike = session.run(None, {"frames": noisy(300, 3)})[1]
    assert np.mean(alike >= told.threshold) > 0.95
    half = noisy(3, 4)
    half[:, :16] = 0
    assert (session.run(None, {"frames": half})[1] < told.threshold).all()


def test_of_features_that_are_all_zero_the_score_is_a_number(told: known.Known) -> None:
    nothing = Plain()
    nn.init.constant_(nothing.body[1].bias, -100)
    session = checks.session_of(known.scored(onnx_file.calibrated(served(nothing), 1.0, len(LABELS)), told))
    assert session.run(None, {"frames": noisy(3, 4)})[1].tolist() == [0, 0, 0]


def test_where_the_last_layer_reads_much_fewer_pictures_are_kept(
    model: onnx.ModelProto, told: known.Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known, "MOST_NUMBERS", 100 * told.bank.shape[1])
    found = known.fit(model, Frames(noisy(900, 1), np.arange(900) % 3))
    assert found is not None
    assert 80 <= len(found.bank) <= 100 < len(told.bank)


def test_where_no_linear_layer_ends_it_nothing_tells() -> None:
    convolution = nn.Sequential(nn.Conv2d(3, len(LABELS), 5, stride=4), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert known.fit(served(convolution), Frames(noisy(30, 1), np.arange(30) % 3)) is None


def test_weights_that_are_made_by_the_network_are_seen_through() -> None:
    weight = np.random.default_rng(0).normal(size=(len(LABELS), 8)).astype(np.float32)
    nodes = [
        helper.make_node("Transpose", ["weight"], ["turned"], perm=[1, 0]),
        helper.make_node("MatMul", ["features", "turned"], ["product"]),
        helper.make_node("Add", ["bias", "product"], ["sum"]),
        helper.make_node("Identity", ["sum"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "theirs",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", 8])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", len(LABELS)])],
        [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(weight[:, 0].copy(), "bias")],
    )
    assert known.last_layer_reads(helper.make_model(graph)) == "features"


def test_its_file_says_from_which_score_on_a_picture_is_known(
    model: onnx.ModelProto, told: known.Known, tmp_path: Path
) -> None:
    about = About("theirs", LABELS, "1.0.0", 1.0, "", "theirs", 0.9, framing=FRAMING)
    about = replace(about, known_threshold=told.threshold)
    finished = known.scored(onnx_file.calibrated(model, 1.0, len(LABELS)), told)
    save_classical(tmp_path / "own.onnx", finished, about)
    assert load_classical(tmp_path / "own.onnx")[1].known_threshold == told.threshold
    save_classical(tmp_path / "own.onnx", onnx_file.calibrated(model, 1.0, len(LABELS)), about)
    with pytest.raises(ValueError, match="instead of frames, probabilities, known_score"):
        load_classical(tmp_path / "own.onnx")
