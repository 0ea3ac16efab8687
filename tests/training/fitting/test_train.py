"""The training loop on scikit-learn's bundled digits: real, small, and without a download."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from training.data.sets import load
from training.fitting import begin, train
from training.fitting import run as run_module
from training.fitting.measure import measure
from training.fitting.run import Run
from training.fitting.settings import Settings
from training.models import weights

pytestmark = [pytest.mark.training, pytest.mark.filterwarnings("ignore::UserWarning")]


def settings(out: Path, **changed: object) -> Settings:
    usual = {
        "data": Path("nowhere"),
        "out": out,
        "dataset": "optdigits",
        "epochs": 3,
        "batch": 64,
        "device": "cpu",
    }
    return Settings(**{**usual, **changed})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that trained for long enough to read."""
    out = tmp_path_factory.mktemp("run")
    train.train(settings(out, epochs=6))
    return out


def test_it_learns_to_read(finished: Path) -> None:
    metrics = json.loads((finished / "metrics.json").read_text())
    assert metrics["tests"]["optdigits"]["accuracy"] > 0.9
    assert metrics["curves"][-1]["train_loss"] < metrics["curves"][0]["train_loss"] / 2


def test_it_leaves_weights_metrics_plots_and_a_model_card(finished: Path) -> None:
    names = {path.name for path in finished.iterdir()}
    assert {"model.safetensors", "metrics.json", "curves.png", "confusion.png", "model_card.md"} <= names
    card = (finished / "model_card.md").read_text()
    metrics = json.loads((finished / "metrics.json").read_text())
    assert f"{metrics['tests']['optdigits']['accuracy']:.2%}" in card
    assert metrics["preprocessing"] in card
    reference = weights.load(finished / "model.safetensors")[1].reference
    assert reference is not None
    assert f"| frames look like | {reference.in_words()}; in brackets nine in ten |" in card
    assert reference.frames == metrics["frames"]["train"]
    assert "125 validation frames are too few for 99%" in card
    assert f"hold the true one in {metrics['tests']['optdigits']['covered']:.2%}" in card


def test_the_weights_file_says_what_is_in_it(finished: Path) -> None:
    model, about = weights.load(finished / "model.safetensors")
    assert about.architecture == "cnn"
    assert about.label_names == tuple("0123456789")
    assert about.coverage == 0.95, "what 125 validation frames can carry"
    assert 0 < about.set_threshold < 1
    assert not model.training


def test_an_interrupted_run_ends_as_an_uninterrupted_one(tmp_path: Path) -> None:
    whole, broken = settings(tmp_path / "whole"), settings(tmp_path / "broken")
    train.train(whole)
    torch.manual_seed(broken.seed)
    data = load("optdigits", broken.data, Path("var/frames"))
    resolved = settings(
        tmp_path / "broken", precision=json.loads((tmp_path / "whole/metrics.json").read_text())["precision"]
    )
    run = Run(resolved, data, torch.device("cpu"))
    run.one_epoch()
    run.keep()
    run.one_epoch()  # the kill comes before this epoch is kept
    train.train(broken)
    first, second = (weights.load(tmp_path / name / "model.safetensors")[0] for name in ("whole", "broken"))
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_a_run_with_other_settings_is_not_taken_up(tmp_path: Path, finished: Path) -> None:
    shutil.copytree(finished, tmp_path / "run")
    with pytest.raises(ValueError, match=r"different settings \(epochs, seed\)"):
        train.train(settings(tmp_path / "run", epochs=7, seed=3))
    assert train.main(["--dataset", "optdigits", "--out", str(tmp_path / "run"), "--epochs", "9"]) == 1


