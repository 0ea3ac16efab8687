"""Train a model: select on validation, write weights, metrics, plots and a model card.

    python -m training.fitting.train --data DIR [--model cnn] [--out runs/NAME] ...
    torchrun --nproc-per-node 2 -m training.fitting.train ...    two processes, on two GPUs or on the CPU

An interrupted run goes on where its last whole epoch ended. The test set is looked at once, at the end.
"""

import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from training.data.sets import Frames, load
from training.fitting import report
from training.fitting.distributed import Processes, joined, leave
from training.fitting.measure import fit_temperature, logits_of, measure_answers
from training.fitting.run import Run
from training.fitting.settings import (
    Settings,
    arguments_of_a_run,
    device_of,
    natural,
    precision_of,
    settings_of,
)
from training.models import weights

FRAMES = Path("var/frames")  # drawn or framed once, and found there by later runs


def main(arguments: list[str] | None = None) -> int:
    """Run the command; give the exit status."""
    parser = arguments_of_a_run("python -m training.fitting.train", (__doc__ or "").split("\n")[0])
    parser.add_argument("--seed", type=natural, default=Settings.seed)
    given = parser.parse_args(arguments)
    settings = settings_of(given, given.seed)
    return status_of(lambda processes: train(settings, fresh=given.fresh, processes=processes), settings.out)


def status_of(work: Callable[[Processes], Any], out: Path) -> int:
    """Do the work in all processes that torchrun started, or in this one; give the exit status."""
    try:
        with joined() as processes:
            work(processes)
    except (OSError, ValueError) as error:
        print(f"training: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nstopped; the same command goes on from what is in {out}/", file=sys.stderr)
        return 130
    return 0


def train(settings: Settings, *, fresh: bool = False, processes: Processes | None = None) -> dict[str, Any]:
    """Train, write everything under settings.out, and give the metrics that were written.

    Raises:
        OSError: the data set is not there, or the folder of the results cannot be made.
        ValueError: the run in settings.out has other settings, or the device or batch does not fit.
    """
    processes = processes or Processes()
    device = device_of(settings.device, processes)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    settings = replace(settings, device=device.type, precision=precision_of(settings.precision, device))
    settings.out.mkdir(parents=True, exist_ok=True)  # before an hour's work finds that it cannot be kept
    torch.manual_seed(settings.seed)
    torch.use_deterministic_algorithms(device.type == "cpu")
    # That is for finding code which reads what nobody wrote, and takes 5 % of the time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    data = processes.in_turn(partial(load, settings.dataset, settings.data, FRAMES, settings.framing))
    run = Run(settings, data, device, processes)
    if not fresh:
        run.resume()
    run.say(
        f"{settings.model} with {sum(p.numel() for p in run.model.parameters()):,} parameters on "
        f"{len(data.train):,} frames of {data.name}, {device.type}, {settings.precision}, "
        f"{processes.count} process{'es' * (processes.count > 1)}"
    )
    while not run.over:
        run.one_epoch()
        run.keep()
    if run.stopped_early:
        run.say(f"stopped early: nothing better since epoch {run.best_epoch} (--patience 0 goes on)")
    return processes.from_first(lambda: finish(run))


def finish(run: Run) -> dict[str, Any]:
    """Calibrate on validation, look at the test set, write the results; give the metrics."""
    settings, data = run.settings, run.data
    run.average.load_state_dict(run.best_state)
    logits = logits_of(run.average, data.validation, run.device)
    temperature = fit_temperature(logits, data.validation.labels)
    probabilities = torch.softmax(logits / temperature, dim=1).numpy()
    about = weights.describe(settings, data, temperature, probabilities)
    path = settings.out / "model.safetensors"
    weights.save(path, run.best_state, about)

    def measured(part: Frames) -> dict[str, float]:
        logits = logits_of(run.average, part, run.device) / temperature
        return measure_answers(logits, part.labels, about.set_threshold)

    metrics: dict[str, Any] = {
        **{key: str(value) if isinstance(value, Path) else value for key, value in asdict(settings).items()},
        "processes": run.processes.count,
        "epochs_trained": run.epoch,
        "best_epoch": run.best_epoch,
        "parameters": sum(p.numel() for p in run.model.parameters()),
        "weights_bytes": path.stat().st_size,
        "temperature": temperature,
        "set_threshold": about.set_threshold,
        "coverage": about.coverage,
        "preprocessing": about.preprocessing,
        "frames": {"train": len(data.train), "validation": len(data.validation)},
        "validation": measured(data.validation),
        "tests": {name: {"frames": len(part), **measured(part)} for name, part in data.tests.items()},
    }
    name, part = next(iter(data.tests.items()))
    predicted = logits_of(run.average, part, run.device).argmax(dim=1).numpy()
    report.write(
        settings.out, metrics, run.curves, report.Confusion(name, data.label_names, part.labels, predicted)
    )
    print(f"{report.closing(metrics)}\nweights and report in {settings.out}/")
    return metrics


if __name__ == "__main__":
    leave(main())
