"""A candidate's weights, and the record of all that made them."""

import os
import platform
import subprocess
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import torch

from handler.self_check import built_with
from loop.feedback import Example, framed
from loop.fine_tuning import CPU, Recipe, fine_tuned
from system.files import PROJECT, sha256
from training.data.sets import CACHE, load
from training.fitting import report
from training.fitting.known import with_known
from training.fitting.measure import calibrated, logits_of, measure
from training.models import weights
from training.models.classical_recipes import RECIPES
from training.names import FOLDER, MODEL_NAMES

WEIGHTS, RECORD = "model.safetensors", "made_of.json"


@dataclass(frozen=True)
class Champion:
    """What a candidate begins from.

    Attributes:
        version: of the served model.
        weights: the file of its weights.
    """

    version: str
    weights: Path


class NothingToLearn(ValueError):  # noqa: N818 - what it is, as callers read it
    """None of the drawings can be learnt from; the message says why."""


def make(
    champion: Champion,
    examples: Iterable[Example],
    data_dir: Path,
    recipe: Recipe,
    version: str,
    folder: Path,
) -> dict[str, Any]:
    """Write a candidate's weights and record into a folder; return the record.

    The same arguments give the same weights, bit for bit, on the same machine with the same libraries.

    Args:
        champion: what is served.
        examples: what people corrected, those alone that may train.
        data_dir: where the files of the champion's data set lie.
        recipe: for how long, and from which seed.
        version: the candidate's.
        folder: the run's.

    Raises:
        FileNotFoundError: the data set's files, or the champion's weights, are not there.
        NothingToLearn: no example can be used.
        ValueError: the champion cannot learn more, or was trained on other labels than these files have.
    """
    model, about = _network(champion)
    feedback = framed(examples, about.label_names, about.framing)
    if not len(feedback.frames):
        raise NothingToLearn(
            f"none of {feedback.count} drawings can be learnt from: expected drawings corrected to one of "
            f"{', '.join(about.label_names)}"
        )
    # A folder of images has a name of its own.
    name = about.data_set if about.data_set in MODEL_NAMES else FOLDER
    data = load(name, data_dir, CACHE, about.framing)
    if data.label_names != about.label_names:
        raise ValueError(
            f"{data_dir} has the labels {', '.join(data.label_names)}, but the champion's are "
            f"{', '.join(about.label_names)}: name the data that it was trained on"
        )
    network = fine_tuned(model, data.train, feedback.frames, data.validation, recipe)
    calibration = calibrated(partial(logits_of, network, device=CPU), data, about.architecture, version)
    fitted, metrics, bank = with_known(*calibration, network, data, CPU)
    weights.save(folder / WEIGHTS, network.state_dict(), fitted, bank)
    content = data.content()
    content.pop("labels")
    record = {
        "version": version,
        "champion": {"version": champion.version, "weights_sha256": sha256(champion.weights)},
        "weights_sha256": sha256(folder / WEIGHTS),
        "data": {
            "set": data.name,
            **content,
            "feedback": feedback.digest,
            "drawings": len(feedback.frames),
            "drawings_left_out": feedback.left_out,
            "labels_of_drawings": _counted(feedback.frames.labels, about.label_names),
        },
        "seed": recipe.seed,
        "settings": asdict(recipe),
        "commit": commit(),
        "with": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "scipy": scipy.__version__,
            **built_with(about.framing),
        },
        "metrics": {
            **metrics,
            "feedback": {
                "before": measure(logits_of(model, feedback.frames, CPU), feedback.frames.labels),
                "after": measure(logits_of(network, feedback.frames, CPU), feedback.frames.labels),
            },
        },
    }
    report.write_json(folder / RECORD, record)
    return record


def commit() -> str | None:
    """Return the commit of the project's code, with a + where files differ from it; None where nobody knows.

    An image has no git: REVISION says which release it was built from.
    """
    try:
        words = [
            subprocess.run(
                ["git", *command], cwd=PROJECT, capture_output=True, text=True, check=True
            ).stdout.strip()
            for command in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        ]
    except (OSError, subprocess.CalledProcessError):
        return os.environ.get("REVISION") or None
    return f"{words[0]}{'+' if words[1] else ''}"


def _network(champion: Champion) -> tuple[torch.nn.Module, weights.About]:
    if champion.weights.suffix == ".onnx":
        raise ValueError(
            f"{champion.weights} is one of {', '.join(sorted(RECIPES))}, and only networks can be trained "
            "further: train it again from the start"
        )
    return weights.load(champion.weights)


def _counted(labels: np.ndarray, label_names: tuple[str, ...]) -> dict[str, int]:
    return {label_names[index]: int(count) for index, count in enumerate(np.bincount(labels)) if count}
