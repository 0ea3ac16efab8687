"""What a trained model says of samples."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import torch

from training.data.frames import Frames
from training.fitting import classical, measure
from training.models import weights
from training.models.classical_file import load_classical
from training.models.weights import About
from training.names import MODEL_NAMES, USUAL_ARCHITECTURE, run_folder, trained_file
from training.samples.sources import Sample


@dataclass(frozen=True)
class Model:
    """A trained model.

    Attributes:
        file: where it is.
        about: what the file says of it.
        read: gives the logits of frames, float32 (count, labels).
    """

    file: Path
    about: About
    read: Callable[[Frames], torch.Tensor]


@dataclass(frozen=True)
class Opinion:
    """What the model takes a sample for.

    Attributes:
        answer: the likeliest label.
        confidence: its probability, 0..1.
        own: that of the sample's own label; 0 where the model has no such label.
    """

    answer: str
    confidence: float
    own: float


def trained_model(dataset: str, data: Path, architecture: str) -> Path | None:
    """Return the model that training left of the data set, or for digits the committed one; None without.

    Raises:
        ValueError: the folder of images has a name that fits no URL.
    """
    file = trained_file(run_folder(dataset, data, architecture))
    if not file.is_file() and MODEL_NAMES.get(dataset) == "digits" and architecture == USUAL_ARCHITECTURE:
        file = weights.DEFAULT_WEIGHTS
    return file if file.is_file() else None


def opened(file: Path) -> Model:
    """Return the model of a file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not one of this project.
    """
    if file.suffix == ".onnx":
        content, about = load_classical(file)
        # Its temperature is in the network.
        return Model(file, about, partial(classical.logits_of, onnx.load_model_from_string(content)))
    network, about = weights.load(file)

    def read(data: Frames) -> torch.Tensor:
        return measure.logits_of(network, data, torch.device("cpu")) / about.temperature

    return Model(file, about, read)


def opinions(model: Model, samples: list[Sample]) -> list[Opinion]:
    """Return what the model says of each sample, in their order."""
    frames = np.stack([sample.frame for sample in samples])
    logits = model.read(Frames(frames, np.zeros(len(samples), np.int64)))
    probabilities = torch.softmax(logits, dim=1).numpy()
    names = model.about.label_names
    index = {name: position for position, name in enumerate(names)}
    return [
        Opinion(
            names[int(row.argmax())],
            float(row.max()),
            float(row[index[sample.label]]) if sample.label in index else 0.0,
        )
        for sample, row in zip(samples, probabilities, strict=True)
    ]
