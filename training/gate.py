"""The gate: a small network beside the classifier that says whether a frame shows a digit at all.

    python -m training.gate --data DIR

trains it and writes model_store/digit_gate.safetensors. It is a network of its own, so that it serves beside
every classifier of digits, scikit-learn's too.
"""

import argparse
import os
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from training import tensor_file
from training.models import convolution

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
    """A strided network of 35,000 parameters and 1 million multiplications a frame.

    It tells eleven classes apart, the ten digits and "none of them", since what makes a 3 says more about
    what is no digit than what all ten have in common. Like training.models.Cnn it ends with a depthwise
    convolution over all that is left of the frame.

    Args:
        channels: at 14, 7 and 4 px.
    """

    def __init__(self, channels: tuple[int, int, int] = (16, 32, 64)) -> None:
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
        """Give logits, float32 (batch, 11), for frames, float32 (batch, 1, 28, 28), 0 paper .. 1 ink."""
        return self.head(self.body(frames))

    def forward(self, frames: Tensor) -> Tensor:
        """Give digit_score, float32 (batch,), 0..1, high = a digit, for uint8 (batch, 28, 28), 255 = ink.

        It is the probability of a digit where digits and outliers are equally frequent, as in training.
        """
        return 1 - torch.softmax(self.logits(frames.unsqueeze(1).float() / 255), dim=1)[:, NONE]


def save(path: Path, gate: Gate, about: GateAbout) -> None:
    """Write a gate's file; a reader sees the old one or the new one, never half of it."""
    tensor_file.save(path, gate.state_dict(), about)


def load(path: Path) -> tuple[Gate, GateAbout]:
    """Give the gate, in evaluation mode on the CPU, and what its file says of it.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not a gate's.
    """
    return tensor_file.load(path, _rebuilt, "weights of a gate", "python -m training.gate --data DIR")


def _rebuilt(found: dict[str, Any], state: dict[str, Tensor]) -> tuple[Gate, GateAbout]:
    # Files may say more: earlier ones named an architecture, of which there is one.
    about = GateAbout(**{field.name: found[field.name] for field in fields(GateAbout)})
    gate = Gate()
    gate.load_state_dict(state)
    return gate.eval(), about


def main(arguments: list[str] | None = None) -> int:
    """Run the command; give the exit status."""
    # Serving and the archive load gates without what only training needs.
    from training.gate_training import Recipe, train
    from training.settings import natural, positive

    parser = argparse.ArgumentParser(
        prog="python -m training.gate", description=(__doc__ or "").split("\n")[0]
    )
    default_data = Path(os.environ.get("MNIST_DIR", "data"))
    parser.add_argument("--data", type=Path, default=default_data, help="the folder of MNIST and pen strokes")
    parser.add_argument(
        "--out", type=Path, default=DEFAULT_GATE, help="the gate's file (default: %(default)s)"
    )
    parser.add_argument(
        "--steps", type=positive, default=Recipe.steps, help="training steps (default: %(default)s)"
    )
    parser.add_argument("--seed", type=natural, default=Recipe.seed)
    parser.add_argument("--version", default="1.0.0", help="the gate's version")
    given = parser.parse_args(arguments)
    try:
        gate, about = train(given.data, Recipe(given.steps, given.seed), given.version)
    except (FileNotFoundError, ValueError) as error:
        print(f"gate: {error}", file=sys.stderr)
        return 1
    save(given.out, gate, about)
    print(f"{given.out} ({given.out.stat().st_size / 1e3:.0f} kB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
