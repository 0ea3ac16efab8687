"""Networks that somebody might bring: small ones, each with something of its own."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LABELS = ("leaf", "sky", "sand")


class Plain(nn.Module):
    """Logits of three labels, of pictures of 32 px."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3, stride=4), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())
        self.head = nn.Linear(4 * 8 * 8, len(LABELS))

    def forward(self, pictures: Tensor) -> Tensor:
        """Return logits."""
        return self.head(self.body(pictures))


class Counts(Plain):
    """ONNX has no operator for a histogram."""

    def forward(self, pictures: Tensor) -> Tensor:
        """Return logits."""
        return self.head(self.body(pictures)) + torch.histc(pictures, len(LABELS))


class Anything(Plain):
    """Takes whatever it is given, as what torch.compile and DataParallel return does."""

    def forward(self, *given: Tensor) -> Tensor:
        """Return logits."""
        return super().forward(*given)


INSTANCE = Plain()


class Branches(Plain):
    """Goes another way with a light picture."""

    def forward(self, pictures: Tensor) -> Tensor:
        """Return logits."""
        if pictures.mean() > 0.5:
            pictures = 1 - pictures
        return self.head(self.body(pictures))


class OfThree(Plain):
    """Reads three pictures at once, and nothing else."""

    def forward(self, pictures: Tensor) -> Tensor:
        """Return logits."""
        return self.head(self.body(pictures).reshape(3, -1))


class Chance(Plain):
    """Its dropout is never switched off."""

    def forward(self, pictures: Tensor) -> Tensor:
        """Return logits."""
        return 30 * self.head(F.dropout(self.body(pictures), training=True))


class OfItsBatch(Plain):
    """Its batch normalisation is that of training, always."""

    def forward(self, pictures: Tensor) -> Tensor:
        """Return logits."""
        return 30 * self.head(self.body(F.batch_norm(pictures, None, None, training=True)))


class Sure(Plain):
    """Gives probabilities."""

    def forward(self, pictures: Tensor) -> Tensor:
        """Return probabilities."""
        return super().forward(pictures).softmax(dim=1)


class Two(Plain):
    """Gives more than logits."""

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Return logits and features."""
        features = self.body(pictures)
        return self.head(features), features


class Broken(Plain):
    """Has a weight that is no number."""

    def __init__(self) -> None:
        super().__init__()
        nn.init.constant_(self.head.bias, float("nan"))


class Other(nn.Module):
    """A network around another one, as many are saved."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Plain()

    def forward(self, pictures: Tensor) -> Tensor:
        """Return logits."""
        return self.model(pictures)


def fails() -> nn.Module:
    raise RuntimeError("no such checkpoint")


def nothing() -> str:
    return "a network"


class Always(Plain):
    """Gives its first label, whatever it sees."""

    def __init__(self) -> None:
        super().__init__()
        nn.init.zeros_(self.head.weight)
        nn.init.constant_(self.head.bias, 0)
        nn.init.constant_(self.head.bias[:1], 2)
