"""When the served model's archive is built, and from what."""

import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from launch import build, weights
from launch.errors import LaunchError
from launch.settings import read_settings
from launch.weights import COMMITTED, describe, require_weights, weights_path, where_weights_come_from
from system.files import PROJECT, sha256
from training.archive import contents
from training.archive.contents import MANIFEST, SERVING, within_project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project in the place of this one, as far as trained files go."""
    monkeypatch.setattr(contents, "PROJECT", tmp_path)
    monkeypatch.setattr(weights, "PROJECT", tmp_path)
    monkeypatch.setattr(weights, "MODEL_STORE", tmp_path / "model_store")
    monkeypatch.setattr(build, "PROJECT", tmp_path)
    return tmp_path


def settings_of(project: Path, model: str):
    return read_settings({"MODEL": model, "MODEL_STORE": str(project / "model_store")})


def made(path: Path, seconds: float = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"content")
    os.utime(path, (seconds, seconds))
    return path


def archived(settings, trained: Path, **changed) -> Path:
    """Write an archive that says it was built from this file, older than everything."""
    serving = {"trained_file": within_project(trained), "trained_sha256": sha256(trained), **changed}
    settings.archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(settings.archive, "w") as archive:
        archive.writestr(MANIFEST, json.dumps({"model": {"modelName": "digits", "modelVersion": "1.1.0"}}))
        archive.writestr(SERVING, json.dumps(serving))
    os.utime(settings.archive, (10, 10))
    return settings.archive


def test_the_committed_model_is_built_from_the_committed_weights():
    assert weights_path(read_settings({})) == COMMITTED


@pytest.mark.parametrize(
    ("model", "trained"),
    [
        ("fashion", "runs/fashion_mnist-cnn/model.safetensors"),
        ("letters", "runs/emnist_letters-cnn/model.safetensors"),
        ("digits-lenet5", "runs/digits-lenet5/model.safetensors"),
        ("digits-lenet5", "runs/mnist-lenet5/model.safetensors"),
        ("digits-svm", "runs/digits-svm/model.onnx"),
        ("my-shapes", "runs/my-shapes-cnn/model.safetensors"),
        ("my-shapes-vit", "runs/my-shapes-vit/model.safetensors"),
        ("mine", "model_store/mine.safetensors"),
        ("mine", "model_store/mine.onnx"),
    ],
)
def test_a_trained_file_is_found_where_training_left_it(project, model, trained):
    settings = settings_of(project, model)
    assert not weights_path(settings).is_file()
    made(project / trained)
    assert weights_path(settings) == project / trained


def test_what_is_put_into_the_model_store_comes_first(project):
    made(project / "runs/fashion_mnist-cnn/model.safetensors")
    stored = made(project / "model_store/fashion.safetensors")
    assert weights_path(settings_of(project, "fashion")) == stored


def test_another_model_store_is_not_filled_with_what_was_trained_here(project):
    made(project / "runs/fashion_mnist-cnn/model.safetensors")
    elsewhere = read_settings({"MODEL": "fashion", "MODEL_STORE": str(project / "elsewhere")})
    assert not weights_path(elsewhere).is_file()


def test_an_archive_is_outdated_when_something_in_it_is_newer(project):
    settings = settings_of(project, "fashion")
    trained = made(project / "runs/fashion_mnist-cnn/model.safetensors", 10)
    handler = made(project / "handler/frame.py", 10)
    assert build.is_outdated(settings), "it is missing"
    made(settings.archive, 20)
    assert not build.is_outdated(settings)
    made(trained, 30)
    assert build.is_outdated(settings)
    made(settings.archive, 40)
    assert not build.is_outdated(settings)
    made(handler, 50)
    assert build.is_outdated(settings)
    made(project / "ui/app.py", 60)
    made(settings.archive, 50)
    assert not build.is_outdated(settings)


def test_an_archive_of_somebodys_own_weights_is_kept_and_that_is_said(project, capsys):
    settings = settings_of(project, "digits")
    made(project / "model_store/digits.safetensors", 5)
    own = project / "runs/mnist-cnn/model.safetensors"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"of one's own")
    archived(settings, own)
    assert not build.is_to_be_built(settings, anew=False)
    assert capsys.readouterr().err == ""
    made(project / "handler/frame.py", 20)
    assert not build.is_to_be_built(settings, anew=False)
    (line,) = capsys.readouterr().err.splitlines()
    assert "keeping digits.mar" in line
    assert "not built from model_store/digits.safetensors" in line
    assert "`make -B archive MODEL=digits` replaces it" in line
    assert build.is_to_be_built(settings, anew=True)


def test_an_archive_is_built_again_when_the_file_that_it_is_of_was_trained_again(project, capsys):
    settings = settings_of(project, "fashion")
    trained = made(project / "runs/fashion_mnist-cnn/model.safetensors", 5)
    archived(settings, trained)
    trained.write_bytes(b"trained again")
    assert build.is_to_be_built(settings, anew=False)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("changed", [{"trained_sha256": None}, {"trained_file": "elsewhere.safetensors"}])
def test_an_archive_of_the_same_weights_or_of_nobody_knows_which_is_built_again(project, changed):
    settings = settings_of(project, "digits")
    archived(settings, made(project / "model_store/digits.safetensors", 5), **changed)
    made(project / "handler/frame.py", 20)
    assert build.is_to_be_built(settings, anew=False)


def test_a_damaged_archive_is_built_again(project):
    settings = settings_of(project, "digits")
    made(project / "model_store/digits.safetensors", 5)
    made(settings.archive)
    assert build.is_to_be_built(settings, anew=False)


def test_the_gates_code_is_an_ingredient():
    assert PROJECT / "training/gate/network.py" in build.ingredients(COMMITTED)


def test_every_ingredient_is_there():
    for pattern in build.INGREDIENTS:
        assert list(PROJECT.glob(pattern)) or "digit_gate" in pattern, pattern


@pytest.mark.parametrize(
    ("model", "command"),
    [
        ("fashion", "make train DATASET=fashion_mnist"),
        ("digits-lenet5", "make train DATASET=digits MODEL=lenet5"),
        ("shapes", "make train DATASET=folder DATA=<a folder named shapes"),
    ],
)
def test_a_model_that_is_not_trained_says_how_to_train_it(project, model, command):
    settings = settings_of(project, model)
    with pytest.raises(LaunchError, match=r"neither an archive .* nor the weights") as caught:
        require_weights(settings)
    assert command in caught.value.fix
    assert "unset MODEL" in caught.value.fix


def test_an_archive_without_weights_is_served_as_it_is(project):
    settings = settings_of(project, "bought")
    made(settings.archive)
    require_weights(settings)
    assert "git checkout" not in where_weights_come_from(settings)


def test_a_trained_file_is_described(tmp_path):
    save_file({"weight": np.zeros(30_000, np.float32)}, tmp_path / "model.safetensors")
    assert describe(tmp_path / "model.safetensors").endswith("model.safetensors, 0.1 MB, 1 tensors")
    (tmp_path / "model.onnx").write_bytes(b"0" * 200_000)
    assert describe(tmp_path / "model.onnx").endswith("model.onnx, 0.2 MB")
