"""What a run begins with: a network, fresh or with weights from elsewhere, and what moves its weights."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR

from handler.framings import is_photo
from training.data.frames import DataSet
from training.fitting.settings import Settings
from training.models.first_weights import begin_with, freeze
from training.models.networks import build

LEARNING_RATE = 4e-3  # AdamW's peak; the cycle warms up to it and ends near zero
# Its peak for weights that have learnt before, and all go on: it moves them far enough to learn something
# new, and not so far that they have to find again what they know.
FURTHER_RATE = 1e-3
WARM_UP_SHARE = 0.15
# AdamW forgets in about 1 / (rate * decay) steps, which should not be many more than a run has (Wang and
# Aitchison 2025, arXiv:2405.13698): with a fifth of this decay 0.4 more of 100 photographs of CIFAR-10 were
# read wrong after 7,000 steps. Drawings are changed as much to the end of a run, and do not need that.
PHOTO_WEIGHT_DECAY, WEIGHT_DECAY = 0.1, 0.02


def network(settings: Settings, data: DataSet, device: torch.device, say: Callable[[str], None]) -> nn.Module:
    """Return the network to train, on its device.

    Raises:
        FileNotFoundError: the file with the first weights is not there.
        ValueError: it does not fit, or there is no such network for these frames.
    """
    model = build(settings.model, len(data.label_names), data.framing)
    if settings.init:
        say(begin_with(model, Path(settings.init)))
    if settings.freeze:
        freeze(model)
    # Channels last: a CPU trains convolutions of so few channels twice as fast in this layout.
    return model.to(device).to(memory_format=torch.channels_last)


def optimizer(
    settings: Settings, model: nn.Module, framing: str, steps: int
) -> tuple[torch.optim.AdamW, OneCycleLR]:
    """Return what moves the weights that are not frozen, and the learning rate's cycle of so many steps."""
    trained = [one for one in model.parameters() if one.requires_grad]
    adamw = torch.optim.AdamW(trained, weight_decay=PHOTO_WEIGHT_DECAY if is_photo(framing) else WEIGHT_DECAY)
    peak = FURTHER_RATE if settings.init and not settings.freeze else LEARNING_RATE
    return adamw, OneCycleLR(adamw, peak, total_steps=steps, pct_start=WARM_UP_SHARE)
