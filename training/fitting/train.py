"""Train a model: select weights on validation data, and write them with metrics, plots and a model card.

    python -m training.fitting.train --data DIR [--model cnn] [--out runs/NAME] ...
    python -m training.fitting.train --seed 0 1 2 ...             once a seed; prints mean and deviation
    torchrun --nproc-per-node 2 -m training.fitting.train ...     two processes, on two GPUs or on the CPU

An interrupted run of a network goes on where its last whole epoch ended, and what is finished is not trained
again. The test set is looked at once, at the end. Seed N of several has its results in <out>/seed-N.
"""

import errno
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from training.fitting import network, report, seeds
from training.fitting.distributed import Processes, joined, leave
from training.fitting.settings import Settings, settings_of
from training.models.classical_recipes import RECIPES

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# What a summary says of its runs, which differ in their seeds alone; a classical model has no epochs.
ALIKE = ("dataset", "model", "epochs", "batch", "device", "precision", "preprocessing")


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return the exit status."""
    settings, seeds = settings_of((__doc__ or "").split("\n")[0], arguments)
    if len(seeds) > 1:
        return status_of(lambda processes: train_each(settings, seeds, processes), settings)
    return status_of(lambda processes: train(settings, processes), settings)


def status_of(work: Callable[[Processes], Any], settings: Settings) -> int:
    """Do the work in all processes that torchrun started, or in this one; return the exit status."""
    try:
        with joined() as processes:
            work(processes)
    except (OSError, ValueError) as error:
        hint = ""
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            hint = f": free some space, and run the same command again to continue from {settings.out}/"
        print(f"training: {error}{hint}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nstopped; run the same command again to continue from {settings.out}/", file=sys.stderr)
        return 130
    return 0


def train(settings: Settings, processes: Processes | None = None) -> dict[str, Any]:
    """Train, write everything under settings.out, and return the metrics that were written.

    Raises:
        OSError: the data set is not there, or the folder of the results cannot be made.
        ValueError: the run in settings.out has other settings, the device or batch does not fit, or the data
            is too little.
    """
    processes = processes or Processes()
    settings.out.mkdir(parents=True, exist_ok=True)  # before an hour's work finds that it cannot be kept
    if settings.model in RECIPES:
        from training.fitting import classical  # with scikit-learn and skl2onnx: 3 s that no network needs

        return processes.from_first(lambda: classical.train(settings))
    return network.train(settings, processes)


def train_each(settings: Settings, chosen: list[int], processes: Processes | None = None) -> dict[str, Any]:
    """Train with each seed into a folder of its own; return the summary that seeds.json holds.

    Raises:
        OSError: as `train` does.
        ValueError: as `train` does.
    """
    processes = processes or Processes()
    each = [
        train(replace(settings, seed=seed, out=settings.out / f"seed-{seed}"), processes) for seed in chosen
    ]
    summary = {
        **{key: each[0][key] for key in ALIKE if key in each[0]},
        **seeds.over_seeds(each, chosen),
    }
    if processes.first:
        report.write_json(settings.out / "seeds.json", summary)
        print(seeds.table(summary))
    return summary


if __name__ == "__main__":
    leave(main())
