"""Augmentation of photographs on tensors: what another camera, moment or place might have shown."""

import torch
import torch.nn.functional as F
from torch import Tensor

from training.data.augment import Draws

SHIFT_SHARE = 1 / 8  # of the side, to each side; what comes in is mirrored
ZOOM_FROM_PX, ZOOM = 64, 0.15  # smaller frames would lose what resampling blurs
COLOUR_SHARE, COLOUR = 0.5, 0.15  # brightness, contrast, saturation, each by itself
# Random erasing (Zhong et al. 2017, arXiv:1708.04896), of a rectangle.
ERASED_SHARE, LEAST_ERASED, MOST_ERASED, ERASED = 0.25, 1 / 8, 3 / 8, 0.45
# Mixup (Zhang et al. 2017, arXiv:1710.09412), of few: short trainings have not the time for more.
MIXED_SHARE, LEAST_OF_OTHER, MOST_OF_OTHER = 0.15, 0.05, 0.4
# Red, green and blue in brightness (ITU-R BT.601).
LUMA = (0.299, 0.587, 0.114)


def augment_photos(photos: Tensor, draws: Draws) -> Tensor:
    """Return the photographs mirrored, shifted, zoomed, lit otherwise, and partly hidden.

    Args:
        photos: float32 (photos, 3, side, side), 0..1.
        draws: random numbers for them.
    """
    photos = torch.where(draws.uniform() < 0, photos.flip(3), photos)
    if photos.shape[3] >= ZOOM_FROM_PX:
        photos = _zoomed(photos, draws)
    photos = _shifted(photos, draws)
    photos = _coloured(photos, draws)
    return _erased(photos, draws)


def mixed(photos: Tensor, others: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
    """Return the photographs, some with another one shining through; and how much of it does.

    Args:
        photos: float32 (photos, 3, side, side), 0..1.
        others: as many.
        draws: random numbers for them.

    Returns:
        The photographs, and float32 (photos, 1), 0..1.
    """
    share = draws.uniform(LEAST_OF_OTHER, MOST_OF_OTHER) * draws.chance(MIXED_SHARE)
    return photos + share * (others - photos), share[:, :, 0, 0]


def _shifted(photos: Tensor, draws: Draws) -> Tensor:
    """Shift by whole pixels, so that nothing is blurred."""
    side = photos.shape[3]
    most = round(side * SHIFT_SHARE)
    padded = F.pad(photos, (most,) * 4, mode="reflect").permute(0, 2, 3, 1)
    start = [(most + (most + 0.49) * draws.uniform()).round().long().flatten()[:, None] for _ in "yx"]
    rows, columns = (one + torch.arange(side, device=photos.device) for one in start)
    each = torch.arange(len(photos), device=photos.device)[:, None, None]
    return padded[each, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def _zoomed(photos: Tensor, draws: Draws) -> Tensor:
    scale = 1 + draws.up_to(ZOOM).flatten()
    nothing = torch.zeros_like(scale)
    rows = [torch.stack(row, dim=1) for row in ((scale, nothing, nothing), (nothing, scale, nothing))]
    grid = F.affine_grid(torch.stack(rows, dim=1), list(photos.shape), align_corners=False)
    return F.grid_sample(photos, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def _coloured(photos: Tensor, draws: Draws) -> Tensor:
    brightness, contrast, saturation = (
        1 + draws.up_to(COLOUR) * draws.chance(COLOUR_SHARE) for _ in range(3)
    )
    luma = torch.tensor(LUMA, device=photos.device).reshape(1, 3, 1, 1)
    gray = (photos * luma).sum(dim=1, keepdim=True)
    photos = gray + saturation * (photos - gray)
    middle = gray.mean(dim=(2, 3), keepdim=True)
    return (brightness * (middle + contrast * (photos - middle))).clamp(0, 1)


def _erased(photos: Tensor, draws: Draws) -> Tensor:
    side = photos.shape[3]
    place = torch.arange(side, device=photos.device)
    inside = draws.chance(ERASED_SHARE)
    for shape in ((1, 1, side, 1), (1, 1, 1, side)):
        length = draws.uniform(LEAST_ERASED, MOST_ERASED) * side
        start = draws.uniform(0, 1) * (side - length)
        along = place.reshape(shape)
        inside = inside & (along >= start) & (along < start + length)
    return torch.where(inside, torch.full_like(photos, ERASED), photos)