def test_a_run_is_trained_anew_when_a_label_was_corrected(
    tmp_path: Path, finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(finished, tmp_path / "run")
    again = settings(
        tmp_path / "run", epochs=6, precision=json.loads((finished / "metrics.json").read_text())["precision"]
    )
    data = load("optdigits", again.data, Path("var/frames"))
    unchanged = Run(again, data, torch.device("cpu"))
    unchanged.resume()
    assert unchanged.over
    labels = data.train.labels.copy()
    labels[7] = (labels[7] + 1) % 10
    corrected = Run(again, replace(data, train=replace(data.train, labels=labels)), torch.device("cpu"))
    corrected.resume()
    assert corrected.epoch == 0
    said = capsys.readouterr().out
    assert (
        f"training from the start: since the run in {tmp_path}/run/last.pt, the data changed in: train\n"
        in said
    )


def test_on_a_full_disk_the_checkpoint_of_before_stays_whole_and_one_line_says_so(
    tmp_path: Path, finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(finished, tmp_path / "run")
    again = settings(tmp_path / "run", epochs=6)
    run = Run(again, load("optdigits", again.data, Path("var/frames")), torch.device("cpu"))
    before = (tmp_path / "run" / "last.pt").read_bytes()
    # What is written to this device has no room, as on a full disk.
    (tmp_path / "run" / f"last.pt.{os.getpid()}.unfinished").symlink_to("/dev/full")
    assert train.status_of(lambda _: run.keep(), again) == 1
    assert capsys.readouterr().err == (
        "training: [Errno 28] No space left on device: free some space, and run the same command again to "
        f"continue from {tmp_path}/run/\n"
    )
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").glob("last*")} == {"last.pt": before}


def test_a_run_stops_when_patience_runs_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # At this rate nothing is learnt, so that nothing better comes for long.
    monkeypatch.setattr(begin, "LEARNING_RATE", 1.0)
    impatient = settings(tmp_path / "run", epochs=30, batch=512, precision="float32", patience=2)
    metrics = train.train(impatient)
    assert metrics["epochs_trained"] == metrics["best_epoch"] + 2 < 30
    assert train.train(impatient) == metrics, "the same command trains no further"
    more = train.train(replace(impatient, patience=3))
    assert more["epochs_trained"] > metrics["epochs_trained"], "with more patience it goes on"


@pytest.mark.parametrize(
    ("accuracies", "patience", "stops"),
    [
        ([0.5, 0.6, 0.6, 0.6], 2, True),
        ([0.5, 0.6, 0.6, 0.6], 3, False),
        ([0.5, 0.6, 0.6, 0.7], 1, False),
        ([0.7, 0.6, 0.6, 0.6], 0, False),
        ([0.7] + [0.6] * 9, 2, False),  # the last epoch: it ends, but not early
    ],
)
def test_patience_counts_epochs_since_the_best(
    tmp_path: Path, accuracies: list[float], patience: int, stops: bool
) -> None:
    data = load("optdigits", Path("nowhere"), Path("var/frames"))
    run = Run(settings(tmp_path, epochs=10, patience=patience), data, torch.device("cpu"))
    run.curves = [{"accuracy": accuracy, "loss": 1.0} for accuracy in accuracies]
    run.epoch = len(accuracies)
    assert run.stopped_early == stops
    assert run.best_epoch == accuracies.index(max(accuracies)) + 1


def test_a_diverged_run_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(begin, "LEARNING_RATE", float("nan"))
    arguments = ["--dataset", "optdigits", "--out", str(tmp_path), "--epochs", "1", "--batch", "512"]
    assert train.main(arguments) == 1
    assert "LEARNING_RATE" in capsys.readouterr().err


def test_the_weights_are_those_of_the_best_epoch(finished: Path) -> None:
    curves = json.loads((finished / "metrics.json").read_text())["curves"]
    state = torch.load(finished / "last.pt", weights_only=True)
    data = load("optdigits", Path("nowhere"), Path("var/frames"))
    model = weights.load(finished / "model.safetensors")[0]
    found = measure(run_module.logits_of(model, data.validation, torch.device("cpu")), data.validation.labels)
    assert found["accuracy"] == max(row["accuracy"] for row in curves)
    assert torch.equal(model.state_dict()["head.weight"], state["best_state"]["head.weight"])


def test_selection_never_sees_the_test_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = load("optdigits", Path("nowhere"), Path("var/frames"))
    seen = []
    monkeypatch.setattr(
        run_module,
        "logits_of",
        lambda model, part, device: seen.append(len(part)) or original(model, part, device),
    )
    run = Run(settings(tmp_path, precision="float32"), data, torch.device("cpu"))
    run.one_epoch()
    assert seen == [len(data.validation)]


original = run_module.logits_of


def test_a_missing_data_set_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "MNIST").write_text("a file where a folder is needed, so that no download can help")
    assert train.main(["--data", str(tmp_path), "--out", str(tmp_path / "run")]) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "MNIST" in error
    assert "--data" in error


@pytest.mark.parametrize(
    "arguments",
    [["--epochs", "0"], ["--model", "none"], ["--dataset", "none"], ["--seed", "-1"], ["--patience", "-1"]],
)
def test_a_wrong_argument_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        train.main(arguments)


def test_a_damaged_run_is_told_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "last.pt").write_bytes(b"junk")
    assert train.main(["--dataset", "optdigits", "--out", str(tmp_path)]) == 1
    assert "damaged" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_told_before_training(capsys: pytest.CaptureFixture[str]) -> None:
    assert train.main(["--dataset", "optdigits", "--out", "/proc/nowhere"]) == 1
    assert "/proc/nowhere" in capsys.readouterr().err
