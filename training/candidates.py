"""The trade between accuracy, size and time: every architecture trained alike, in one table.

    python -m training.candidates --data DIR [--epochs 10] [--threads 2]
    python -m training.candidates --time-only             the times alone, with untrained weights: no data

Short runs of the same recipe, epochs and seed for all; who wins here is who is worth a long run. The choice
is made on validation and time; the test columns only report. What is finished is not trained again.
"""

import argparse
import json
import os
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from training.data.sets import SOURCES, Frames, load
from training.fitting.distributed import Processes, leave
from training.fitting.measure import logits_of, measure
from training.fitting.settings import Settings, natural, positive
from training.fitting.train import FRAMES, status_of, train
from training.forward_time import BATCH, ROUNDS, Cost, ForwardCosts, forward_costs
from training.models import weights
from training.models.networks import MODELS, Served

OUT = Path("runs/candidates")
EPOCHS = 10
CLASSES = 10  # of networks that are timed untrained
# What the served network may cost: in ONNX Runtime on one core at a full batch, and in memory.
MOST_US, MOST_MB = 150, 5


@dataclass(frozen=True)
class Candidate:
    """One line of the table.

    Attributes:
        name: a key of training.models.networks.MODELS.
        channels: of its convolutions, in order.
        parameters: how many numbers were trained.
        weights_mb: all of its tensors, in megabytes.
        costs: of a forward pass.
        validation: accuracy (0..1) by data set; empty when it is untrained.
        tests: the same on the test sets.
    """

    name: str
    channels: tuple[int, ...]
    parameters: int
    weights_mb: float
    costs: ForwardCosts
    validation: dict[str, float]
    tests: dict[str, float]

    @property
    def over(self) -> list[str]:
        """What is over the budget."""
        too_slow = ["time"] * (self.costs.onnx_batch.median > MOST_US)
        return too_slow + ["weights"] * (self.weights_mb > MOST_MB)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; give the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m training.candidates", description=(__doc__ or "").split("\n")[0]
    )
    default_data = Path(os.environ.get("MNIST_DIR", "data"))
    parser.add_argument("--data", type=Path, default=default_data, help="the data sets' folder")
    parser.add_argument("--dataset", choices=sorted(SOURCES), default="digits")
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS), metavar="MODEL")
    parser.add_argument("--out", type=Path, default=OUT, help="results' folder (default: %(default)s)")
    parser.add_argument("--epochs", type=positive, default=EPOCHS, help="default: %(default)s")
    parser.add_argument("--batch", type=positive, default=Settings.batch)
    parser.add_argument("--seed", type=natural, default=Settings.seed)
    parser.add_argument("--device", default=Settings.device, help="to train on: auto, cpu, cuda, cuda:1, mps")
    parser.add_argument("--threads", type=positive, help="to train with on the CPU (times are of one core)")
    parser.add_argument("--rounds", type=positive, default=ROUNDS, help="of timing (default: %(default)s)")
    parser.add_argument("--fresh", action="store_true", help="train all of them again")
    parser.add_argument("--time-only", action="store_true", help="measure untrained networks and print that")
    given = parser.parse_args(arguments)
    if given.threads:
        torch.set_num_threads(given.threads)
    if given.time_only:
        networks = {name: Served(MODELS[name](CLASSES), 1.0) for name in given.models}
        print(table(timed(networks, given.rounds)))
        return 0
    settings = Settings(
        **{
            key: getattr(given, key)
            for key in ("data", "out", "dataset", "epochs", "batch", "seed", "device")
        },
        patience=0,  # the same number of epochs for all
    )
    return status_of(
        lambda processes: compare(settings, given.models, given.rounds, given.fresh, processes), given.out
    )


