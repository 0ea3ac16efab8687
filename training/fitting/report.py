"""What a training run leaves for people: metrics.json, two plots and a model card."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from handler.framings import frame_shape
from system.files import written_aside
from training.data.frames import DataSet
from training.fitting.conformal import in_words
from training.models.weights import About

USE = """Use: one character, or one thing, on one sheet or picture, any colours, any size. Not for: several at
once, what is none of the labels (the answer is the likeliest one all the same, where `is_known` does not say
so), or decisions that nobody checks. ECE is the expected calibration error over 15 bins of confidence."""


def write(folder: Path, about: About, metrics: dict[str, Any], what: str, made: dict[str, str]) -> None:
    """Write metrics.json and model_card.md into the folder.

    Args:
        folder: of the run.
        about: what the model's file says of it.
        metrics: as training makes them.
        what: a sentence that says what kind of model it is.
        made: the first rows of the card's table: how it was made.
    """
    write_json(folder / "metrics.json", metrics)
    height, width = frame_shape(about.framing)[:2]
    rows = {
        **made,
        "frames look like": f"{metrics['frames_look_like']}; in brackets nine in ten",
        "preprocessing": f"`{metrics['preprocessing']}`",
        "temperature": f"{metrics['temperature']:.3f}, fitted on validation",
        "sets of labels": promise(metrics),
        "validation": _measured(metrics["validation"]),
        **{
            f"test: {name} ({row['frames']:,} frames)": _measured(row)
            for name, row in metrics["tests"].items()
        },
        **({"known pictures": known_line(metrics["known"])} if "known" in metrics else {}),
    }
    text = card(
        metrics["model"],
        metrics["version"],
        f"Tells the labels of the data set `{about.data_set}` apart on a {height}x{width} frame. {what}",
        "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())]),
        *([others_table(metrics["known"]["others"])] if "known" in metrics else []),
        USE,
    )
    (folder / "model_card.md").write_text(text, encoding="utf-8")


def card(model: str, version: str, *parts: str) -> str:
    """Return a model card's text (Mitchell et al. 2019, arXiv:1810.03993), of parts in Markdown."""
    return "\n\n".join([f"# Model card: {model} {version}", *parts]) + "\n"


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write figures as JSON; a reader sees the old file or the new one."""
    with written_aside(path) as draft:
        draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def plot(folder: Path, curves: list[dict[str, float]], data: DataSet, predicted: np.ndarray) -> None:
    """Write curves.png and confusion.png, of the first test set's predictions, int (count,)."""
    from training import plots  # Matplotlib, which a run needs at its end

    name, part = next(iter(data.tests.items()))
    plots.curves(curves).savefig(folder / "curves.png", dpi=120)
    plots.confusion(name, data.label_names, part.labels, predicted).savefig(folder / "confusion.png", dpi=120)


def closing(metrics: dict[str, Any]) -> str:
    """Return the lines that a training ends with: accuracy on the tests, and what the sets do there."""
    accuracy = ", ".join(f"{name} {row['accuracy']:.2%}" for name, row in metrics["tests"].items())
    known = f"\nknown pictures: {known_line(metrics['known'])}" if "known" in metrics else ""
    return f"test accuracy: {accuracy}\n{sets_line(metrics)}{known}"


def sets_line(metrics: dict[str, Any]) -> str:
    """Return the line about sets of labels: what they promise, and what they do on the tests."""
    found = ", ".join(
        f"{name} {row['covered']:.2%} with {row['set_size']:.2f} labels a set"
        for name, row in metrics["tests"].items()
    )
    return f"{promise(metrics)}; test: {found}"


def known_line(known: dict[str, Any]) -> str:
    """Return how many pictures of its own kind a model takes for known."""
    tests = ", ".join(f"{name} {share:.2%}" for name, share in known["tests"].items())
    return f"validation {known['validation']:.2%}; test: {tests}"


def others_table(others: dict[str, dict[str, float]]) -> str:
    """Return how well pictures of other sets are told from those of the tests, as a table."""
    lines = [
        "Pictures of other sets; the area under the curve is the share of pairs in which the test's picture "
        "is the nearer one to training's:\n",
        "| pictures | number | AUROC | `is_known` |",
        "|---|--:|--:|--:|",
    ]
    lines += [
        f"| {name} | {row['pictures']} | {row['auroc']:.4f} | {row['called_known']:.1%} |"
        for name, row in others.items()
    ]
    return "\n".join(lines)


def promise(metrics: dict[str, Any]) -> str:
    """Say what the sets of labels promise, and why no more."""
    return in_words(metrics["coverage"], metrics["frames"]["validation"])


def _measured(row: dict[str, float]) -> str:
    return (
        f"{row['accuracy']:.2%} correct, ECE {row['ece']:.4f}, sets of {row['set_size']:.2f} labels hold the "
        f"true one in {row['covered']:.2%}"
    )
