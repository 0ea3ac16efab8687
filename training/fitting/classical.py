"""Train one of scikit-learn's classifiers on the same frames as the networks.

Results are as those of a network: model.onnx (in place of model.safetensors), metrics.json and a model card.
All of it takes minutes, so an interrupted run starts over.
"""

import time
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from sklearn.pipeline import Pipeline
from torch import Tensor

from handler.framings import is_photo
from training.data.frames import Frames
from training.data.sets import CACHE, load
from training.fitting import report
from training.fitting.measure import calibrated
from training.fitting.settings import Settings
from training.models.classical_file import save_classical
from training.models.classical_onnx import network_of, pixels_of, scores_of, set_temperature
from training.models.classical_recipes import RECIPES, Estimator, training_frames
from training.models.photo_networks import reads_no_photographs

FILE = "model.onnx"
AGREED = 1e-4  # how far ONNX Runtime's probabilities may be from scikit-learn's
CHECKED = 64  # frames that this is checked on before a model is kept
BATCH = 1000


def train(settings: Settings) -> dict[str, Any]:
    """Train, calibrate on validation, look at the tests once, write all below settings.out; return metrics.

    Of the settings those about epochs, batches and devices mean nothing here.

    Raises:
        OSError: the data set is not there, or the folder of the results cannot be made.
        ValueError: the frames are photographs, a label has none, there are too few of all, or the exported
            network answers otherwise than scikit-learn.
    """
    recipe = RECIPES[settings.model]
    data = load(settings.dataset, settings.data, CACHE, settings.framing)
    if is_photo(data.framing):
        raise reads_no_photographs(settings.model)
    labels = len(data.label_names)
    frames = training_frames(data.train, recipe, labels, settings.seed)
    print(f"{settings.model} on {len(frames):,} frames of {data.name}", flush=True)
    started = time.perf_counter()
    estimator = recipe.estimator(settings.seed).fit(pixels_of(frames.frames), frames.labels)
    seconds = time.perf_counter() - started
    network = network_of(estimator, labels)
    _check(network, estimator, data.validation.frames[:CHECKED])
    about, found = calibrated(partial(logits_of, network), data, settings.model, settings.version)
    set_temperature(network, about.temperature)
    path = settings.out / FILE
    save_classical(path, network, about)
    metrics: dict[str, Any] = {
        **{key: str(getattr(settings, key)) for key in ("data", "out", "dataset", "model", "version")},
        "seed": settings.seed,
        "made_of": made_of(estimator),
        "fit_seconds": round(seconds, 1),
        "weights_bytes": path.stat().st_size,
        "recipe": {key: value for key, value in asdict(recipe).items() if key != "estimator"},
        **found,
        "frames": {"train": len(frames), "validation": len(data.validation)},
    }
    made = {
        "made of": f"{metrics['made_of']} ({metrics['weights_bytes'] / 1e6:.2f} MB)",
        "trained on": f"{len(frames):,} frames, seed {settings.seed}",
        "training took": f"{seconds:.0f} s",
        "calibrated on": f"{len(data.validation):,} frames that were not trained on, never on a test set",
    }
    report.write(settings.out, about, metrics, "A classifier of scikit-learn's, served as ONNX.", made)
    print(f"{metrics['made_of']}, {seconds:.0f} s\n{report.closing(metrics)}\nresults in {settings.out}/")
    return metrics


def logits_of(network: onnx.ModelProto, data: Frames) -> Tensor:
    """Return the logarithms of the network's probabilities, float32 (count, labels)."""
    session = onnxruntime.InferenceSession(network.SerializeToString(), providers=["CPUExecutionProvider"])
    starts = range(0, len(data), BATCH)
    parts = [session.run(None, {"frames": data.frames[start : start + BATCH]})[0] for start in starts]
    return torch.from_numpy(np.concatenate(parts)).clamp_min(1e-12).log()


def made_of(estimator: Estimator) -> str:
    """Say what the classifier consists of."""
    if hasattr(estimator, "estimators_") and hasattr(estimator.estimators_[0], "tree_"):
        trees = [tree.tree_.node_count for tree in estimator.estimators_]
        return f"{len(trees)} trees, {sum(trees):,} nodes"
    machines = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    vectors = np.unique(np.concatenate([machine.support_ for machine in machines.estimators_]))
    return f"{len(vectors):,} support vectors of {machines.estimators_[0].n_features_in_} numbers"


def _check(network: onnx.ModelProto, estimator: Estimator, frames: np.ndarray) -> None:
    expected = torch.softmax(torch.from_numpy(scores_of(estimator, frames)), dim=1)
    found = logits_of(network, Frames(frames, np.zeros(len(frames), np.int64))).exp()
    apart = float((found - expected).abs().max())
    if apart > AGREED:
        raise ValueError(
            f"The ONNX network's probabilities differ from scikit-learn's by up to {apart:.2g}, expected at "
            f"most {AGREED:g}: `pip install -r requirements.lock` restores the tested versions of both."
        )
