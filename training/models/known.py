"""How near a frame is to those that a network was trained on, by what its last layer reads.

Deep nearest neighbours (Sun et al. 2022, arXiv:2204.06507): the score is the cosine of the angle to one
of the nearest training frames. The energy of logits (Liu et al. 2020, arXiv:2010.03759) needs no frames, but
smoothed labels and mixed photographs leave little in it: after two of 18 epochs on CIFAR-10 its mean area
under the curve over 16 kinds of drawings and scans was 0.61, and that of neighbours 0.92.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.models.inputs import as_input
from training.models.networks import Ensemble

# The nearest frame of all may be a stray one. Of 2,000 the tenth is asked; 5 to 20 told about as well.
NEAREST_SHARE = 1 / 200


class Known(nn.Module):
    """A network that also says how near a frame is to those that it was trained on.

    Args:
        model: gives logits, float32 (batch, classes), of what `as_input` returns.
        temperature: what they are divided by before the softmax.
        bank: float16 or float32 (count, width), features of training frames, as `features` returns them.
    """

    def __init__(self, model: nn.Module, temperature: float, bank: Tensor) -> None:
        super().__init__()
        self.model = model
        self.temperature = temperature
        self.bank: Tensor
        self.register_buffer("bank", bank.float())

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Return probabilities, float32 (batch, classes), and scores, float32 (batch,), of uint8 frames."""
        logits, found = logits_and_features(self.model, as_input(frames))
        return torch.softmax(logits / self.temperature, dim=1), nearness(found, self.bank)


def nearness(found: Tensor, bank: Tensor) -> Tensor:
    """Return the cosine of the angle to a near one of the bank: float32 (batch,), -1..1, high = near.

    Args:
        found: float32 (batch, width), each of length 1.
        bank: float32 (count, width), each of length 1.
    """
    return torch.topk(found @ bank.T, nearest_of(len(bank)), dim=1).values[:, -1]


def nearest_of(count: int) -> int:
    """Return which of so many, sorted by nearness, tells how near a frame is: 1 for the nearest."""
    return max(1, round(count * NEAREST_SHARE))


def logits_and_features(model: nn.Module, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Return logits, and what the last layer reads: float32 (batch, width), each of length 1.

    Of an ensemble that is what all its members' last layers read; of a network without a linear layer, which
    could tell where they are, the logits themselves.

    Args:
        model: gives logits.
        inputs: as `as_input` returns them.
    """
    members = list(model.members) if isinstance(model, Ensemble) else [model]
    linear = [[one for one in member.modules() if isinstance(one, nn.Linear)] for member in members]
    read: list[Tensor] = []
    hooks = [
        layers[-1].register_forward_pre_hook(lambda _, given: read.append(given[0]))
        for layers in linear
        if layers
    ]
    try:
        logits = model(inputs)
    finally:
        for hook in hooks:
            hook.remove()
    each = [F.normalize(one.flatten(1), dim=1) for one in read or [logits]]
    return logits, torch.cat(each, dim=1) / len(each) ** 0.5
