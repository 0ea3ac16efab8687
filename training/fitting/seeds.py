"""Train once for each seed; print mean and standard deviation of every figure, and write seeds.json.

    python -m training.fitting.seeds --seeds 0 1 2 --data DIR [--out runs/NAME] ...

Takes every other argument of training.fitting.train. Seed N's results are in <out>/seed-N; what is finished
is not trained again, and an interrupted seed goes on.
"""

import json
import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

from training.fitting.distributed import Processes, leave
from training.fitting.settings import Settings, arguments_of_a_run, natural, settings_of
from training.fitting.train import status_of, train

FIGURES = ("accuracy", "loss", "ece")


def main(arguments: list[str] | None = None) -> int:
    """Run the command; give the exit status."""
    parser = arguments_of_a_run("python -m training.fitting.seeds", (__doc__ or "").split("\n")[0])
    parser.add_argument("--seeds", type=natural, nargs="+", default=[0, 1, 2])
    given = parser.parse_args(arguments)
    if len(set(given.seeds)) < len(given.seeds):
        parser.error(f"--seeds {' '.join(map(str, given.seeds))}: each seed once is expected")
    settings = settings_of(given, given.seeds[0])
    return status_of(
        lambda processes: train_each(settings, given.seeds, fresh=given.fresh, processes=processes),
        settings.out,
    )


def train_each(
    settings: Settings, seeds: list[int], *, fresh: bool = False, processes: Processes | None = None
) -> dict[str, Any]:
    """Train with each seed into a folder of its own; give the summary that seeds.json holds.

    Raises:
        FileNotFoundError: the data set is not there.
        ValueError: a folder holds a run with other settings.
    """
    processes = processes or Processes()
    each = []
    for seed in seeds:
        one = replace(settings, seed=seed, out=settings.out / f"seed-{seed}")
        each.append(train(one, fresh=fresh, processes=processes))
    summary = {
        **{key: each[0][key] for key in ("dataset", "model", "epochs", "batch", "device", "precision")},
        "preprocessing": each[0]["preprocessing"],
        **over_seeds(each, seeds),
    }
    if processes.first:
        write(settings.out / "seeds.json", summary)
        print(table(summary))
    return summary


def over_seeds(each: list[dict[str, Any]], seeds: list[int]) -> dict[str, Any]:
    """Give mean and deviation of every figure over runs that differ in their seed alone.

    Args:
        each: the metrics of each run.
        seeds: in the same order.
    """
    return {
        "seeds": seeds,
        "validation": _figures([metrics["validation"] for metrics in each]),
        "tests": {name: _figures([metrics["tests"][name] for metrics in each]) for name in each[0]["tests"]},
    }


def table(summary: dict[str, Any]) -> str:
    """Give the summary as a Markdown table, mean ± sample standard deviation."""
    lines = [f"| {len(summary['seeds'])} seeds | correct | loss | ECE |", "|---|--:|--:|--:|"]
    rows = {"validation": summary["validation"]}
    rows |= {f"test: {name}": figures for name, figures in summary["tests"].items()}
    for name, figures in rows.items():
        cells = (
            _cell(figures["accuracy"], 100, 2, " %"),
            _cell(figures["loss"], 1, 4),
            _cell(figures["ece"], 1, 4),
        )
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _figures(rows: list[dict[str, float]]) -> dict[str, dict[str, Any]]:
    """Give for every figure its values by seed, their mean and sample standard deviation (null for one)."""
    values = {key: [row[key] for row in rows] for key in FIGURES}
    return {
        key: {
            "mean": statistics.fmean(of_key),
            "standard_deviation": statistics.stdev(of_key) if len(of_key) > 1 else None,
            "values": of_key,
        }
        for key, of_key in values.items()
    }


def _cell(figure: dict[str, Any], factor: float, places: int, unit: str = "") -> str:
    mean, spread = figure["mean"] * factor, figure["standard_deviation"]
    return (
        f"{mean:.{places}f}{unit}"
        if spread is None
        else f"{mean:.{places}f} ± {spread * factor:.{places}f}{unit}"
    )


def write(path: Path, summary: dict[str, Any]) -> None:
    """Write figures as JSON; a reader sees the old file or the new one."""
    partial = path.with_name(f".{path.name}")
    partial.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    partial.replace(path)


if __name__ == "__main__":
    leave(main())
