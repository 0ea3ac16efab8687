"""scikit-learn's classifiers on its bundled digits: trained, calibrated, and the same as ONNX."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import SVC

from handler.fingerprint import preprocessing_fingerprint
from training.data.frames import DataSet, Frames
from training.data.sets import load
from training.fitting import classical, train
from training.fitting.settings import Settings
from training.models.classical_file import load_classical, save_classical
from training.models.classical_onnx import network_of, pixels_of, scores_of, set_temperature
from training.models.classical_recipes import RECIPES, Recipe, training_frames
from training.models.weights import About

pytestmark = pytest.mark.training

# The least share of 297 test frames that each has to read. Measured: 92.6, 92.9, 94.6 and 94.9 %.
READS = {"extra_trees": 0.91, "random_forest": 0.91, "svm": 0.93, "svm_pca": 0.93}


def settings(model: str, out: Path) -> Settings:
    return Settings(data=Path("nowhere"), out=out, dataset="optdigits", model=model)


@pytest.fixture(scope="module")
def data() -> DataSet:
    return load("optdigits", Path("nowhere"), Path("var/frames"))


@pytest.fixture(scope="module", params=READS)
def finished(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results' folder of each classifier."""
    out = tmp_path_factory.mktemp(request.param)
    classical.train(settings(request.param, out))
    return out


def written(folder: Path) -> dict:
    return json.loads((folder / "metrics.json").read_text())


def answers(network: bytes, frames: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    return session.run(None, {"frames": frames})[0]


def test_each_learns_to_read_in_seconds(finished: Path) -> None:
    metrics = written(finished)
    assert metrics["tests"]["optdigits"]["accuracy"] >= READS[metrics["model"]]
    assert metrics["fit_seconds"] < 60  # 1 to 4 s where nothing else runs


def test_the_metrics_are_those_of_the_network_in_the_file(finished: Path, data: DataSet) -> None:
    network, _ = load_classical(finished / "model.onnx")
    test = data.tests["optdigits"]
    right = answers(network, test.frames).argmax(axis=1) == test.labels
    assert written(finished)["tests"]["optdigits"]["accuracy"] == pytest.approx(right.mean())


@pytest.mark.parametrize("name", RECIPES)
def test_whatever_is_left_to_chance_comes_from_the_seed(name: str) -> None:
    settings = RECIPES[name].estimator(7).get_params()
    assert {value for key, value in settings.items() if key.endswith("random_state")} == {7}


def test_the_network_is_what_the_handler_serves(finished: Path) -> None:
    network, about = load_classical(finished / "model.onnx")
    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    (frames,), (probabilities,) = session.get_inputs(), session.get_outputs()
    assert (frames.name, frames.type, frames.shape) == ("frames", "tensor(uint8)", ["batch", 28, 28])
    assert (probabilities.name, probabilities.type) == ("probabilities", "tensor(float)")
    assert probabilities.shape == ["batch", len(about.label_names)]
    found = answers(network, np.zeros((3, 28, 28), np.uint8))
    assert np.allclose(found.sum(axis=1), 1, atol=1e-5)


def test_the_file_says_what_is_in_it(finished: Path) -> None:
    metrics = written(finished)
    _, about = load_classical(finished / "model.onnx")
    assert about.architecture == metrics["model"]
    assert about.label_names == tuple("0123456789")
    assert (about.version, about.data_set, about.framing) == ("1.0.0", "optdigits", "ink")
    assert about.preprocessing == preprocessing_fingerprint()
    assert about.temperature == metrics["temperature"]
    assert (about.coverage, metrics["coverage"]) == (0.95, 0.95), "what 125 validation frames can carry"
    assert 0 < about.set_threshold < 1
    card = (finished / "model_card.md").read_text()
    assert metrics["made_of"] in card
    assert f"{metrics['tests']['optdigits']['accuracy']:.2%}" in card
    assert "125 validation frames are too few for 99%" in card
    assert "handwritten" not in card, "it may be clothes"


def test_its_answers_are_calibrated_on_validation(finished: Path, data: DataSet) -> None:
    network, about = load_classical(finished / "model.onnx")

    def loss(temperature: float) -> float:
        """Return the loss on validation with another temperature in place of the fitted one."""
        logits = torch.from_numpy(answers(network, data.validation.frames)).log() * about.temperature
        truth = torch.from_numpy(data.validation.labels)
        return float(torch.nn.functional.cross_entropy(logits / temperature, truth))

    assert loss(about.temperature) == pytest.approx(written(finished)["validation"]["loss"], abs=1e-4)
    for factor in (0.7, 1.4):
        assert loss(about.temperature) < loss(about.temperature * factor)


def test_leaves_hold_no_weight_that_is_zero(finished: Path) -> None:
    network, _ = load_classical(finished / "model.onnx")
    trees = [node for node in onnx.load_model_from_string(network).graph.node if "Tree" in node.op_type]
    for node in trees:
        values = {entry.name: entry for entry in node.attribute}
        assert min(values["class_weights"].floats) > 0
        assert {len(values[name].ints) for name in ("class_ids", "class_nodeids", "class_treeids")} == {
            len(values["class_weights"].floats)
        }
    assert len(trees) == (written(finished)["model"] in ("extra_trees", "random_forest"))


def test_two_labels_are_told_apart(data: DataSet) -> None:
    """Of two, scikit-learn trains one machine, whose decisions are one column."""
    two = data.train.take(np.flatnonzero(np.isin(data.train.labels, (3, 8))))
    labels = (two.labels == 8).astype(int)
    machines = OneVsRestClassifier(SVC(C=10, gamma=0.03)).fit(pixels_of(two.frames), labels)
    scores = torch.from_numpy(scores_of(machines, two.frames))
    found = answers(network_of(machines, 2).SerializeToString(), two.frames)
    assert np.abs(found - torch.softmax(scores, dim=1).numpy()).max() < 1e-4
    assert (found.argmax(axis=1) == labels).mean() > 0.99


def test_a_share_of_every_label_is_taken_and_drawn_again(data: DataSet) -> None:
    recipe = Recipe(lambda seed: None, frames=200, copies=2, strength=0.5)
    taken = training_frames(data.train, recipe, 10, seed=0)
    once = len(taken) // 3
    assert abs(once - 200) <= 5
    shares = np.bincount(taken.labels[:once]) / np.bincount(data.train.labels)
    assert np.ptp(shares) < 0.02
    assert np.array_equal(taken.labels, np.tile(taken.labels[:once], 3))
    original, copy, other = np.split(taken.frames.astype(int), 3)
    for one, another in ((original, copy), (copy, other)):
        differs = np.abs(one - another).mean(axis=(1, 2))
        assert differs.min() > 0
        assert differs.mean() < 40, "it is still the same drawing"
    again = training_frames(data.train, recipe, 10, seed=0)
    assert np.array_equal(taken.frames, again.frames)
    assert not np.array_equal(taken.frames, training_frames(data.train, recipe, 10, seed=1).frames)


def test_a_label_without_frames_is_told() -> None:
    nothing = Frames(np.zeros((2, 28, 28), np.uint8), np.array([0, 2]))
    with pytest.raises(ValueError, match="index 1 has no frame"):
        training_frames(nothing, RECIPES["extra_trees"], 3, seed=0)


def test_too_few_frames_are_told(data: DataSet) -> None:
    with pytest.raises(ValueError, match="40 frames to train on, expected at least 50"):
        training_frames(data.train.take(np.arange(20)), RECIPES["svm_pca"], 10, seed=0)


def test_an_export_that_answers_otherwise_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def other(*given: object) -> onnx.ModelProto:
        network = network_of(*given)
        set_temperature(network, 1.1)
        return network

    monkeypatch.setattr(classical, "network_of", other)
    given = ["--dataset", "optdigits", "--model", "svm_pca", "--out", str(tmp_path)]
    assert train.main(given) == 1
    assert "differ from scikit-learn's" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [None, b"", b"not a model", b"\x08\x0a", "no about", "other names"])
