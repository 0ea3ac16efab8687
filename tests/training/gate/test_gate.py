"""The gate: it learns, its file survives, and what it refuses is counted."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy.stats import binom

from handler.frame import frame_of
from tests.training.outliers.outlier_material import material
from training.data.frames import DataSet, Frames
from training.data.paint import KINDS
from training.gate import __main__ as command
from training.gate import fit, train
from training.gate import network as gate
from training.gate.rejection import rejection
from training.outliers import kinds


def digits_drawn() -> Frames:
    """Return eighty digits, each label's eight drawn in ways of their own."""
    random = np.random.default_rng(0)
    copies = [KINDS["plain"](drawn, random).encoded() for _ in range(8) for drawn in material().digits]
    return Frames(np.stack([frame_of(one) for one in copies]), np.tile(np.arange(10), 8))


def outliers_drawn(kind: str) -> np.ndarray:
    """Return the frames of eighty outliers of a kind."""
    return np.stack([kinds.frame(kind, material(), (9, seed)) for seed in range(80)])


@pytest.mark.training
def test_a_few_steps_tell_digits_from_scribbles_and_give_the_same_weights_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fit, "BATCH", 64)
    known, scribbles = digits_drawn(), outliers_drawn("scribbles")
    recipe = fit.Recipe(steps=40, seed=3)
    learnt = known.take(np.arange(60))
    network = fit.fit(learnt, scribbles[:60], recipe)
    digits, outliers = (train.scores(network, some[60:]) for some in (known.frames, scribbles))
    assert rejection("scribbles", digits, outliers, outliers >= 0.5).auroc > 0.9
    again = fit.fit(learnt, scribbles[:60], recipe)
    other = fit.fit(learnt, scribbles[:60], fit.Recipe(steps=40, seed=4))
    np.testing.assert_array_equal(digits, train.scores(again, known.frames[60:]))
    assert not np.array_equal(digits, train.scores(other, known.frames[60:]))


@pytest.mark.training
def test_a_gate_learns_digits_that_are_new_to_it_and_says_of_others_what_it_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fit, "BATCH", 64)
    known, scribbles, hearts = digits_drawn(), outliers_drawn("scribbles"), outliers_drawn("hearts")
    before = fit.fit(known, np.concatenate([scribbles, hearts[:60]]), fit.Recipe(steps=60))
    weights = [parameter.clone() for parameter in before.parameters()]
    new = Frames(hearts[:60], np.zeros(60, np.int64))
    after = fit.taught(before, known, scribbles, new, fit.Recipe(new_steps=60))
    assert all(torch.equal(*both) for both in zip(weights, before.parameters(), strict=True))
    was, now = (train.scores(gate, hearts[60:]).mean() for gate in (before, after))
    assert now - was > 0.2
    for some in (known.frames, scribbles):
        was, now = (train.scores(gate, some).mean() for gate in (before, after))
        assert abs(now - was) < 0.1


def test_what_people_called_no_digit_is_trained_on_but_for_a_tenth_that_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(1)
    pictures = [KINDS["plain"](kinds.drawn("faces", material(), random), random).encoded() for _ in range(20)]
    (tmp_path / "none").mkdir()
    for at, picture in enumerate([*pictures, pictures[0]]):
        (tmp_path / "none" / f"{at}.png").write_bytes(picture)
    judged = {frame_of(picture).tobytes() for picture in pictures}

    digits = Frames(material().images, np.arange(10))
    data = DataSet("digits", tuple("0123456789"), digits, digits, {"mnist": digits, "strokes": digits})
    # All digits that there are: MNIST's, which come first, and as many pen strokes.
    both = replace(data, train=digits.joined(digits), validation=digits.joined(digits))
    monkeypatch.setattr(train, "load", lambda name, *_: data if name == "mnist" else both)
    for made in ("thin_digits", "ones", "slashed_zeros", "pen_strokes"):
        monkeypatch.setattr(train, made, lambda *_: digits)
    monkeypatch.setattr(train.frames, "materials", lambda *_: dict.fromkeys(train.frames.SEEDS, material()))
    scribbles = np.stack([kinds.frame("scribbles", material(), (9, seed)) for seed in range(5)])
    monkeypatch.setattr(train.frames, "load", lambda *_: {"scribbles": scribbles})
    fitted: list[np.ndarray] = []

    def fitting(known: Frames, outliers: np.ndarray, recipe: fit.Recipe) -> gate.Gate:
        fitted.append(outliers)
        return gate.Gate().eval()

    monkeypatch.setattr(train, "fit", fitting)
    monkeypatch.setattr(train, "taught", lambda network, *_: network)
    _, about = train.train(tmp_path, fit.Recipe(), tmp_path / "none")
    (outliers,) = fitted
    learnt = judged & {frame.tobytes() for frame in outliers}
    assert (len(outliers), len(learnt)) == (5 + 18, 18)
    (row,) = [row for row in about.measured["outliers"] if row["kind"] == train.JUDGED]
    assert row["pictures"] == 2
    _, about = train.train(tmp_path, fit.Recipe())
    assert len(fitted[1]) == 5
    assert [row["kind"] for row in about.measured["outliers"]] == ["scribbles"]
    gate.save(tmp_path / "gate.safetensors", gate.Gate().eval(), about)
    train.train(tmp_path, fit.Recipe(begin=tmp_path / "gate.safetensors"))
    assert len(fitted) == 2, "what a gate has learnt is not fitted again"


