"""The weights file of a network, and what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from training.models import tensor_file
from training.models.networks import build
from training.models.reference import Reference, reference_of

DEFAULT_WEIGHTS = Path("model_store/digits.safetensors")
BANK = "known.bank"
COVERAGE = 0.99  # how often the true label is to be in the set, where validation can carry that


@dataclass(frozen=True)
class About:
    """What a weights file says of itself.

    Attributes:
        architecture: as training.models.networks.build takes it.
        label_names: the label of each output, in order.
        version: the model's version, as the archive's manifest and every answer carry it.
        temperature: what logits are divided by before the softmax (Guo et al. 2017, arXiv:1706.04599).
        preprocessing: fingerprint of the preprocessing that it was trained with.
        data_set: what it was trained on.
        set_threshold: of its prediction sets, 0..1 (training/fitting/conformal.py).
        coverage: how often a set is to hold the true label, 0..1.
        framing: how an image becomes a frame, as handler.framings has it.
        reference: what training and validation looked like; None in files from before it was kept.
        known_threshold: from which score on a frame is known (training/models/known.py); None: none tells.
    """

    architecture: str
    label_names: tuple[str, ...]
    version: str
    temperature: float
    preprocessing: str
    data_set: str
    set_threshold: float
    coverage: float = COVERAGE
    framing: str = "ink"
    reference: Reference | None = None
    known_threshold: float | None = None


def about_of(fields: dict[str, Any]) -> About:
    """Return what a file says of itself, from JSON's fields; those that were added later may be missing.

    Raises:
        KeyError, TypeError, AttributeError: they are not those of such a file.
    """
    reference = reference_of(fields.get("reference"))
    return About(**{**fields, "label_names": tuple(fields["label_names"]), "reference": reference})


def save(path: Path, state: dict[str, Tensor], about: About, bank: Tensor | None = None) -> None:
    """Write a weights file; a reader sees the old one or the new one, never half of it.

    Args:
        path: of the file.
        state: the network's.
        about: what the file says of it.
        bank: features of training frames (training/models/known.py), where a score is made of them.
    """
    tensor_file.save(path, state if bank is None else {**state, BANK: bank}, about)


def load(path: Path) -> tuple[nn.Module, About]:
    """Return the model, in evaluation mode on the CPU, and what its file says of it.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not a weights file of this project.
    """
    return tensor_file.load(path, _rebuilt, "weights of a network", "make train")


def bank_of(path: Path) -> Tensor | None:
    """Return the features of training frames in a file that `load` can read; None where it has none."""
    return tensor_file.tensor(path, BANK)


def _rebuilt(fields: dict[str, Any], state: dict[str, Tensor]) -> tuple[nn.Module, About]:
    about = about_of(fields)
    model = build(about.architecture, len(about.label_names), about.framing)
    model.load_state_dict({name: tensor for name, tensor in state.items() if name != BANK})
    return model.eval(), about
