"""The gate: a small network beside the classifier that says whether a frame shows a digit at all.

It is a network of its own, so that it serves beside every classifier of digits, scikit-learn's too.
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from training.models import tensor_file
from training.models.networks import convolution

DEFAULT_GATE = Path("model_store/digit_gate.safetensors")
DIGITS = 10
NONE = DIGITS  # the class of what is no digit


@dataclass(frozen=True)
class GateAbout:
    """What a gate's file says of itself.

    Attributes:
        threshold: a picture is called a digit when its score is at least this.
        preprocessing: fingerprint of the preprocessing that it was trained with.
        version: the gate's own version.
        measured: the figures that training printed.
    """

    threshold: float
    preprocessing: str
    version: str
    measured: dict[str, Any]


class Gate(nn.Module):
    """A strided network of 87,000 parameters and 2.3 million multiplications a frame.

    It tells eleven classes apart, the ten digits and "none of them", since what makes a 3 says more about
    what is no digit than what all ten have in common. Like training.models.networks.Cnn it ends with a
    depthwise convolution over all that is left of the frame.

    Args:
        channels: at 14, 7 and 4 px.
    """

    def __init__(self, channels: tuple[int, int, int] = (16, 48, 128)) -> None:
        super().__init__()
        first, second, third = channels
        self.body = nn.Sequential(
            convolution(1, first, stride=2),
            convolution(first, second, stride=2),
            convolution(second, second),
            convolution(second, third, stride=2),
            nn.Conv2d(third, third, 4, groups=third, bias=False),
            nn.BatchNorm2d(third),
            nn.ReLU(inplace=True),
            nn.Flatten(),
        )
        self.head = nn.Linear(third, DIGITS + 1)

    def logits(self, frames: Tensor) -> Tensor:
        """Return logits, float32 (batch, 11), for frames, float32 (batch, 1, 28, 28), 0 paper .. 1 ink."""
        return self.head(self.body(frames))

    def forward(self, frames: Tensor) -> Tensor:
        """Return digit_score, float32 (batch,), 0..1, high = a digit, for uint8 (batch, 28, 28), 255 = ink.

        It is the probability of a digit where digits and outliers are equally frequent, as in training.
        """
        return 1 - torch.softmax(self.logits(frames.unsqueeze(1).float() / 255), dim=1)[:, NONE]


def save(path: Path, gate: Gate, about: GateAbout) -> None:
    """Write a gate's file; a reader sees the old one or the new one, never half of it."""
    tensor_file.save(path, gate.state_dict(), about)


def load(path: Path) -> tuple[Gate, GateAbout]:
    """Return the gate, in evaluation mode on the CPU, and what its file says of it.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not a gate's.
    """
    return tensor_file.load(path, _rebuilt, "weights of a gate", "python -m training.gate --data DIR")


def _rebuilt(found: dict[str, Any], state: dict[str, Tensor]) -> tuple[Gate, GateAbout]:
    # Files may say more: earlier ones named an architecture, of which there is one.
    about = GateAbout(**{field.name: found[field.name] for field in fields(GateAbout)})
    # Gates of version 1.0.0 are narrower.
    first, second, third = (len(state[f"body.{at}.0.weight"]) for at in (0, 1, 3))
    gate = Gate((first, second, third))
    gate.load_state_dict(state)
    return gate.eval(), about
