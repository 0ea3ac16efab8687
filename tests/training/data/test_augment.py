"""Augmentation: bounded, and the same whoever makes which part of a batch."""

from pathlib import Path

import pytest
import torch

from training.data import augment
from training.data.augment import Draws, crop, tilt
from training.data.sets import load


@pytest.fixture(scope="module")
def frames() -> torch.Tensor:
    """Frames of written digits: float32 (200, 1, 28, 28), 0..1."""
    written = load("optdigits", Path("nowhere"), Path("var/frames")).train.frames[:200]
    return torch.from_numpy(written).unsqueeze(1).float() / 255


def all_of(frames: torch.Tensor, seed: int = 0) -> Draws:
    return Draws(torch.Generator().manual_seed(seed), len(frames), slice(None), frames.device)


def test_a_part_of_a_batch_is_what_the_whole_batch_has_there(frames: torch.Tensor) -> None:
    generators = [torch.Generator().manual_seed(3) for _ in range(3)]
    whole = augment.augment(frames, generators[0])
    halves = [
        augment.augment(frames[part], generator, len(frames), part)
        for part, generator in zip((slice(0, 100), slice(100, 200)), generators[1:], strict=True)
    ]
    assert torch.allclose(whole, torch.cat(halves), atol=1e-6)
    states = [generator.get_state() for generator in generators]
    assert all(torch.equal(states[0], state) for state in states), "generators must stay in step"


def test_a_crop_takes_one_edge_and_little_ink(frames: torch.Tensor) -> None:
    cropped = crop(frames, all_of(frames), share=1.0)
    lost = (frames - cropped)[:, 0]
    assert (lost >= 0).all()
    assert (lost.sum(dim=(1, 2)) <= augment.CROP_INK * frames.sum(dim=(1, 2, 3)) + 1e-3).all()
    hit = lost.sum(dim=(1, 2)) > 0.01 * frames.sum(dim=(1, 2, 3))
    assert hit.float().mean() > 0.5, "a crop that hardly ever cuts teaches nothing"
    rows, columns = (lost.amax(dim=axis) > 0.5 for axis in (2, 1))
    narrow = torch.minimum(rows.sum(dim=1), columns.sum(dim=1))
    assert narrow.max() <= augment.CROP_PX


def test_a_crop_comes_from_each_side_and_leaves_most_drawings_whole(frames: torch.Tensor) -> None:
    cropped = crop(frames, all_of(frames), share=1.0)
    lost = (frames - cropped)[:, 0]
    total = lost.sum(dim=(1, 2)).clamp_min(1e-6)
    across = torch.arange(28.0)
    middle_y = (lost.sum(dim=2) * across).sum(dim=1) / total
    middle_x = (lost.sum(dim=1) * across).sum(dim=1) / total
    for found in (middle_y < 7, middle_y > 20, middle_x < 9, middle_x > 18):
        assert found.any()
    usual = crop(frames, all_of(frames))
    assert (usual == frames).all(dim=(1, 2, 3)).float().mean() > 0.8


def test_a_thin_seven_keeps_its_bar() -> None:
    seven = torch.zeros((100, 1, 28, 28))
    seven[:, :, 5, 8:20] = 1
    for step in range(18):
        seven[:, :, 6 + step, 19 - step // 3] = 1
    cropped = crop(seven, all_of(seven), share=1.0)
    assert (cropped[:, 0, 5].sum(dim=1) >= 10).all()


def test_a_tilt_makes_the_near_edge_larger_and_is_bounded() -> None:
    grid = torch.stack(
        torch.meshgrid(torch.linspace(-1, 1, 28), torch.linspace(-1, 1, 28), indexing="xy"), dim=-1
    )[None]
    tilt_of = torch.full((1, 1, 1, 1), augment.PERSPECTIVE)
    tilted = tilt(grid, tilt_of, torch.zeros_like(tilt_of))
    right = tilted[0, -1, -1, 1] - tilted[0, 0, -1, 1]
    left = tilted[0, -1, 0, 1] - tilted[0, 0, 0, 1]
    # A smaller piece of the frame spread over the whole edge is a larger picture.
    assert right < 2 < left
    assert right == pytest.approx(2 / (1 + augment.PERSPECTIVE), rel=1e-4)
    assert torch.equal(tilt(grid, torch.zeros_like(tilt_of), torch.zeros_like(tilt_of)), grid)


def test_every_frame_keeps_most_of_its_drawing(frames: torch.Tensor) -> None:
    found = augment.augment(frames, torch.Generator().manual_seed(1))
    share = found.sum(dim=(1, 2, 3)) / frames.sum(dim=(1, 2, 3))
    assert share.min() > 0.4
    assert found.amax(dim=(1, 2, 3)).min() > 0.8
