"""Weights that are trained further: every network of a file, and together again."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.training.fitting.test_train import settings
from training.fitting import ensemble, further, train
from training.models import weights

pytestmark = pytest.mark.training


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an ensemble of two networks that learnt for an epoch each."""
    folder = tmp_path_factory.mktemp("begun")
    for model in ("cnn-8", "lenet5"):
        train.train(replace(settings(folder / model, model=model), epochs=1, version="1.1.0"))
    ensemble.put_together([folder / "cnn-8", folder / "lenet5"], Path("nowhere"), folder / "both")
    return folder / "both" / "model.safetensors"


def test_each_network_goes_on_from_its_own_weights(
    begun: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(further, "EPOCHS", 1)
    given = ["--weights", str(begun), "--data", "nowhere"]
    assert further.main([*given, "--out", str(tmp_path / "on")]) == 0
    before, _ = weights.load(begun)
    after, about = weights.load(tmp_path / "on" / "model.safetensors")
    assert (about.architecture, about.version) == ("cnn-8+lenet5", "1.1.0")
    for old, new in zip(before.members, after.members, strict=True):  # type: ignore[arg-type]
        first, then = (torch.cat([value.flatten() for value in one.parameters()]) for one in (old, new))
        assert not torch.equal(first, then)
        # Weights drawn anew would have nothing to do with these.
        assert torch.corrcoef(torch.stack([first, then]))[0, 1] > 0.9


def test_a_single_network_is_left_as_one(begun: Path, tmp_path: Path) -> None:
    single = begun.parents[1] / "lenet5" / "model.safetensors"
    further.train_further(single, Path("nowhere"), 1, tmp_path)
    assert weights.load(tmp_path / "0-lenet5" / "model.safetensors")[1].version == "1.1.0"
    assert not (tmp_path / "model.safetensors").exists()


def test_a_file_that_holds_no_weights_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other").write_bytes(b"nothing")
    given = ["--weights", str(tmp_path / "other"), "--data", "nowhere", "--out", str(tmp_path / "out")]
    assert further.main(given) == 1
    assert capsys.readouterr().err.startswith("further: ")
