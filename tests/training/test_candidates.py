"""The table of candidates: what it says is what training and measuring gave."""

import json
import shutil
import time
from dataclasses import replace
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.data.test_data import SEVEN
from tests.training.fitting.test_train import settings
from training.archive.build import export
from training.candidates import Candidate, channels_of, compare, main, table, validation_parts
from training.data import sets as data
from training.forward_time import Cost, ForwardCosts, in_turns, session_of
from training.models.networks import MODELS, Served

pytestmark = [pytest.mark.training, pytest.mark.filterwarnings("ignore::UserWarning")]

NAMES = ["cnn-8", "cnn"]
SMALL = Candidate(
    "small", (4, 8), 1000, 0.1, ForwardCosts(Cost(20, 18), Cost(30, 29), Cost(60, 55)), {"a": 0.9}, {"b": 0.8}
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of two candidates, one epoch each."""
    out = tmp_path_factory.mktemp("candidates")
    compare(settings(out, epochs=1, patience=0), NAMES, rounds=3)
    return out


def written(folder: Path) -> dict:
    return json.loads((folder / "candidates.json").read_text())


def test_every_candidate_is_trained_alike_and_has_its_figures(folder: Path) -> None:
    runs = [json.loads((folder / name / "metrics.json").read_text()) for name in NAMES]
    assert [run["model"] for run in runs] == NAMES
    assert {(run["epochs_trained"], run["seed"], run["batch"]) for run in runs} == {(1, 0, 64)}
    for line, run in zip(written(folder)["candidates"], runs, strict=True):
        assert line["tests"] == {"optdigits": run["tests"]["optdigits"]["accuracy"]}
        assert line["validation"] == {"optdigits": run["validation"]["accuracy"]}
        assert line["parameters"] == run["parameters"]
        # The file has a header beside the tensors.
        assert line["weights_mb"] * 1e6 == pytest.approx(run["weights_bytes"], abs=5000)
        assert 0 < line["costs"]["onnx_batch"]["best"] <= line["costs"]["onnx_batch"]["median"]


def test_three_times_the_network_costs_more(folder: Path) -> None:
    small, large = written(folder)["candidates"]
    for how in ("onnx_batch", "onnx_alone", "eager_batch"):
        assert small["costs"][how]["best"] < large["costs"][how]["best"]


def test_the_table_has_a_line_for_each(folder: Path) -> None:
    head, _, *lines = (folder / "candidates.md").read_text().splitlines()
    assert [line.split(" | ")[0] for line in lines] == [f"| {name}" for name in NAMES]
    assert "validation: optdigits | test: optdigits" in head
    first = written(folder)["candidates"][0]
    assert f"| 8, 16, 32 | 31,138 | 0.13 | {first['validation']['optdigits']:.2%} |" in lines[0]
    assert {line.count("|") for line in lines} == {head.count("|")}


def test_what_is_finished_is_not_trained_again(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = shutil.copytree(folder, tmp_path / "again")
    usual = ["--dataset", "optdigits", "--epochs", "1", "--batch", "64", "--device", "cpu", "--rounds", "1"]
    arguments = [*usual, "--out", str(again), "--models"]
    assert main([*arguments, *NAMES, "lenet5"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("resuming after epoch 1 of 1") == 2
    assert printed.count("epoch   1/1") == 1, "only the new one is trained"
    *old, new = written(again)["candidates"]
    assert new["name"] == "lenet5"
    for one, other in zip(written(folder)["candidates"], old, strict=True):
        assert {**one, "costs": None} == {**other, "costs": None}


def test_a_folder_of_other_runs_is_left_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (folder / "candidates.json").read_bytes()
    assert main(["--dataset", "optdigits", "--epochs", "2", "--out", str(folder)]) == 1
    assert "--fresh" in capsys.readouterr().err
    assert (folder / "candidates.json").read_bytes() == before


def test_times_alone_need_no_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--time-only", "--models", "cnn-8", "--rounds", "1", "--data", "nowhere"]
    assert main([*arguments, "--out", str(tmp_path)]) == 0
    head, _, line = capsys.readouterr().out.strip().splitlines()
    assert "validation" not in head
    assert line.startswith("| cnn-8 | 8, 16, 32 | 31,138 | 0.13 | ")
    assert not list(tmp_path.iterdir())


def test_validation_is_told_apart_by_where_it_is_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With small sets in the places of MNIST and the strokes; how "digits" joins them is the real thing."""
    strokes = {part: [replace(SEVEN, writer=writer) for writer in (1, 2, 3)] for part in data.STROKE_COPIES}
    monkeypatch.setattr(data, "mnist", data.optdigits)
    monkeypatch.setitem(data.SOURCES, "mnist", data.optdigits)
    monkeypatch.setattr(data, "writers", lambda folder: strokes)
    parts = validation_parts("digits", Path("nowhere"), tmp_path)
    expected = data.optdigits(Path("nowhere"), tmp_path).validation
    assert np.array_equal(parts["mnist"].frames, expected.frames)
    assert np.array_equal(parts["mnist"].labels, expected.labels)
    assert parts["strokes"].labels.tolist() == [7] * 3 * data.STROKE_COPIES["validation"]


@pytest.mark.parametrize(
    ("cost", "megabytes", "over"),
    [(150.0, 5.0, []), (150.1, 5.0, ["time"]), (20.0, 5.01, ["weights"]), (151.0, 6.0, ["time", "weights"])],
)
def test_what_is_over_the_budget_is_marked(cost: float, megabytes: float, over: list[str]) -> None:
    costs = replace(SMALL.costs, onnx_batch=Cost(median=cost, best=10))
    one = replace(SMALL, costs=costs, weights_mb=megabytes)
    assert one.over == over
    assert table([SMALL, one]).splitlines()[-1].endswith(f"| {', '.join(over)} |")


def test_all_are_measured_in_every_round() -> None:
    order: list[str] = []

    def busy(name: str) -> None:
        order.append(name)
        ends = time.process_time() + 0.02
        while time.process_time() < ends:
            pass

    found = in_turns({name: partial(busy, name) for name in ("one", "two")}, rounds=4)
    # Once before the rounds, to learn how many calls a round takes.
    assert [name for name, _ in groupby(order)] == ["one", "two"] * 5
    assert all(20_000 <= cost.best <= cost.median < 40_000 for cost in found.values())


def test_waiting_costs_no_processor_time() -> None:
    found = in_turns({"wait": lambda: time.sleep(0.02)}, rounds=2)
    assert found["wait"].median < 5_000


@pytest.mark.parametrize("name", ["cnn-no-blocks", "cnn-average", "lenet5"])
def test_every_kind_of_candidate_can_be_served(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    served = Served(MODELS[name](10), temperature=1.3).eval()
    export(served, tmp_path / "network.onnx")
    frames = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)
    answered = session_of(tmp_path / "network.onnx").run(None, {"frames": frames})[0]
    with torch.inference_mode():
        expected = served(torch.from_numpy(frames)).numpy()
    assert np.allclose(answered, expected, atol=1e-5)
    assert np.ptp(answered, axis=0).max() > 1e-4, "it looks at the frames"


def test_the_channels_are_those_of_the_network() -> None:
    assert channels_of(MODELS["cnn"](10)) == (16, 32, 64)
    assert channels_of(MODELS["lenet5"](10)) == (6, 16)


def test_a_wrong_name_is_refused() -> None:
    with pytest.raises(SystemExit):
        main(["--models", "none"])