def compare(
    settings: Settings,
    names: list[str],
    rounds: int = ROUNDS,
    fresh: bool = False,
    processes: Processes | None = None,
) -> list[Candidate]:
    """Train each into a folder of its own below settings.out; write candidates.md and .json, give the lines.

    Args:
        settings: of all runs, but for model and out.
        names: keys of training.models.networks.MODELS.
        rounds: how often each is timed.
        fresh: train again what is finished.
        processes: those that torchrun started.

    Raises:
        OSError: the data set is not there, or the folder of the results cannot be made.
        ValueError: a folder holds a run with other settings.
    """
    processes = processes or Processes()
    tests = {}
    for name in names:
        metrics = train(
            replace(settings, model=name, out=settings.out / name), fresh=fresh, processes=processes
        )
        tests[name] = {test: figures["accuracy"] for test, figures in metrics["tests"].items()}
    if not processes.first:
        return []
    networks, validation = {}, {}
    parts = validation_parts(settings.dataset, settings.data, FRAMES)
    for name in names:
        model, about = weights.load(settings.out / name / "model.safetensors")
        networks[name] = Served(model, about.temperature)
        validation[name] = {
            part: measure(logits_of(model, frames, torch.device("cpu")), frames.labels)["accuracy"]
            for part, frames in parts.items()
        }
    found = [
        replace(candidate, validation=validation[candidate.name], tests=tests[candidate.name])
        for candidate in timed(networks, rounds)
    ]
    _write(settings.out / "candidates.json", json.dumps(as_json(found, settings), indent=2))
    _write(settings.out / "candidates.md", table(found))
    print(table(found))
    return found


def validation_parts(dataset: str, data_dir: Path, cache_dir: Path) -> dict[str, Frames]:
    """Give the validation frames by where they are from; those of "digits" are MNIST's, then the strokes'."""
    whole = load(dataset, data_dir, cache_dir).validation
    if dataset != "digits":
        return {dataset: whole}
    count = len(load("mnist", data_dir, cache_dir).validation)
    mnist, strokes = np.split(np.arange(len(whole)), [count])
    return {"mnist": whole.take(mnist), "strokes": whole.take(strokes)}


def timed(networks: dict[str, Served], rounds: int = ROUNDS) -> list[Candidate]:
    """Give a line for each network, accuracies left out."""
    for network in networks.values():
        network.eval()
    with tempfile.TemporaryDirectory(prefix="candidates-") as folder:
        costs = forward_costs(networks, Path(folder), rounds)
    return [
        Candidate(
            name,
            channels=channels_of(network.model),
            parameters=sum(tensor.numel() for tensor in network.parameters()),
            weights_mb=sum(t.numel() * t.element_size() for t in network.state_dict().values()) / 1e6,
            costs=costs[name],
            validation={},
            tests={},
        )
        for name, network in networks.items()
    ]


def channels_of(model: nn.Module) -> tuple[int, ...]:
    """Give the outputs of its convolutions, in order, each width once."""
    return tuple(dict.fromkeys(part.out_channels for part in model.modules() if isinstance(part, nn.Conv2d)))


def table(candidates: list[Candidate]) -> str:
    """Give the candidates as a Markdown table; times are medians, the best round in brackets."""
    validation, tests = candidates[0].validation, candidates[0].tests
    columns = ["channels", "parameters", "MB"]
    columns += [f"validation: {name}" for name in validation] + [f"test: {name}" for name in tests]
    columns += [f"µs/image, {BATCH} at once", "µs/image, alone", f"eager PyTorch, {BATCH}", "over the budget"]
    lines = [f"| model | {' | '.join(columns)} |", f"|---|{'--:|' * len(columns)}"]
    for one in candidates:
        accuracies = [one.validation[name] for name in validation] + [one.tests[name] for name in tests]
        cells = [
            one.name,
            ", ".join(map(str, one.channels)),
            f"{one.parameters:,}",
            f"{one.weights_mb:.2f}",
            *(f"{accuracy:.2%}" for accuracy in accuracies),
            *map(_cell, (one.costs.onnx_batch, one.costs.onnx_alone, one.costs.eager_batch)),
            ", ".join(one.over),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def as_json(candidates: list[Candidate], settings: Settings) -> dict[str, Any]:
    """Give what candidates.json holds: how they were trained, the budget, and the lines."""
    trained = {key: getattr(settings, key) for key in ("dataset", "epochs", "batch", "seed")}
    budget = {"us_an_image": MOST_US, "weights_mb": MOST_MB}
    lines = [{**asdict(candidate), "over": candidate.over} for candidate in candidates]
    return {**trained, "budget": budget, "candidates": lines}


def _cell(cost: Cost) -> str:
    return f"{cost.median:.0f} ({cost.best:.0f})"


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}")
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(path)


if __name__ == "__main__":
    leave(main())
