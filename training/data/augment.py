"""Batched augmentation on tensors: what differs between hands, pens and pads, not between digits."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

# Each bound was set so that a person still reads every frame without doubt.
ROTATION_DEG = 14.0
SHEAR = 0.25  # of the height, to either side
SCALE = 0.16  # of the size, on each axis by itself
SHIFT_PX = 1.5
PERSPECTIVE = 0.1  # how much larger than its middle the near edge of a tilted sheet looks
# Standard deviation of the displacement (Simard et al. 2003, doi:10.1109/ICDAR.2003.1227801).
ELASTIC_PX = 1.2
ELASTIC_CELLS = 6  # control points a side
STROKE_SHARE = 0.5  # of the frames get a thicker or thinner pen
CROP_SHARE = 0.1  # of the frames lose one edge of the drawing
CROP_PX = 2  # rows or columns at most
CROP_INK = 0.08  # of the drawing's ink at most: a thin pen's 7 must not lose its bar and become a 1
BLUR_SHARE = 0.25
GAP_SHARE = 0.15  # of the frames get a gap in their strokes
NOISE = 0.06  # standard deviation on 0..1, at most


@dataclass(frozen=True)
class Draws:
    """Random numbers for some frames of a batch: those that the frames get when the batch is made whole.

    Numbers are drawn for the whole batch and the part's own are given. So processes that share a batch make
    the frames that one process would make, and their generators stay in step.

    Attributes:
        generator: a CPU generator, the only source of randomness, so that a run can be repeated and resumed.
        batch: frames in the whole batch.
        part: which of them these are.
        device: where the numbers are needed.
        strength: 0..1, scales how far frames are changed, and how many.
    """

    generator: torch.Generator
    batch: int
    part: slice
    device: torch.device
    strength: float = 1.0

    def up_to(self, bound: float) -> Tensor:
        """Return one change for each frame, to either side: float32 (frames, 1, 1, 1)."""
        return self.uniform() * (bound * self.strength)

    def uniform(self, low: float = -1.0, high: float = 1.0) -> Tensor:
        """Return one number between low and high for each frame: float32 (frames, 1, 1, 1)."""
        drawn = torch.rand(self.batch, generator=self.generator)[self.part] * (high - low) + low
        return drawn.to(self.device)[:, None, None, None]

    def normal(self, *shape: int) -> Tensor:
        """Return normally distributed numbers for each frame: float32 (frames, *shape)."""
        return torch.randn(self.batch, *shape, generator=self.generator)[self.part].to(self.device)

    def chance(self, share: float) -> Tensor:
        """Return True for about this share of the frames, times the strength: bool (frames, 1, 1, 1)."""
        return self.uniform(0, 1) < share * self.strength


def augment(
    frames: Tensor,
    generator: torch.Generator,
    batch: int | None = None,
    part: slice | None = None,
    strength: float = 1.0,
) -> Tensor:
    """Return the frames as other hands would have drawn them: float32 (frames, 1, 28, 28), 0..1.

    Args:
        frames: float32 (frames, 1, 28, 28), 0 = paper .. 1 = ink.
        generator: a CPU generator.
        batch: how many frames the whole batch has, when these are a part of it.
        part: which of them these are.
        strength: 0..1; 0 leaves the frames as they are.
    """
    draws = Draws(generator, batch or len(frames), part or slice(None), frames.device, strength)
    frames = _warp(frames, draws)
    frames = _restroke(frames, draws)
    frames = crop(frames, draws)
    frames = _gap(frames, draws)
    frames = _blur(frames, draws)
    # Serving makes the strongest pixel of every frame full ink.
    frames = frames / frames.amax(dim=(1, 2, 3), keepdim=True).clamp_min(1e-3)
    return _noise(frames, draws).clamp(0, 1)


def _warp(frames: Tensor, draws: Draws) -> Tensor:
    """Rotate, shear, scale, shift, tilt and bend, in one resampling."""
    height, width = frames.shape[2:]
    angle = draws.up_to(math.radians(ROTATION_DEG)).flatten()
    shear = draws.up_to(SHEAR).flatten()
    x_scale = 1 + draws.up_to(SCALE).flatten()
    y_scale = 1 + draws.up_to(SCALE).flatten()
    cos, sin = torch.cos(angle), torch.sin(angle)
    x_shift = draws.up_to(SHIFT_PX * 2 / width).flatten()
    y_shift = draws.up_to(SHIFT_PX * 2 / height).flatten()
    rows = [
        torch.stack([cos / x_scale, (-sin + shear) / x_scale, x_shift], dim=1),
        torch.stack([sin / y_scale, cos / y_scale, y_shift], dim=1),
    ]
    grid = F.affine_grid(torch.stack(rows, dim=1), list(frames.shape), align_corners=False)
    grid = tilt(grid, draws.up_to(PERSPECTIVE), draws.up_to(PERSPECTIVE))
    cells = draws.normal(2, ELASTIC_CELLS, ELASTIC_CELLS)
    bend = F.interpolate(cells, size=(height, width), mode="bicubic", align_corners=True)
    grid = grid + bend.permute(0, 2, 3, 1) * draws.uniform(0, ELASTIC_PX * draws.strength) * 2 / width
    return F.grid_sample(frames, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def tilt(grid: Tensor, x_tilt: Tensor, y_tilt: Tensor) -> Tensor:
    """Return a sampling grid as a sheet shows it that is tilted away from the eye.

    Args:
        grid: float32 (frames, height, width, 2), x and y in -1..1.
        x_tilt: float32 (frames, 1, 1, 1): the right edge comes nearer and looks this share larger.
        y_tilt: the same for the bottom edge.
    """
    # The division by depth of a homography (Hartley and Zisserman, Multiple View Geometry, 2.3).
    depth = 1 + x_tilt * grid[..., :1] + y_tilt * grid[..., 1:]
    return grid / depth


def _restroke(frames: Tensor, draws: Draws) -> Tensor:
    """Make the pen thicker or thinner by up to a pixel."""
    change = draws.uniform() * draws.chance(STROKE_SHARE)
    thick = F.max_pool2d(frames, 3, stride=1, padding=1)
    thin = -F.max_pool2d(-frames, 3, stride=1, padding=1)
    # A thin stroke must not vanish, so thinning goes only part of the way.
    return frames + change.clamp_min(0) * (thick - frames) + 0.7 * (-change).clamp_min(0) * (thin - frames)


def crop(frames: Tensor, draws: Draws, share: float = CROP_SHARE) -> Tensor:
    """Cut one edge of some drawings off, as when a stroke leaves the pad.

    At most CROP_PX rows or columns of ink go, and never more than CROP_INK of the drawing.
    """
    sideways, from_the_end, hit = draws.uniform() < 0, draws.uniform() < 0, draws.chance(share)
    pixels = draws.uniform(1, CROP_PX + 1).floor()[:, 0, 0]
    # Turned so that the edge to cut lies on top, whichever it is.
    turned = torch.where(sideways, frames.transpose(2, 3), frames)
    turned = torch.where(from_the_end, turned.flip(2), turned)
    ink = turned.sum(dim=(1, 3))  # (frames, rows)
    above = ink.cumsum(dim=1) / ink.sum(dim=1, keepdim=True).clamp_min(1e-3)
    depth = (above > 0.002).cumsum(dim=1)  # 1 on the first row that has more than a trace of ink
    cut = (depth <= pixels) & (above <= CROP_INK) & hit[:, 0, 0]
    turned = turned * (~cut)[:, None, :, None]
    turned = torch.where(from_the_end, turned.flip(2), turned)
    return torch.where(sideways, turned.transpose(2, 3), turned)


def _gap(frames: Tensor, draws: Draws) -> Tensor:
    """Rub out one small disc, as a pen that lost contact does."""
    height, width = frames.shape[2:]
    y = torch.arange(height, device=frames.device)[:, None]
    x = torch.arange(width, device=frames.device)[None, :]
    centre_y, centre_x = draws.uniform(4, height - 4), draws.uniform(4, width - 4)
    radius = draws.uniform(1.0, 2.2)
    rubbed = ((y - centre_y) ** 2 + (x - centre_x) ** 2 < radius**2) & draws.chance(GAP_SHARE)
    return frames * ~rubbed


def _blur(frames: Tensor, draws: Draws) -> Tensor:
    soft = F.avg_pool2d(F.pad(frames, (1, 1, 1, 1)), 3, stride=1)
    return frames + draws.uniform(0, 1) * draws.chance(BLUR_SHARE) * (soft - frames)


def _noise(frames: Tensor, draws: Draws) -> Tensor:
    strength = draws.uniform(0, NOISE) * draws.chance(0.5)
    return frames + draws.normal(*frames.shape[1:]) * strength
