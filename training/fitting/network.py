"""Train a network: the run's epochs, then calibration, the look at the tests, and the results."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim.lr_scheduler import OneCycleLR

from training.data.sets import CACHE, load
from training.fitting import report
from training.fitting.begin import WARM_UP_SHARE
from training.fitting.distributed import Processes
from training.fitting.known import with_known
from training.fitting.measure import calibrated, logits_of
from training.fitting.run import Run
from training.fitting.settings import Settings, device_of, precision_of
from training.models import weights


def train(settings: Settings, processes: Processes) -> dict[str, Any]:
    """Train in all processes, write everything under settings.out, and return the metrics that were written.

    Raises:
        OSError: the data set is not there.
        ValueError: the run in settings.out has other settings, or the device or batch does not fit.
    """
    device = device_of(settings.device, processes)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    settings = replace(settings, device=device.type, precision=precision_of(settings.precision, device))
    torch.manual_seed(settings.seed)
    torch.use_deterministic_algorithms(device.type == "cpu")
    # That is for finding code which reads what nobody wrote, and takes 5 % of the time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    data = processes.in_turn(partial(load, settings.dataset, settings.data, CACHE, settings.framing))
    run = Run(settings, data, device, processes)
    run.resume()
    run.say(
        f"{settings.model} with {run.parameters:,} parameters on {len(data.train):,} frames of {data.name}, "
        f"{device.type}, {settings.precision}, {processes.count} process{'es' * (processes.count > 1)}"
    )
    while not run.over:
        run.one_epoch()
        run.keep()
    if run.stopped_early:
        run.say(f"stopped early: no improvement since epoch {run.best_epoch} (--patience 0 turns this off)")
    return processes.from_first(lambda: finish(run))


def train_from(state: Mapping[str, Tensor], run: Run, peak: float, said: str) -> None:
    """Train a network that begins with another's weights, and write what `train` writes of one.

    Args:
        state: the weights.
        run: its run, of which nothing is done yet.
        peak: of the learning rate.
        said: what the run's log begins with.
    """
    steps = run.schedule.total_steps
    run.schedule = OneCycleLR(run.optimizer, peak, total_steps=steps, pct_start=WARM_UP_SHARE)
    for one in (run.model, run.average):
        one.load_state_dict(state)
    run.resume()
    run.say(said)
    while not run.over:
        run.one_epoch()
        run.keep()
    finish(run)


def finish(run: Run) -> dict[str, Any]:
    """Calibrate on validation, look at the test set, write the results; return the metrics."""
    settings, data = run.settings, run.data
    run.average.load_state_dict(run.best_state)
    read = partial(logits_of, run.average, device=run.device)
    calibration = calibrated(read, data, settings.model, settings.version)
    about, found, bank = with_known(*calibration, run.average, data, run.device)
    path = settings.out / "model.safetensors"
    weights.save(path, run.best_state, about, bank)
    metrics: dict[str, Any] = {
        **{key: str(value) if isinstance(value, Path) else value for key, value in asdict(settings).items()},
        "processes": run.processes.count,
        "epochs_trained": run.epoch,
        "best_epoch": run.best_epoch,
        "parameters": run.parameters,
        "weights_bytes": path.stat().st_size,
        **found,
    }
    part = next(iter(data.tests.values()))
    report.plot(settings.out, run.curves, data, read(part).argmax(dim=1).numpy())
    frames = metrics["frames"]
    epochs = f"{run.epoch} of {settings.epochs} epochs, best: {run.best_epoch}"
    made = {
        "parameters": f"{run.parameters:,} ({metrics['weights_bytes'] / 1e6:.2f} MB)",
        "trained on": f"{frames['train']:,} frames, {epochs}, seed {settings.seed}",
        "trained with": f"{settings.device}, {settings.precision}, processes: {run.processes.count}",
        "selected on": f"{frames['validation']:,} frames that were not trained on, never on a test set",
    }
    report.write(settings.out, about, {**metrics, "curves": run.curves}, "A network, served as ONNX.", made)
    print(f"{report.closing(metrics)}\nweights and report in {settings.out}/")
    return metrics
