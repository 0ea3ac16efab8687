"""The network of `handler/writing.py`."""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from handler.writing import STEP_PX
from system.files import written_aside
from training.models.networks import convolution
from training.models.onnx_program import program_of

# Evenly lit paper without anything on it has a deviation of nearly zero, and its noise is no writing.
LEAST_DEVIATION = 0.02


class Writing(nn.Module):
    """A U-Net of 175,000 parameters and 80 million multiplications a picture of 192x144 px.

    Four halvings down, and up again beside what the way down saw, by addition and not side by side, which is
    half as dear. At the lowest resolution a dilated convolution sees most of the picture: a circle around a
    digit is told by what is in it.

    Args:
        channels: at a half, a quarter, an eighth and a sixteenth of the resolution.
    """

    def __init__(self, channels: tuple[int, int, int, int] = (12, 24, 48, 64)) -> None:
        super().__init__()
        befores = (3, *channels[:-1])
        self.down = nn.ModuleList(
            nn.Sequential(convolution(before, after, stride=2), convolution(after, after))
            for before, after in zip(befores, channels, strict=True)
        )
        lowest = channels[-1]
        self.far = nn.Sequential(
            nn.Conv2d(lowest, lowest, 3, padding=3, dilation=3, bias=False),
            nn.BatchNorm2d(lowest),
            nn.ReLU(inplace=True),
        )
        self.across = nn.ModuleList(
            nn.Conv2d(below, above, 1) for above, below in zip(channels[-2::-1], channels[:0:-1], strict=True)
        )
        self.up = nn.ModuleList(convolution(above, above) for above in channels[-2::-1])
        self.head = nn.Conv2d(channels[0], 4, 3, padding=1)

    def logits(self, pictures: Tensor) -> Tensor:
        """Return logits of the pen's cover, float32 (batch, rows, columns).

        Args:
            pictures: float32 (batch, 3, rows, columns), of any range; rows and columns are multiples of 16.
        """
        average = pictures.mean(dim=(2, 3), keepdim=True)
        deviation = (pictures - average).square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
        features, seen = (pictures - average) / (deviation + LEAST_DEVIATION), []
        for layer in self.down:
            features = layer(features)
            seen.append(features)
        features = self.far(features)
        for across, up, beside in zip(self.across, self.up, seen[-2::-1], strict=True):
            features = up(F.interpolate(across(features), scale_factor=2.0, mode="nearest") + beside)
        return F.pixel_shuffle(self.head(features), 2)[:, 0]

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the pen's cover, float32 (batch, rows, columns), 0..1.

        Args:
            pictures: uint8 (batch, rows, columns, 3), RGB; rows and columns are multiples of 16.
        """
        return torch.sigmoid(self.logits(pictures.permute(0, 3, 1, 2).float() / 255))


def export(network: Writing, path: Path) -> None:
    """Write the network as ONNX: `pictures`, as `Writing.forward` takes them, and `cover`.

    Args:
        network: in evaluation mode.
        path: of the file; a reader sees the old one or the new one, never half of it.
    """
    rows, columns = (STEP_PX * torch.export.Dim(name, min=1, max=64) for name in ("rows", "columns"))
    example = torch.zeros((1, 3 * STEP_PX, 4 * STEP_PX, 3), dtype=torch.uint8)
    program = program_of(network, "pictures", example, ["cover"], {1: rows, 2: columns})
    with written_aside(path) as draft:
        program.save(str(draft))
