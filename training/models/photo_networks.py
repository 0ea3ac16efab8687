"""The architectures for photographs: a small residual network, and torchvision's by name."""

from functools import cache

import torch
from torch import Tensor, nn

from handler.framings import frame_shape

# Of ImageNet's colours, sRGB 0..1: what weights from elsewhere were trained with, nearly always.
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# Frames with more pixels a side than these are halved once, or twice, before the first stage.
HALVED_FROM_PX, QUARTERED_FROM_PX = 48, 80
# Of the first convolution of a PhotoCnn, and of each of its stages.
CHANNELS = (24, 64, 128, 256)
# They end in two classifiers each, of which one is for training alone.
NOT_FOR_US = ("googlenet", "inception_v3")


class Normalised(nn.Module):
    """A network behind the normalisation of its colours, so that serving has to know nothing of it.

    Args:
        network: gives logits, float32 (batch, classes), of float32 (batch, 3, side, side), normalised.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.mean: Tensor
        self.deviation: Tensor
        for name, values in (("mean", MEAN), ("deviation", DEVIATION)):
            self.register_buffer(name, torch.tensor(values).reshape(1, 3, 1, 1), persistent=False)

    def forward(self, photos: Tensor) -> Tensor:
        """Return logits, float32 (batch, classes), of photos, float32 (batch, 3, side, side), sRGB 0..1."""
        return self.network((photos - self.mean) / self.deviation)


class PhotoCnn(nn.Module):
    """A small residual network for 32 to 96 px: 1.2 million parameters, 81 million multiplications at 32 px.

    To answer takes twice as many: it reads photographs and their mirror images.

    Three stages, each at half of the resolution before it: a convolution, its maximum over 2x2 px, and a
    convolution beside the identity (He et al. 2015, arXiv:1512.03385). With the maximum behind the wide
    convolution, and not a stride in it, it learns more in a minute of a CPU (as in Page 2018, "How to train
    your ResNet"): two epochs into a cycle of four on CIFAR-10 it read 74 % of the test images right, and a
    network with strides and twice as many convolutions beside the identity, 0.8 times as slow, 69 % (one run
    each, mirrored and shifted images).

    Args:
        classes: how many logits.
        side_px: of the frames.
    """

    def __init__(self, classes: int, side_px: int) -> None:
        super().__init__()
        first, *others = CHANNELS
        layers: list[nn.Module] = [
            nn.Conv2d(3, first, 3, stride=1 if side_px < HALVED_FROM_PX else 2, padding=1, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(inplace=True),
        ]
        if side_px >= QUARTERED_FROM_PX:
            layers.append(nn.MaxPool2d(2))
        for before, after in zip(CHANNELS[:-1], others, strict=True):
            layers += [
                nn.Conv2d(before, after, 3, padding=1, bias=False),
                nn.MaxPool2d(2),
                nn.BatchNorm2d(after),
                nn.ReLU(inplace=True),
                Beside(after),
            ]
        self.body = nn.Sequential(*layers, nn.AdaptiveMaxPool2d(1), nn.Flatten())
        self.head = nn.Linear(CHANNELS[-1], classes)

    def forward(self, photos: Tensor) -> Tensor:
        """Return logits, float32 (batch, classes), of photos, float32 (batch, 3, side, side), normalised.

        Except in training, these are the means of those of the photo and of its mirror image (as in Page
        2018), for twice the time: of CIFAR-10's test photographs 90.5 % were right instead of 89.5 with one
        set of weights, 89.3 instead of 88.3 with another.
        """
        features = self.body(photos)
        if not self.training:
            # The head is linear, so that these means give those; and what it reads is alike for both, too.
            features = (features + self.body(photos.flip(3))) / 2
        return self.head(features)


class Beside(nn.Module):
    """A 3x3 convolution beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolution = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape, float32 (batch, channels, height, width)."""
        return features + self.convolution(features)


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
        raise reads_no_photographs(architecture)
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
        f"--model {architecture} cannot read frames of 28x28 px: give --framing photo, or choose one of "
        f"{', '.join(others)}."
    )


def reads_no_photographs(architecture: str) -> ValueError:
    """Return the error for what is for frames of 28x28 px alone."""
    return ValueError(
        f"--model {architecture} cannot read photographs: choose cnn, or one of torchvision's: "
        f"{', '.join(torchvision_names())}."
    )
