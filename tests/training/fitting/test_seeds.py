"""Training with several seeds, and the mean and deviation of their figures."""

import json
import statistics
from pathlib import Path

import pytest

from tests.training.fitting.test_train import settings
from training.fitting import seeds, train
from training.fitting.train import train_each

pytestmark = [pytest.mark.training, pytest.mark.filterwarnings("ignore::UserWarning")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of three seeds, one epoch each."""
    out = tmp_path_factory.mktemp("seeds")
    train_each(settings(out, epochs=1), [0, 1, 2])
    return out


def test_every_seed_has_its_folder_and_counts_once(folder: Path) -> None:
    summary = json.loads((folder / "seeds.json").read_text())
    of_seeds = [json.loads((folder / f"seed-{seed}" / "metrics.json").read_text()) for seed in (0, 1, 2)]
    assert [metrics["seed"] for metrics in of_seeds] == summary["seeds"] == [0, 1, 2]
    for key in ("accuracy", "loss", "ece"):
        values = [metrics["tests"]["optdigits"][key] for metrics in of_seeds]
        found = summary["tests"]["optdigits"][key]
        assert found["values"] == values
        assert found["mean"] == pytest.approx(sum(values) / 3)
        assert found["standard_deviation"] == pytest.approx(statistics.stdev(values))
    assert len(set(summary["tests"]["optdigits"]["loss"]["values"])) == 3


def test_a_seed_among_others_gives_what_it_gives_alone(folder: Path, tmp_path: Path) -> None:
    alone = train.train(settings(tmp_path / "alone", epochs=1, seed=2))
    among = json.loads((folder / "seed-2" / "metrics.json").read_text())
    assert alone["tests"] == among["tests"]


def test_the_table_has_mean_and_deviation(folder: Path) -> None:
    summary = json.loads((folder / "seeds.json").read_text())
    accuracy = summary["tests"]["optdigits"]["accuracy"]
    row = seeds.table(summary).splitlines()[-1]
    assert row.startswith("| test: optdigits | ")
    assert f"{accuracy['mean'] * 100:.2f} ± {accuracy['standard_deviation'] * 100:.2f} %" in row


def test_one_seed_has_no_deviation(tmp_path: Path) -> None:
    summary = train_each(settings(tmp_path, epochs=1), [5])
    assert summary["tests"]["optdigits"]["accuracy"]["standard_deviation"] is None
    assert "±" not in seeds.table(summary)


def test_finished_seeds_are_not_trained_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = json.loads((folder / "seeds.json").read_text())
    arguments = ["--dataset", "optdigits", "--epochs", "1", "--batch", "64", "--device", "cpu"]
    assert train.main([*arguments, "--seed", "0", "1", "2", "--out", str(folder)]) == 0
    printed = capsys.readouterr().out
    assert "epoch   1/1" not in printed
    assert printed.count("resuming after epoch 1 of 1") == 3
    assert json.loads((folder / "seeds.json").read_text()) == before


@pytest.mark.parametrize("given", [["1", "1"], ["-1"], ["x"]])
def test_wrong_seeds_are_refused(given: list[str]) -> None:
    with pytest.raises(SystemExit):
        train.main(["--seed", *given])
