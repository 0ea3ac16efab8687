"""The vision transformer: it sees where ink lies, learns by the same recipe, and can be served."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from tests.training.fitting.test_train import settings
from training.archive.build import export
from training.data.sets import load
from training.fitting.run import Run
from training.models.networks import MODELS, Served

pytestmark = [pytest.mark.training, pytest.mark.filterwarnings("ignore::UserWarning")]


def some_frames(count: int) -> torch.Tensor:
    """Return uint8 frames, (count, 28, 28)."""
    return torch.randint(0, 256, (count, 28, 28), generator=torch.Generator().manual_seed(0)).byte()


def trained_a_little() -> torch.nn.Module:
    """Return a vit whose weights are all other than at the start, where its blocks do nothing."""
    torch.manual_seed(0)
    model = MODELS["vit"](10).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.05 * torch.randn_like(parameter)
    return model


def test_the_vit_is_tiny() -> None:
    parameters = sum(parameter.numel() for parameter in MODELS["vit"](10).parameters())
    assert 150_000 < parameters < 250_000


def test_the_exported_vit_answers_like_the_trained_one(tmp_path: Path) -> None:
    served = Served(trained_a_little(), temperature=0.7).eval()
    export(served, tmp_path / "network.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "network.onnx", providers=["CPUExecutionProvider"])
    for batch in (1, 3, 16):
        frames = some_frames(batch)
        with torch.inference_mode():
            expected = served(frames).numpy()
        found = session.run(None, {"frames": frames.numpy()})[0]
        assert found.shape == (batch, 10)
        assert np.abs(found - expected).max() < 1e-5
    assert np.ptp(found, axis=0).max() > 1e-3, "it looks at the frames"


@torch.inference_mode()
def test_the_vit_sees_where_ink_lies() -> None:
    model = trained_a_little()
    frame = some_frames(1)[:, None] / 255
    # The same 49 patches in another order: without positions the answer would be the same.
    patches = frame.unfold(2, 4, 4).unfold(3, 4, 4).flip(2)
    moved = patches.permute(0, 1, 2, 4, 3, 5).reshape(1, 1, 28, 28)
    assert moved.sum() == pytest.approx(float(frame.sum()), rel=1e-5)
    assert (model(moved) - model(frame)).abs().max() > 0.01


@torch.inference_mode()
def test_one_frame_does_not_change_anothers_answer() -> None:
    model, frames = trained_a_little(), some_frames(5)[:, None] / 255
    assert torch.allclose(model(frames)[:1], model(frames[:1]), atol=1e-5)


@torch.inference_mode()
def test_the_memory_layout_changes_nothing() -> None:
    model, frames = trained_a_little(), some_frames(4)[:, None] / 255
    expected = model(frames)
    model.to(memory_format=torch.channels_last)
    found = model(frames.contiguous(memory_format=torch.channels_last))
    assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_vit_learns_by_the_recipe(precision: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    data = load("optdigits", Path("nowhere"), Path("var/frames"))
    run = Run(settings(tmp_path, model="vit", epochs=3, precision=precision), data, torch.device("cpu"))
    while not run.over:
        run.one_epoch()
    first, *_, last = run.curves
    assert last["train_loss"] < first["train_loss"] - 0.2
    assert last["accuracy"] > 0.25, "guessing is right in a tenth of the cases"
