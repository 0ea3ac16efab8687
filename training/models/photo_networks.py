"""The architectures for photographs: a small network, and torchvision's by name."""

from functools import cache
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from handler.framings import frame_shape

# Of ImageNet's colours, sRGB 0..1: what weights from elsewhere were trained with, nearly always.
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# Frames with more pixels a side than these are halved once, or twice, before the first stage.
HALVED_FROM_PX, QUARTERED_FROM_PX = 48, 80
PATCH_PX = 2
VALUES_A_PATCH = 3 * PATCH_PX**2
LEAST_VARIANCE = 5e-4  # added to those of patches, so that what hardly varies is not mostly noise
LOGITS_OVER = 9.0  # so that training begins with answers that are not sure
# They end in two classifiers each, of which one is for training alone.
NOT_FOR_US = ("googlenet", "inception_v3")


class Normalised(nn.Module):
    """A network behind the normalisation of its colours, so that serving has to know nothing of it.

    Args:
        network: gives logits, float32 (batch, classes), of float32 (batch, 3, side, side), normalised.
        mean: of red, green and blue, 0..1.
        deviation: of each.
    """

    def __init__(
        self,
        network: nn.Module,
        mean: tuple[float, float, float] = MEAN,
        deviation: tuple[float, float, float] = DEVIATION,
    ) -> None:
        super().__init__()
        self.network = network
        self.mean: Tensor
        self.deviation: Tensor
        for name, values in (("mean", mean), ("deviation", deviation)):
            self.register_buffer(name, torch.tensor(values).reshape(1, 3, 1, 1), persistent=False)

    def forward(self, photos: Tensor) -> Tensor:
        """Return logits, float32 (batch, classes), of photos, float32 (batch, 3, side, side), sRGB 0..1."""
        return self.network((photos - self.mean) / self.deviation)

    def begin_with(self, photos: Tensor) -> None:
        """Let a fresh network see what photographs it will read: float32 (photos, 3, side, side), 0..1."""
        if isinstance(self.network, PhotoCnn):
            self.network.begin_with((photos - self.mean) / self.deviation)


class PhotoCnn(nn.Module):
    """A small network for 32 to 96 px: 1.2 million parameters, 65 million multiplications at 32 px.

    The network of airbench (Jordan 2024, arXiv:2404.00498), narrower: a layer that whitens patches of 2x2 px
    and stays as it was made, then three stages of two convolutions, each at half of the resolution before it.
    The maximum over 2x2 px is taken behind the first convolution of a stage.

    Args:
        classes: how many logits.
        side_px: of the frames.
        channels: of each stage.
    """

    def __init__(self, classes: int, side_px: int, channels: tuple[int, int, int] = (64, 128, 256)) -> None:
        super().__init__()
        stride = 1 if side_px < HALVED_FROM_PX else PATCH_PX
        self.patches = nn.Conv2d(3, 2 * VALUES_A_PATCH, PATCH_PX, stride=stride)
        self.patches.weight.requires_grad_(False)
        layers: list[nn.Module] = [nn.ReLU(inplace=True)]
        if side_px >= QUARTERED_FROM_PX:
            layers.append(nn.MaxPool2d(2))
        for before, after in pairwise((2 * VALUES_A_PATCH, *channels)):
            layers += [
                _convolution(before, after),
                nn.MaxPool2d(2),
                nn.BatchNorm2d(after),
                nn.ReLU(inplace=True),
                _convolution(after, after),
                nn.BatchNorm2d(after),
                nn.ReLU(inplace=True),
            ]
        self.body = nn.Sequential(*layers, nn.AdaptiveMaxPool2d(1), nn.Flatten())
        self.head = nn.Linear(channels[-1], classes)
        self._whiten(torch.eye(VALUES_A_PATCH), torch.zeros(VALUES_A_PATCH))

    def forward(self, photos: Tensor) -> Tensor:
        """Return logits, float32 (batch, classes), of photos, float32 (batch, 3, side, side), normalised."""
        return self.head(self.body(self.patches(photos))) / LOGITS_OVER

    @torch.no_grad()
    def begin_with(self, photos: Tensor) -> None:
        """Whiten patches such as these photographs': float32 (photos, 3, side, side), normalised.

        The numbers that the first layer makes of a patch have then all the same variance, and none says what
        another one says, so that the layers above it learn from all of them at once.
        """
        patches = F.unfold(photos, PATCH_PX, stride=PATCH_PX).transpose(1, 2).reshape(-1, VALUES_A_PATCH)
        self._whiten(patches.T.cov(), patches.mean(dim=0))

    @torch.no_grad()
    def _whiten(self, covariance: Tensor, mean: Tensor) -> None:
        variances, directions = torch.linalg.eigh(covariance)
        filters = (directions / (variances + LEAST_VARIANCE).sqrt()).T
        both = torch.cat([filters, -filters])  # ReLU keeps one half of what each says
        self.patches.weight.copy_(both.reshape(self.patches.weight.shape))
        self.patches.bias = nn.Parameter(-both @ mean)


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    """Return a 3x3 convolution whose first channels begin as the identity of its inputs."""
    made = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    nn.init.dirac_(made.weight.data[:inputs])
    return made


@cache
def torchvision_names() -> tuple[str, ...]:
    """Return which of torchvision's networks can be trained on photographs, by name."""
    from torchvision import models

    return tuple(sorted(set(models.list_models(module=models)) - set(NOT_FOR_US)))


def photo_network(architecture: str, classes: int, framing: str) -> nn.Module:
    """Return a network with fresh weights for photographs.

    Args:
        architecture: "cnn", or one of `torchvision_names`.
        classes: how many logits.
        framing: of the photographs; says how large they are.

    Raises:
        ValueError: there is no such network for photographs of this size.
    """
    side_px = frame_shape(framing)[0]
    if architecture == "cnn":
        return Normalised(PhotoCnn(classes, side_px))
    if architecture not in torchvision_names():
        raise ValueError(
            f"--model {architecture} reads no photographs: take cnn, or one of torchvision's: "
            f"{', '.join(torchvision_names())}."
        )
    from torchvision import models

    network = models.get_model(architecture, weights=None, num_classes=classes)
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(1, 3, side_px, side_px))
    except (RuntimeError, ValueError, AssertionError) as error:
        raise ValueError(
            f"--model {architecture} cannot read frames of {side_px}x{side_px} px ({error}): "
            "give --framing photo-224, or another network."
        ) from None
    return Normalised(network.train())


def reads_no_gray(architecture: str, others: list[str]) -> ValueError:
    """Return the error for a network that is for photographs alone, if it is one; these others are not."""
    return ValueError(
        f"--model {architecture} reads no frames of 28x28 px: give --framing photo, or take one of "
        f"{', '.join(others)}."
    )