def test_a_folder_without_enough_of_what_is_no_digit_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder, said in {
        tmp_path / "missing": "There is no folder",
        tmp_path: "has 0 readable images",
    }.items():
        assert command.main(["--data", str(tmp_path), "--none", str(folder)]) == 1
        assert said in capsys.readouterr().err


def test_scores_are_shares_whatever_the_batch() -> None:
    network = gate.Gate().eval()
    some = np.random.default_rng(0).integers(0, 256, (7, 28, 28), dtype=np.uint8)
    found = network(torch.from_numpy(some))
    assert found.shape == (7,)
    assert found.dtype == torch.float32
    assert 0 <= found.min() <= found.max() <= 1
    np.testing.assert_allclose(train.scores(network, some, batch=3), found.detach(), atol=1e-6)


def test_the_threshold_refuses_at_most_the_share_of_each_sort() -> None:
    random = np.random.default_rng(0)
    easy, hard = random.uniform(0.9, 1, 1000), random.uniform(0.3, 1, 400)
    threshold = train.threshold_of([easy, hard], refused=0.01)
    shares = [np.mean(some < threshold) for some in (easy, hard)]
    assert max(shares) <= 0.01
    assert max(np.mean(some < np.nextafter(threshold, 2)) for some in (easy, hard)) > 0.01, (
        "it is the highest"
    )
    assert train.threshold_of([np.array([0.7])]) == 0.7


@pytest.mark.parametrize(("pictures", "chance"), [(2500, 0.02), (1250, 0.07)])
def test_the_margin_of_the_threshold_covers_as_much_chance_as_is_said(pictures: int, chance: float) -> None:
    promised = 0.01
    refused = int(pictures * train.REFUSED)
    assert binom.cdf(refused, pictures, promised) == pytest.approx(chance, abs=0.005)


@pytest.mark.parametrize("channels", [(16, 48, 128), (16, 32, 64)])
def test_a_gate_survives_its_file_also_one_of_before(tmp_path: Path, channels: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    network = gate.Gate(channels).eval()
    about = gate.GateAbout(0.25, "a1b2c3d4", "1.2.3", {"refused": {"MNIST": 0.004}})
    gate.save(tmp_path / "gate.safetensors", network, about)
    loaded, told = gate.load(tmp_path / "gate.safetensors")
    assert told == about
    some = torch.randint(0, 256, (3, 28, 28), dtype=torch.uint8)
    assert torch.equal(loaded(some), network(some))
    assert [file.name for file in tmp_path.iterdir()] == ["gate.safetensors"]


@pytest.mark.parametrize("about", [None, "no JSON", json.dumps({"threshold": 0.25})])
def test_another_file_is_no_gate(tmp_path: Path, about: str | None) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"x": torch.zeros(1)}, str(path), metadata={"about": about} if about else None)
    with pytest.raises(ValueError, match="train it again"):
        gate.load(path)
    path.write_bytes(b"no tensors")
    with pytest.raises(ValueError, match="train it again"):
        gate.load(path)
    with pytest.raises(FileNotFoundError, match=r"training\.gate --data"):
        gate.load(tmp_path / "missing.safetensors")


def test_without_data_the_command_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "DEFAULT_GATE", tmp_path / "gate.safetensors")
    (tmp_path / "MNIST").write_text("in the way of a download")
    assert command.main(["--data", str(tmp_path)]) == 1
    assert capsys.readouterr().err.strip().splitlines()[-1].startswith("gate: ")
    assert not (tmp_path / "gate.safetensors").exists()
