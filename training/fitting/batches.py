"""A batch as training shows it: frames that were changed, and what a network is to say of them."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from handler.framings import is_photo
from training.data.augment import Draws, augment
from training.data.photographs import augment_photos, mixed
from training.models.inputs import as_input

# Augmentation shows what other hands might do, and what nobody does: the last stretch of a run fades it
# out, so that the weights settle on frames as they come (He et al. 2019, arXiv:1909.09148). On validation it
# took a tenth off the loss on MNIST and a fifth off that on strokes. Photographs differ more, and a network
# that sees them as they come for so long learns them by heart: training's loss fell, validation stood still.
FADE_FROM, PHOTOS_FADE_FROM = 0.6, 0.85  # of the run
FADED_STRENGTH = 0.2


def strength(done: float, framing: str) -> float:
    """Return how strong augmentation is: 1, and in a run's last stretch straight down to FADED_STRENGTH.

    Args:
        done: how much of the run is over, 0..1.
        framing: of its frames.
    """
    fades_from = PHOTOS_FADE_FROM if is_photo(framing) else FADE_FROM
    return 1 - (1 - FADED_STRENGTH) * max(0.0, (done - fades_from) / (1 - fades_from))


def changed(frames: Tensor, generator: torch.Generator) -> np.ndarray:
    """Return frames, uint8, as augmentation changes them, uint8 of the same shape; none is mixed."""
    given = as_input(frames)
    if frames.dim() == 3:
        made = augment(given, generator)[:, 0]
    else:
        draws = Draws(generator, len(frames), slice(None), frames.device)
        made = augment_photos(given, draws).permute(0, 2, 3, 1)
    return made.mul(255).round().byte().numpy()


def shown(
    frames: Tensor, labels: Tensor, batch: Tensor, part: slice, generator: torch.Generator, strength: float,
    classes: int,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Return this process's share of a batch: augmented frames, channels last, and their targets.

    Targets are labels, int64 (frames,), or for photographs, which are mixed, float32 (frames, classes).

    Args:
        frames: uint8, of the whole data set.
        labels: int64, of the whole data set.
        batch: int64 (batch,), which of them are in the batch, of all processes.
        part: this process's.
        generator: a CPU generator, alike in all processes.
        strength: 0..1, of the augmentation.
        classes: how many labels there are.
    """
    chosen = batch[part].to(frames.device)
    target = labels[chosen]
    if frames.dim() == 3:
        drawn = augment(as_input(frames[chosen]), generator, len(batch), part, strength)
        return drawn.contiguous(memory_format=torch.channels_last), target
    draws = Draws(generator, len(batch), part, frames.device, strength)
    partners = batch.roll(1)[part].to(frames.device)
    photos, share = mixed(as_input(frames[chosen]), as_input(frames[partners]), draws)
    lit = augment_photos(photos, draws).contiguous(memory_format=torch.channels_last)
    own, other = (F.one_hot(labels[which], classes).float() for which in (chosen, partners))
    return lit, own + share * (other - own)
