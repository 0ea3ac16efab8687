"""Mean and standard deviation of figures over runs that differ in their seed alone."""

import statistics
from typing import Any

FIGURES = ("accuracy", "loss", "ece")


def over_seeds(each: list[dict[str, Any]], seeds: list[int]) -> dict[str, Any]:
    """Return mean and deviation of every figure over runs that differ in their seed alone.

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
    """Return the summary as a Markdown table, mean ± sample standard deviation."""
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
    """Return for every figure its values by seed, their mean and sample standard deviation (null for one)."""
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
