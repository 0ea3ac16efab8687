"""Train one of scikit-learn's classifiers on the same frames as the networks.

    python -m training.fitting.classical --model extra_trees --data DIR [--dataset digits] [--out runs/NAME]

Results are as those of training.fitting.train: model.onnx (in place of model.safetensors), metrics.json and a
model card. All of it takes minutes, so an interrupted run starts over.
"""

import argparse
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from sklearn.pipeline import Pipeline
from torch import Tensor

from training.data.frames import FRAMINGS
from training.data.sets import SOURCES, Frames, load
from training.fitting import report
from training.fitting.measure import fit_temperature, measure_answers
from training.fitting.settings import Settings, natural
from training.models.classical_file import save_classical
from training.models.classical_onnx import Estimator, network_of, pixels_of, scores_of, set_temperature
from training.models.classical_recipes import RECIPES, training_frames
from training.models.weights import describe
from training.names import run_folder

FRAMES = Path("var/frames")
FILE = "model.onnx"
AGREED = 1e-4  # how far ONNX Runtime's probabilities may be from scikit-learn's
CHECKED = 64  # frames that this is checked on before a model is kept
BATCH = 1000


def main(arguments: list[str] | None = None) -> int:
    """Run the command; give the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m training.fitting.classical", description=(__doc__ or "").split("\n")[0]
    )
    default_data = Path(os.environ.get("MNIST_DIR", "data"))
    parser.add_argument("--data", type=Path, default=default_data, help="the data sets' folder")
    parser.add_argument("--dataset", choices=sorted(SOURCES), default=Settings.dataset)
    parser.add_argument("--framing", choices=sorted(FRAMINGS), help="with --dataset folder: ink or picture")
    parser.add_argument("--model", choices=sorted(RECIPES), required=True)
    parser.add_argument("--out", type=Path, help="results' folder (default: runs/<dataset>-<model>)")
    parser.add_argument("--seed", type=natural, default=Settings.seed)
    parser.add_argument("--version", default=Settings.version, help="the model's version, e.g. 1.1.0")
    given = parser.parse_args(arguments)
    try:
        given.out = given.out or run_folder(given.dataset, given.data, given.model)
        train(Settings(**vars(given)))
    except (OSError, ValueError) as error:
        print(f"training: {error}", file=sys.stderr)
        return 1
    return 0


def train(settings: Settings) -> dict[str, Any]:
    """Train, calibrate on validation, look at the tests once, write all under settings.out; give the metrics.

    Of the settings those about epochs, batches and devices mean nothing here.

    Raises:
        OSError: the data set is not there, or the folder of the results cannot be made.
        ValueError: a label has no frame, there are too few of all, or the exported network answers otherwise
            than scikit-learn.
    """
    settings.out.mkdir(parents=True, exist_ok=True)
    recipe = RECIPES[settings.model]
    data = load(settings.dataset, settings.data, FRAMES, settings.framing)
    labels = len(data.label_names)
    frames = training_frames(data.train, recipe, labels, settings.seed)
    print(f"{settings.model} on {len(frames):,} frames of {data.name}", flush=True)
    started = time.perf_counter()
    estimator = recipe.estimator(settings.seed).fit(pixels_of(frames.frames), frames.labels)
    seconds = time.perf_counter() - started
    network = network_of(estimator, labels)
    _check(network, estimator, data.validation.frames[:CHECKED])
    temperature = fit_temperature(logits_of(network, data.validation), data.validation.labels)
    set_temperature(network, temperature)
    about = describe(settings, data, temperature, logits_of(network, data.validation).exp().numpy())
    path = settings.out / FILE
    save_classical(path, network, about)

    def measured(part: Frames) -> dict[str, float]:
        return measure_answers(logits_of(network, part), part.labels, about.set_threshold)

    metrics: dict[str, Any] = {
        **{key: str(getattr(settings, key)) for key in ("data", "out", "dataset", "model", "version")},
        "seed": settings.seed,
        "made_of": made_of(estimator),
        "fit_seconds": round(seconds, 1),
        "weights_bytes": path.stat().st_size,
        "temperature": temperature,
        "set_threshold": about.set_threshold,
        "coverage": about.coverage,
        "preprocessing": about.preprocessing,
        "recipe": {key: value for key, value in asdict(recipe).items() if key != "estimator"},
        "frames": {"train": len(frames), "validation": len(data.validation)},
        "validation": measured(data.validation),
        "tests": {name: {"frames": len(part), **measured(part)} for name, part in data.tests.items()},
    }
    (settings.out / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    (settings.out / "model_card.md").write_text(model_card(metrics), encoding="utf-8")
    print(f"{metrics['made_of']}, {seconds:.0f} s\n{report.closing(metrics)}\nresults in {settings.out}/")
    return metrics


def logits_of(network: onnx.ModelProto, data: Frames) -> Tensor:
    """Give the logarithms of the network's probabilities, float32 (count, labels)."""
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
            f"The ONNX network's probabilities differ from scikit-learn's by up to {apart:.2g}, accepted is "
            f"{AGREED:g}: `pip install -r requirements.lock` brings the tested versions of both back."
        )


def model_card(metrics: dict[str, Any]) -> str:
    """Give the model card's text."""
    frames = metrics["frames"]
    return report.card(
        metrics,
        "A classifier of scikit-learn's, served as ONNX.",
        {
            "made of": f"{metrics['made_of']} ({metrics['weights_bytes'] / 1e6:.2f} MB)",
            "trained on": f"{frames['train']:,} frames, seed {metrics['seed']}",
            "training took": f"{metrics['fit_seconds']:.0f} s",
            "calibrated on": f"{frames['validation']:,} frames that were not trained on, never on a test set",
        },
    )


if __name__ == "__main__":
    sys.exit(main())
