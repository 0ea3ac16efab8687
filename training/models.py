"""The architectures: one nn.Module each, frames in, logits out."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from handler.frame import FRAME_PX


class Cnn(nn.Module):
    """A small residual network: about 120,000 parameters, 6 million multiplications a frame.

    Three resolutions (28, 14, 7 px), batch normalisation, one residual block (He et al. 2015,
    arXiv:1512.03385) at each of the lower two. A depthwise convolution over the whole 7x7 takes the place
    of the average over space (Chen et al. 2018, arXiv:1804.07573): frames are centred, so where ink lies
    means something.

    Args:
        classes: how many logits.
        channels: at each resolution.
        dropout: the share of features that training leaves out before the last layer.
        blocks: whether there are the residual blocks.
        average: whether the average over space is taken after all.
    """

    def __init__(
        self,
        classes: int,
        channels: tuple[int, int, int] = (16, 32, 64),
        dropout: float = 0.1,
        blocks: bool = True,
        average: bool = False,
    ) -> None:
        super().__init__()
        first, second, third = channels
        self.body = nn.Sequential(
            _conv(1, first),
            _conv(first, second, stride=2),
            ResidualBlock(second) if blocks else nn.Identity(),
            _conv(second, third, stride=2),
            ResidualBlock(third) if blocks else nn.Identity(),
            nn.AdaptiveAvgPool2d(1)
            if average
            else nn.Conv2d(third, third, FRAME_PX // 4, groups=third, bias=False),
            nn.BatchNorm2d(third),
            nn.ReLU(inplace=True),
            nn.Flatten(),
            nn.Dropout(dropout),
        )
        self.head = nn.Linear(third, classes)

    def forward(self, frames: Tensor) -> Tensor:
        """Give logits, float32 (batch, classes), for frames, float32 (batch, 1, 28, 28), 0 paper .. 1 ink."""
        return self.head(self.body(frames))


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _conv(channels, channels)
        self.second = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Give features of the same shape, float32 (batch, channels, height, width)."""
        return torch.relu(features + self.second(self.first(features)))


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class LeNet5(nn.Module):
    """The classic for scale: LeNet-5 (LeCun et al. 1998, doi:10.1109/5.726791), 62,000 parameters.

    As it is built today: maximum pooling and ReLU in place of trained averages and tanh, and every map of the
    second layer sees all six of the first.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(16 * 5 * 5, 120),
            nn.ReLU(inplace=True),
            nn.Linear(120, 84),
            nn.ReLU(inplace=True),
        )
        self.head = nn.Linear(84, classes)

    def forward(self, frames: Tensor) -> Tensor:
        """Give logits, float32 (batch, classes), for frames, float32 (batch, 1, 28, 28), 0 paper .. 1 ink."""
        return self.head(self.body(frames))


# What --model names: how to build a network for so many classes. training/candidates.py compares them.
MODELS: dict[str, Callable[[int], nn.Module]] = {
    "cnn": Cnn,
    "cnn-8": partial(Cnn, channels=(8, 16, 32)),
    "cnn-24": partial(Cnn, channels=(24, 48, 96)),
    "cnn-32": partial(Cnn, channels=(32, 64, 128)),
    "cnn-no-blocks": partial(Cnn, blocks=False),
    "cnn-average": partial(Cnn, average=True),
    "lenet5": LeNet5,
}


class Served(nn.Module):
    """What the archive carries: uint8 frames in, calibrated probabilities out."""

    def __init__(self, model: nn.Module, temperature: float) -> None:
        super().__init__()
        self.model = model
        self.temperature = temperature

    def forward(self, frames: Tensor) -> Tensor:
        """Give probabilities, float32 (batch, classes), for frames, uint8 (batch, 28, 28), 255 = ink."""
        logits = self.model(frames.unsqueeze(1).float() / 255)
        return torch.softmax(logits / self.temperature, dim=1)
