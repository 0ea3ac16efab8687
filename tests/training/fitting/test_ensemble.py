"""Ensembles of trained networks: what they answer, what they are calibrated to, what is refused."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from tests.training.data.test_image_folder import fill
from tests.training.fitting.test_train import settings
from training.archive.build import export
from training.data.sets import CACHE, load
from training.fitting import ensemble, train
from training.fitting.measure import fit_temperature, logits_of
from training.models import weights
from training.models.networks import Served

pytestmark = pytest.mark.training


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two architectures, each trained with seeds 0 and 1 for an epoch on optdigits."""
    folder = tmp_path_factory.mktemp("members")
    for model in ("cnn-8", "lenet5"):
        for seed in (0, 1):
            out = folder / model / f"seed-{seed}"
            train.train(replace(settings(out, model=model), seed=seed, epochs=1, version="2.0.0"))
    return [folder / "cnn-8", folder / "lenet5"]


@pytest.fixture(scope="module")
def together(members: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of what was put together of them."""
    out = tmp_path_factory.mktemp("ensemble")
    ensemble.put_together(members, Path("nowhere"), out)
    return out


def test_it_answers_with_the_weighted_mean_of_its_members_calibrated_logarithms(
    members: list[Path], together: Path
) -> None:
    data = load("optdigits", Path("nowhere"), CACHE)
    loaded = [weights.load(member / "seed-1" / "model.safetensors") for member in members]
    parts = [
        torch.log_softmax(logits_of(model, data.validation, torch.device("cpu")) / about.temperature, dim=1)
        for model, about in loaded
    ]
    model, about = weights.load(together / "seed-1" / "model.safetensors")
    shares = json.loads((together / "seed-1" / "metrics.json").read_text())["shares"]
    assert sum(shares) == pytest.approx(1)
    found = logits_of(model, data.validation, torch.device("cpu"))
    assert torch.allclose(found, shares[0] * parts[0] + shares[1] * parts[1], atol=1e-4)
    assert (about.architecture, about.version) == ("cnn-8+lenet5", "2.0.0")
    assert about.temperature == pytest.approx(fit_temperature(found, data.validation.labels))
    assert about.reference is not None
    assert about.reference.features == loaded[0][1].reference.features
    assert about.reference.confidence[-1] == round(
        float(torch.softmax(found / about.temperature, 1).max()), 5
    )


def test_its_figures_stand_beside_its_members(members: list[Path], together: Path) -> None:
    metrics = json.loads((together / "seed-0" / "metrics.json").read_text())
    assert [one["model"] for one in metrics["members"]] == ["cnn-8", "lenet5"]
    own = json.loads((members[0] / "seed-0" / "metrics.json").read_text())
    for figure, value in metrics["members"][0]["tests"]["optdigits"].items():
        assert value == pytest.approx(own["tests"]["optdigits"][figure], rel=1e-4)
    best = min(one["validation"]["loss"] for one in metrics["members"])
    assert metrics["validation"]["loss"] <= best + 1e-3, "a member could have had the whole share"
    summary = json.loads((together / "seeds.json").read_text())
    assert summary["seeds"] == [0, 1]
    assert summary["validation"]["accuracy"]["values"][0] == metrics["validation"]["accuracy"]


def test_it_is_exported_as_one_network(together: Path, tmp_path: Path) -> None:
    model, about = weights.load(together / "seed-0" / "model.safetensors")
    served = Served(model, about.temperature).eval()
    export(served, tmp_path / "network.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "network.onnx", providers=["CPUExecutionProvider"])
    frames = np.random.default_rng(0).integers(0, 256, (16, 28, 28), dtype=np.uint8)
    with torch.no_grad():
        expected = served(torch.from_numpy(frames)).numpy()
    assert np.abs(session.run(None, {"frames": frames})[0] - expected).max() < 1e-4


def test_single_runs_are_put_together_too(members: list[Path], tmp_path: Path) -> None:
    folders = [str(member / "seed-0") for member in members]
    assert ensemble.main([*folders, "--data", "nowhere", "--out", str(tmp_path)]) == 0
    assert weights.load(tmp_path / "model.safetensors")[1].architecture == "cnn-8+lenet5"


def test_members_that_do_not_fit_together_are_named(
    members: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, about = weights.load(members[0] / "seed-0" / "model.safetensors")
    other = replace(about, label_names=tuple("abcdefghij"))
    weights.save(tmp_path / "other" / "model.safetensors", model.state_dict(), other)
    given = [str(members[0] / "seed-0"), str(tmp_path / "other"), "--out", str(tmp_path / "out")]
    assert ensemble.main(given) == 1
    assert "differ in their label names" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def of_shapes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path]]:
    """A folder of images, and two architectures trained on it with another framing than the usual."""
    data = fill(tmp_path_factory.mktemp("images") / "shapes", {"circle": 20, "square": 20})
    folder = tmp_path_factory.mktemp("shape-members")
    for model in ("cnn-8", "lenet5"):
        train.train(
            settings(
                folder / model, model=model, epochs=1, dataset="folder", data=data, framing="ink", batch=16
            )
        )
    return data, [folder / "cnn-8", folder / "lenet5"]


def test_members_of_a_folder_of_images_are_put_together(
    of_shapes: tuple[Path, list[Path]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, folders = of_shapes
    ensemble.put_together(folders, data, tmp_path)
    about = weights.load(tmp_path / "model.safetensors")[1]
    assert (about.data_set, about.framing, about.label_names) == ("shapes", "ink", ("circle", "square"))
    assert about.coverage == 0.5
    assert "4 validation frames are too few for 99%" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "labels"), [("shapes", ("circle", "oval")), ("forms", ("circle", "square"))]
)
def test_data_with_other_labels_is_refused(
    of_shapes: tuple[Path, list[Path]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    labels: tuple[str, str],
) -> None:
    data, folders = of_shapes
    other = tmp_path / name
    for before, label in zip(("circle", "square"), labels, strict=True):
        shutil.copytree(data / before, other / label)
    given = [*map(str, folders), "--data", str(other), "--out", str(tmp_path / "out")]
    assert ensemble.main(given) == 1
    said = capsys.readouterr().err
    assert f"the data set {name} with the labels {', '.join(labels)}" in said
    assert "members expect shapes with circle, square" in said
    assert not (tmp_path / "out").exists()


def test_an_ensemble_is_no_member(
    members: list[Path], together: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    itself = together / "seed-0"
    assert ensemble.main([str(members[0] / "seed-0"), str(itself), "--out", str(tmp_path / "out")]) == 1
    assert f"{itself} is an ensemble itself (cnn-8+lenet5)" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_one_member_is_refused(members: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert ensemble.main([str(members[0])]) == 1
    assert "expected at least two" in capsys.readouterr().err
