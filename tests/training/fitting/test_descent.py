"""This project's network for photographs, and how it is trained."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from training.data.frames import DataSet, Frames
from training.fitting import begin, descent
from training.fitting.batches import FADED_STRENGTH, strength
from training.fitting.run import GRADIENT_NORM, Run
from training.fitting.settings import Settings
from training.models.networks import build
from training.models.photo_networks import PhotoCnn

pytestmark = pytest.mark.training

CPU = torch.device("cpu")
SETTINGS = Settings(Path(), Path(), "folder", "cnn", epochs=2, batch=16, device="cpu", precision="float32")


def photographs(count: int = 64, side_px: int = 32) -> DataSet:
    """Return photographs whose neighbouring pixels and colours are much alike, as those of real ones are."""
    random = np.random.default_rng(0)
    coarse = torch.from_numpy(random.normal(120, 40, (count, 1, 7, 7)))
    smooth = F.interpolate(coarse, size=(side_px, side_px), mode="bilinear").permute(0, 2, 3, 1).numpy()
    pixels = (smooth + random.normal(0, 10, (count, side_px, side_px, 3))).clip(0, 255).astype(np.uint8)
    frames = Frames(pixels, np.arange(count) % 2)
    return DataSet("scenes", ("a", "b"), frames, frames, {"scenes": frames}, f"photo-{side_px}")


@pytest.mark.parametrize("side_px", [32, 64])
def test_the_first_layer_makes_of_patches_what_varies_alike_and_by_itself(side_px: int) -> None:
    data = photographs(side_px=side_px)
    model = begin.network(SETTINGS, data, CPU, print)
    inputs = torch.from_numpy(data.train.frames).permute(0, 3, 1, 2).float() / 255
    network = model.network
    assert isinstance(network, PhotoCnn)
    with torch.no_grad():
        made = network.patches((inputs - model.mean) / model.deviation)
    assert made.shape[2] == (31 if side_px == 32 else 32)
    each = made[:, : made.shape[1] // 2].transpose(0, 1).flatten(1)
    assert each.mean(dim=1).abs().max() < 0.05
    assert (each.cov() - torch.eye(len(each))).abs().max() < 0.15
    assert torch.allclose(made[:, : len(each)], -made[:, len(each) :], atol=1e-4)


def test_it_stays_as_it_was_made_and_all_else_is_trained() -> None:
    run = Run(SETTINGS, photographs(), CPU)
    before = {name: one.clone() for name, one in run.model.state_dict().items()}
    run.one_epoch()
    same = {name for name, one in run.model.named_parameters() if torch.equal(one, before[name])}
    assert same == {"network.patches.weight"}


def test_only_fresh_networks_of_photographs_are_trained_by_descent(tmp_path: Path) -> None:
    data = photographs()
    run = Run(SETTINGS, data, CPU)
    assert isinstance(run.optimizer, torch.optim.SGD)
    assert (run.loss, run.gradient_norm) == (descent.loss, math.inf)
    torch.save(run.model.state_dict(), tmp_path / "first.pt")
    for others in ({"init": str(tmp_path / "first.pt")}, {"freeze": True}, {"model": "resnet18"}):
        run = Run(replace(SETTINGS, **others), data, CPU)  # type: ignore[arg-type]
        assert isinstance(run.optimizer, torch.optim.AdamW)
        assert run.gradient_norm == GRADIENT_NORM
    gray = DataSet(
        "mnist", ("a", "b"), *(Frames(np.zeros((32, 28, 28), np.uint8), np.arange(32) % 2),) * 2, {}
    )
    assert isinstance(Run(replace(SETTINGS, dataset="mnist"), gray, CPU).optimizer, torch.optim.AdamW)


def test_the_rate_follows_the_batch_and_shifts_learn_faster() -> None:
    model = build("cnn", 2, "photo-32")
    for batch in (16, 256):
        optimizer, cycle = descent.optimizer(model, batch, steps=10)
        peaks = [0.0, 0.0]
        for _ in range(9):
            peaks = [max(pair) for pair in zip(peaks, cycle.get_last_lr(), strict=True)]
            optimizer.step()
            cycle.step()
        rate = descent.RATE * batch
        assert peaks == pytest.approx([rate, rate * descent.SHIFTS_FASTER], rel=0.15)
        # What decays a weight in a step is its rate times its decay: alike for both.
        assert len({round(one["lr"] * one["weight_decay"], 9) for one in optimizer.param_groups}) == 1


def test_short_runs_of_photographs_are_augmented_less() -> None:
    assert strength(0, 40, "photo-32") == strength(0, 2, "ink") == 1
    assert strength(0, 10, "photo-32") == strength(0.5, 10, "photo-32") == 0.25
    assert strength(1, 80, "photo-32") == pytest.approx(FADED_STRENGTH)
