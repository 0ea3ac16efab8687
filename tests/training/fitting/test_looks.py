"""What training looked like is kept with a model, small, and comes back as it was."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from training.data.features import features
from training.data.frames import DataSet, Frames
from training.fitting.looks import reference
from training.models import tensor_file, weights
from training.models.classical_file import load_classical, save_classical
from training.models.networks import build
from training.models.reference import Reference, reference_of

NAMES = ("circle", "square", "star")


@pytest.fixture(scope="module")
def data() -> DataSet:
    """Rectangles of random sizes, a third of them squares, the rest circles; no star."""
    random = np.random.default_rng(0)
    frames = np.zeros((300, 28, 28), np.uint8)
    for frame in frames:
        height, width = random.integers(3, 20, 2)
        frame[4 : 4 + height, 4 : 4 + width] = 255
    part = Frames(frames, np.repeat([0, 0, 1], 100))
    return DataSet("shapes", NAMES, part, part, {"shapes": part})


@pytest.fixture(scope="module")
def looks(data: DataSet) -> Reference:
    """What it looked like, with a model that names one label 200 times and two 100 times."""
    probabilities = np.repeat([[0.99, 0.01, 0], [0.6, 0.4, 0]], [200, 100], axis=0)
    return reference(data, probabilities, 0.9)


def test_it_says_how_often_labels_and_set_sizes_are_and_how_figures_spread(
    data: DataSet, looks: Reference
) -> None:
    assert (looks.frames, looks.answers) == (300, 300)
    assert looks.labels == {"circle": 0.66667, "square": 0.33333, "star": 0.0}
    assert looks.set_sizes == {"1": 0.66667, "2": 0.33333}
    for name, values in features(data.train.frames).items():
        found = looks.features[name]
        assert (len(found), found[0], found[100]) == (101, round(values.min(), 5), round(values.max(), 5))
        assert found[50] == pytest.approx(np.median(values), abs=1e-5)
    assert (looks.confidence[0], looks.confidence[-1]) == (0.6, 0.99)


def test_it_takes_few_kilobytes_and_comes_back_as_it_was(looks: Reference) -> None:
    text = json.dumps(asdict(looks))
    assert len(text) < 6000
    assert reference_of(json.loads(text)) == looks


def test_weights_carry_it(looks: Reference, tmp_path: Path) -> None:
    about = weights.About("lenet5", NAMES, "1.0.0", 1.0, "a1b2c3d4", "shapes", 0.9, reference=looks)
    weights.save(tmp_path / "model.safetensors", build("lenet5", 3).state_dict(), about)
    assert weights.load(tmp_path / "model.safetensors")[1] == about


def test_classical_models_carry_it(looks: Reference, tmp_path: Path) -> None:
    values = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1])
        for name in ("frames", "probabilities")
    ]
    node = onnx.helper.make_node("Identity", ["frames"], ["probabilities"])
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "same", values[:1], values[1:]))
    about = weights.About("svm", NAMES, "1.0.0", 1.0, "a1b2c3d4", "shapes", 0.9, reference=looks)
    save_classical(tmp_path / "model.onnx", model, about)
    assert load_classical(tmp_path / "model.onnx")[1] == about


def test_weights_from_before_have_none(looks: Reference, tmp_path: Path) -> None:
    about = weights.About("lenet5", NAMES, "1.0.0", 1.0, "a1b2c3d4", "shapes", 0.9)
    older = {key: value for key, value in asdict(about).items() if key != "reference"}
    path = tmp_path / "model.safetensors"
    written = replace(about, reference=looks)
    weights.save(path, build("lenet5", 3).state_dict(), written)
    rebuilt = tensor_file.load(path, lambda _, state: weights.about_of(older), "weights", "make train")
    assert rebuilt == about


@pytest.mark.parametrize("broken", [{}, {"features": None}, {"features": {}, "confidence": []}])
def test_a_broken_one_is_no_weights_file_of_this_project(broken: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    about = weights.About("lenet5", NAMES, "1.0.0", 1.0, "a1b2c3d4", "shapes", 0.9)
    weights.save(path, build("lenet5", 3).state_dict(), replace(about, reference=broken))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="train it again"):
        weights.load(path)


def test_it_is_said_in_a_line(looks: Reference) -> None:
    words = looks.in_words()
    assert words.count(";") == 2
    assert "px wide" in words
    assert replace(looks, features={}).in_words() == ""