def test_a_missing_or_broken_file_is_told_so(tmp_path: Path, content: bytes | str | None) -> None:
    path = tmp_path / "model.onnx"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
        graph = onnx.helper.make_graph([], "other", [value], [value])
        model = onnx.helper.make_model(graph)
        if content == "other names":
            about = About("svm", ("a", "b"), "1.0.0", 1.0, "00000000", "none", 1.0)
            save_classical(path, model, about)
        else:
            path.write_bytes(model.SerializeToString())
    with pytest.raises(ValueError if content is not None else FileNotFoundError, match="train it"):
        load_classical(path)


def test_a_missing_data_set_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "MNIST").write_text("a file where a folder is needed, so that no download can help")
    given = ["--model", "svm", "--data", str(tmp_path), "--out", str(tmp_path / "run")]
    assert train.main(given) == 1
    assert capsys.readouterr().err.strip().splitlines()[-1].startswith("training: ")


@pytest.mark.parametrize("given", [["--model", "none"], ["--model", "svm", "--seed", "-1"]])
def test_a_wrong_argument_is_refused(given: list[str]) -> None:
    with pytest.raises(SystemExit):
        train.main(given)


@pytest.mark.parametrize(
    "given", [["--init", "a.pth"], ["--freeze"], ["--epochs", "5"], ["--device", "cuda"]]
)
def test_what_means_nothing_to_it_is_refused(
    given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        train.main(["--model", "svm", "--data", str(tmp_path), "--out", str(tmp_path / "run"), *given])
    assert f"{given[0]} is only for networks, and svm is not one" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
