"""The weights file of a network, and what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor, nn

from handler.fingerprint import preprocessing_fingerprint
from training.fitting.conformal import COVERAGE, coverage_for, fit_set_threshold
from training.models import tensor_file
from training.models.networks import build

if TYPE_CHECKING:  # an archive is built where nothing is installed that data sets need
    from training.data.sets import DataSet
    from training.fitting.settings import Settings

DEFAULT_WEIGHTS = Path("model_store/digits.safetensors")


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
        framing: how an image becomes a frame, a key of handler.model.FRAMINGS.
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


def describe(settings: Settings, data: DataSet, temperature: float, probabilities: np.ndarray) -> About:
    """Give what the file of a model says that was trained with these settings on this data.

    Args:
        settings: of the run.
        data: what it was trained on.
        temperature: that was fitted on validation.
        probabilities: of the validation frames, float (count, labels), calibrated.
    """
    coverage = coverage_for(len(data.validation))
    return About(
        architecture=settings.model,
        label_names=data.label_names,
        version=settings.version,
        temperature=temperature,
        preprocessing=preprocessing_fingerprint(framing=data.framing),
        data_set=data.name,
        set_threshold=fit_set_threshold(probabilities, data.validation.labels, coverage),
        coverage=coverage,
        framing=data.framing,
    )


def save(path: Path, state: dict[str, Tensor], about: About) -> None:
    """Write a weights file; a reader sees the old one or the new one, never half of it."""
    tensor_file.save(path, state, about)


def load(path: Path) -> tuple[nn.Module, About]:
    """Give the model, in evaluation mode on the CPU, and what its file says of it.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not a weights file of this project.
    """
    return tensor_file.load(path, _rebuilt, "weights of a network", "make train")


def _rebuilt(fields: dict[str, Any], state: dict[str, Tensor]) -> tuple[nn.Module, About]:
    about = About(**{**fields, "label_names": tuple(fields["label_names"])})
    model = build(about.architecture, len(about.label_names))
    model.load_state_dict(state)
    return model.eval(), about
