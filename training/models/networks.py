"""The architectures: one nn.Module each, frames in, logits out."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from handler.frame import FRAME_PX
from handler.framings import is_photo
from training.models.inputs import as_input
from training.models.photo_networks import photo_network, reads_no_gray


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
        inner: channels between the two convolutions of each residual block; None: as many as around it.
    """

    def __init__(
        self,
        classes: int,
        channels: tuple[int, int, int] = (16, 32, 64),
        dropout: float = 0.1,
        inner: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        first, second, third = channels
        second_inner, third_inner = inner or (second, third)
        self.body = nn.Sequential(
            convolution(1, first),
            convolution(first, second, stride=2),
            ResidualBlock(second, second_inner),
            convolution(second, third, stride=2),
            ResidualBlock(third, third_inner),
            nn.Conv2d(third, third, FRAME_PX // 4, groups=third, bias=False),
            nn.BatchNorm2d(third),
            nn.ReLU(inplace=True),
            nn.Flatten(),
            nn.Dropout(dropout),
        )
        self.head = nn.Linear(third, classes)

    def forward(self, frames: Tensor) -> Tensor:
        """Return logits, float32 (batch, classes), of float32 frames (batch, 1, 28, 28), 0 paper .. 1 ink."""
        return self.head(self.body(frames))


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside the identity."""

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.first = convolution(channels, inner)
        self.second = nn.Sequential(
            nn.Conv2d(inner, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape, float32 (batch, channels, height, width)."""
        return torch.relu(features + self.second(self.first(features)))


def convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """Return a 3x3 convolution with batch normalisation and ReLU, at 1 / stride of the resolution."""
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
        """Return logits, float32 (batch, classes), of float32 frames (batch, 1, 28, 28), 0 paper .. 1 ink."""
        return self.head(self.body(frames))


class Vit(nn.Module):
    """A tiny vision transformer (Dosovitskiy et al. 2020, arXiv:2010.11929): about 210,000 parameters.

    The frame is cut into 49 patches of 4x4 px; each becomes a token that looks at all others, four times. The
    mean of the tokens is read, which is as good as a class token (Beyer et al. 2022, arXiv:2205.01580).

    Args:
        classes: how many logits.
        width: numbers a token.
        blocks: how often tokens look at each other.
        heads: in how many ways at a time.
    """

    PATCH_PX = 4
    TOKENS = (FRAME_PX // PATCH_PX) ** 2

    def __init__(self, classes: int, width: int = 64, blocks: int = 4, heads: int = 4) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, width, self.PATCH_PX, stride=self.PATCH_PX)
        # Without positions a drawing is a bag of patches. They start as large as what a patch holds: from the
        # usual 0.02 it took twice as many steps until anything was learnt.
        self.positions = nn.Parameter(torch.randn(1, self.TOKENS, width) * 0.5)
        self.blocks = nn.Sequential(*(TransformerBlock(width, heads) for _ in range(blocks)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, frames: Tensor) -> Tensor:
        """Return logits, float32 (batch, classes), of float32 frames (batch, 1, 28, 28), 0 paper .. 1 ink."""
        tokens = self.patches(frames).flatten(2).transpose(1, 2)  # (batch, 49, width)
        tokens = self.blocks(tokens + self.positions)
        return self.head(self.norm(tokens).mean(dim=1))


class TransformerBlock(nn.Module):
    """Attention, then two layers for each token by itself, both beside the identity and normalised before."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.attention_out = nn.Linear(width, width)
        last = nn.Linear(4 * width, width)
        self.layers = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), last)
        # A block starts as the identity (as in Goyal et al. 2017, arXiv:1706.02677), or the recipe's learning
        # rate, which convolutions like, would shake it for most of a short run.
        nn.init.zeros_(self.attention_out.weight)
        nn.init.zeros_(last.weight)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return tokens of the same shape, float32 (batch, tokens, width)."""
        tokens = tokens + self._attention(self.attention_norm(tokens))
        return tokens + self.layers(tokens)

    def _attention(self, tokens: Tensor) -> Tensor:
        three = self.queries_keys_values(tokens).unflatten(2, (3, self.heads, -1))
        queries, keys, values = three.permute(2, 0, 3, 1, 4)  # each (batch, heads, tokens, width / heads)
        # Written out: for so few tokens torch's fused kernel saves nothing, and a CPU trains it in bfloat16
        # at a third of the speed.
        looks = torch.softmax(queries * queries.shape[-1] ** -0.5 @ keys.transpose(-1, -2), dim=-1)
        return self.attention_out((looks @ values).transpose(1, 2).flatten(2))


class Ensemble(nn.Module):
    """Several networks that read the same frame: the weighted mean of their log-probabilities.

    Networks of different kinds err on different frames, so together they err less (Hansen and Salamon 1990,
    doi:10.1109/34.58871).

    Args:
        members: give logits, float32 (batch, classes), for the same frames.
    """

    def __init__(self, members: list[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        # (members,) each, part of the state: what a member's logits are divided by, and how much it counts.
        self.temperatures: Tensor
        self.shares: Tensor
        self.register_buffer("temperatures", torch.ones(len(members)))
        self.register_buffer("shares", torch.full((len(members),), 1 / len(members)))

    def forward(self, frames: Tensor) -> Tensor:
        """Return logits, float32 (batch, classes), of float32 frames (batch, 1, 28, 28), 0 paper .. 1 ink."""
        read = [
            self.shares[index] * torch.log_softmax(member(frames) / self.temperatures[index], dim=1)
            for index, member in enumerate(self.members)
        ]
        return torch.stack(read).sum(dim=0)


# What --model names: how to build a network for so many classes.
MODELS: dict[str, Callable[[int], nn.Module]] = {
    "cnn": Cnn,
    "cnn-8": partial(Cnn, channels=(8, 16, 32)),
    "cnn-24": partial(Cnn, channels=(24, 48, 96)),
    "cnn-slim": partial(Cnn, inner=(16, 32)),  # at 16 and 32 channels ONNX Runtime's kernels are full
    "cnn-32": partial(Cnn, channels=(32, 64, 128)),
    "lenet5": LeNet5,
    "vit": Vit,
}


def build(architecture: str, classes: int, framing: str = "ink") -> nn.Module:
    """Return a network with fresh weights.

    Args:
        architecture: a key of MODELS, for photographs as `photo_network` takes it; several with "+" between.
        classes: how many logits.
        framing: of its frames, as handler.framings has it.

    Raises:
        ValueError: there is no such architecture for these frames.
    """
    names = architecture.split("+")
    if len(names) > 1:
        return Ensemble([build(name, classes, framing) for name in names])
    if is_photo(framing):
        return photo_network(architecture, classes, framing)
    if architecture not in MODELS:
        raise reads_no_gray(architecture, list(MODELS))
    return MODELS[architecture](classes)


class Served(nn.Module):
    """What the archive carries: uint8 frames in, calibrated probabilities out."""

    def __init__(self, model: nn.Module, temperature: float) -> None:
        super().__init__()
        self.model = model
        self.temperature = temperature

    def forward(self, frames: Tensor) -> Tensor:
        """Return probabilities, float32 (batch, classes), for frames, uint8 as `as_input` takes them."""
        logits = self.model(as_input(frames))
        return torch.softmax(logits / self.temperature, dim=1)
