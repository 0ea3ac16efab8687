"""Batched augmentation on tensors: what differs between hands, pens and pads, not between digits."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

# Each bound was set so that a person still reads every frame without doubt.
ROTATION_DEG = 14.0
SHEAR = 0.25  # of the height, to either side
SCALE = 0.16  # of the size, on each axis by itself
SHIFT_PX = 1.5
ELASTIC_PX = (
    1.2  # standard deviation of the displacement (Simard et al. 2003, doi:10.1109/ICDAR.2003.1227801)
)
ELASTIC_CELLS = 6  # control points a side
STROKE_SHARE = 0.5  # of the frames get a thicker or thinner pen
BLUR_SHARE = 0.25
GAP_SHARE = 0.15  # of the frames get a gap in their strokes
NOISE = 0.06  # standard deviation on 0..1, at most


def augment(frames: Tensor, generator: torch.Generator) -> Tensor:
    """Give the frames as other hands would have drawn them: float32 (batch, 1, 28, 28), 0..1.

    Args:
        frames: float32 (batch, 1, 28, 28), 0 = paper .. 1 = ink.
        generator: a CPU generator, the only source of randomness, so that a run can be repeated and resumed.
    """
    frames = _warp(frames, generator)
    frames = _restroke(frames, generator)
    frames = _gap(frames, generator)
    frames = _blur(frames, generator)
    # Serving makes the strongest pixel of every frame full ink.
    frames = frames / frames.amax(dim=(1, 2, 3), keepdim=True).clamp_min(1e-3)
    return _noise(frames, generator).clamp(0, 1)


def _uniform(frames: Tensor, generator: torch.Generator, low: float = -1.0, high: float = 1.0) -> Tensor:
    """Give one number for each frame: (batch,)."""
    return (torch.rand(len(frames), generator=generator) * (high - low) + low).to(frames.device)


def _warp(frames: Tensor, generator: torch.Generator) -> Tensor:
    """Rotate, shear, scale, shift and bend, in one resampling."""
    batch, _, height, width = frames.shape
    angle = _uniform(frames, generator) * math.radians(ROTATION_DEG)
    shear = _uniform(frames, generator) * SHEAR
    x_scale = 1 + _uniform(frames, generator) * SCALE
    y_scale = 1 + _uniform(frames, generator) * SCALE
    cos, sin = torch.cos(angle), torch.sin(angle)
    x_shift = _uniform(frames, generator) * SHIFT_PX * 2 / width
    y_shift = _uniform(frames, generator) * SHIFT_PX * 2 / height
    rows = [
        torch.stack([cos / x_scale, (-sin + shear) / x_scale, x_shift], dim=1),
        torch.stack([sin / y_scale, cos / y_scale, y_shift], dim=1),
    ]
    grid = F.affine_grid(torch.stack(rows, dim=1), list(frames.shape), align_corners=False)
    cells = torch.randn(batch, 2, ELASTIC_CELLS, ELASTIC_CELLS, generator=generator).to(frames.device)
    bend = F.interpolate(cells, size=(height, width), mode="bicubic", align_corners=True)
    strength = _uniform(frames, generator, 0, ELASTIC_PX) * 2 / width
    grid = grid + bend.permute(0, 2, 3, 1) * strength[:, None, None, None]
    return F.grid_sample(frames, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _restroke(frames: Tensor, generator: torch.Generator) -> Tensor:
    """Make the pen thicker or thinner by up to a pixel."""
    change = _uniform(frames, generator) * (_uniform(frames, generator, 0, 1) < STROKE_SHARE)
    change = change[:, None, None, None]
    thick = F.max_pool2d(frames, 3, stride=1, padding=1)
    thin = -F.max_pool2d(-frames, 3, stride=1, padding=1)
    # A thin stroke must not vanish, so thinning goes only part of the way.
    return frames + change.clamp_min(0) * (thick - frames) + 0.7 * (-change).clamp_min(0) * (thin - frames)


def _gap(frames: Tensor, generator: torch.Generator) -> Tensor:
    """Rub out one small disc, as a pen that lost contact does."""
    height, width = frames.shape[2:]
    y = torch.arange(height, device=frames.device)[None, :, None]
    x = torch.arange(width, device=frames.device)[None, None, :]
    centre_y = _uniform(frames, generator, 4, height - 4)[:, None, None]
    centre_x = _uniform(frames, generator, 4, width - 4)[:, None, None]
    radius = _uniform(frames, generator, 1.0, 2.2)[:, None, None]
    hit = (_uniform(frames, generator, 0, 1) < GAP_SHARE)[:, None, None]
    rubbed = ((y - centre_y) ** 2 + (x - centre_x) ** 2 < radius**2) & hit
    return frames * (~rubbed)[:, None].to(frames.dtype)


def _blur(frames: Tensor, generator: torch.Generator) -> Tensor:
    soft = F.avg_pool2d(F.pad(frames, (1, 1, 1, 1)), 3, stride=1)
    share = _uniform(frames, generator, 0, 1) * (_uniform(frames, generator, 0, 1) < BLUR_SHARE)
    return frames + share[:, None, None, None] * (soft - frames)


def _noise(frames: Tensor, generator: torch.Generator) -> Tensor:
    strength = _uniform(frames, generator, 0, NOISE) * (_uniform(frames, generator, 0, 1) < 0.5)
    return (
        frames
        + torch.randn(frames.shape, generator=generator).to(frames.device) * strength[:, None, None, None]
    )
