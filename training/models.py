"""The architectures: one nn.Module each, frames in, logits out."""

import torch
from torch import Tensor, nn

from handler.frame import FRAME_PX


class Cnn(nn.Module):
    """A small residual network: about 120,000 parameters, 6 million multiplications a frame.

    Three resolutions (28, 14, 7 px), batch normalisation, one residual block (He et al. 2015,
    arXiv:1512.03385) at each of the lower two. A depthwise convolution over the whole 7x7 takes the place
    of the average over space (Chen et al. 2018, arXiv:1804.07573): frames are centred, so where ink lies
    means something.
    """

    def __init__(
        self, classes: int, channels: tuple[int, int, int] = (16, 32, 64), dropout: float = 0.1
    ) -> None:
        super().__init__()
        first, second, third = channels
        self.body = nn.Sequential(
            _conv(1, first),
            _conv(first, second, stride=2),
            ResidualBlock(second),
            _conv(second, third, stride=2),
            ResidualBlock(third),
            nn.Conv2d(third, third, FRAME_PX // 4, groups=third, bias=False),
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


MODELS: dict[str, type[nn.Module]] = {"cnn": Cnn}


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
