"""What a training run leaves for people: metrics.json, two plots and a model card."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from training.fitting.conformal import in_words


@dataclass(frozen=True)
class Confusion:
    """What was predicted for a test set.

    Attributes:
        name: the test set's name.
        label_names: the label of each index.
        true: int (count,), indices of the true labels.
        predicted: int (count,), indices of the predicted labels.
    """

    name: str
    label_names: tuple[str, ...]
    true: np.ndarray
    predicted: np.ndarray


def write(
    folder: Path, metrics: dict[str, Any], curves: list[dict[str, float]], confusion: Confusion
) -> None:
    """Write metrics.json, curves.png, confusion.png and model_card.md into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.json").write_text(
        json.dumps({**metrics, "curves": curves}, indent=2) + "\n", encoding="utf-8"
    )
    _curves(folder / "curves.png", curves)
    _confusion(folder / "confusion.png", confusion)
    (folder / "model_card.md").write_text(model_card(metrics), encoding="utf-8")


def model_card(metrics: dict[str, Any]) -> str:
    """Give the text of a network's model card."""
    frames = metrics["frames"]
    epochs = f"{metrics['epochs_trained']} of {metrics['epochs']} epochs, best: {metrics['best_epoch']}"
    return card(
        metrics,
        "A network, served as ONNX.",
        {
            "parameters": f"{metrics['parameters']:,} ({metrics['weights_bytes'] / 1e6:.2f} MB)",
            "trained on": f"{frames['train']:,} frames, {epochs}, seed {metrics['seed']}",
            "trained with": f"{metrics['device']}, {metrics['precision']}, processes: {metrics['processes']}",
            "selected on": f"{frames['validation']:,} frames that were not trained on, never on a test set",
        },
    )


def card(metrics: dict[str, Any], what: str, made: dict[str, str]) -> str:
    """Give a model card's text (Mitchell et al. 2019, arXiv:1810.03993), short.

    Args:
        metrics: as training writes them.
        what: a sentence that says what kind of model it is.
        made: the table's first rows: how it was made.
    """
    rows = {
        **made,
        "preprocessing": f"`{metrics['preprocessing']}`",
        "temperature": f"{metrics['temperature']:.3f}, fitted on validation",
        "sets of labels": promise(metrics),
        "validation": _measured(metrics["validation"]),
        **{
            f"test: {name} ({row['frames']:,} frames)": _measured(row)
            for name, row in metrics["tests"].items()
        },
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items())
    return f"""# Model card: {metrics["model"]} {metrics["version"]}

Tells the labels of the data set `{metrics["dataset"]}` apart on a 28x28 frame. {what}

| | |
|---|---|
{table}

Use: one character, or one thing, on one sheet or picture, any colours, any size. Not for: several at once,
what is none of the labels (the answer is the likeliest one all the same), or decisions that nobody checks.
ECE is the expected calibration error over 15 bins of confidence.
"""


def closing(metrics: dict[str, Any]) -> str:
    """Give the lines that a training ends with: accuracy on the tests, and what the sets do there."""
    accuracy = ", ".join(f"{name} {row['accuracy']:.2%}" for name, row in metrics["tests"].items())
    return f"test accuracy: {accuracy}\n{sets_line(metrics)}"


def sets_line(metrics: dict[str, Any]) -> str:
    """Give the line about sets of labels: what they promise, and what they do on the tests."""
    found = ", ".join(
        f"{name} {row['covered']:.2%} with {row['set_size']:.2f} labels a set"
        for name, row in metrics["tests"].items()
    )
    return f"{promise(metrics)}; test: {found}"


def promise(metrics: dict[str, Any]) -> str:
    """Say what the sets of labels promise, and why no more."""
    return in_words(metrics["coverage"], metrics["frames"]["validation"])


def _measured(row: dict[str, float]) -> str:
    return (
        f"{row['accuracy']:.2%} correct, ECE {row['ece']:.4f}, sets of {row['set_size']:.2f} labels hold the "
        f"true one in {row['covered']:.2%}"
    )


def _curves(path: Path, curves: list[dict[str, float]]) -> None:
    epochs = [int(row["epoch"]) for row in curves]
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(epochs, [row["train_loss"] for row in curves], label="training (augmented, label smoothing)")
    left.plot(epochs, [row["loss"] for row in curves], label="validation")
    left.set(xlabel="epoch", ylabel="cross-entropy (nats)", yscale="log")
    left.legend()
    right.plot(epochs, [100 * (1 - row["accuracy"]) for row in curves], color="tab:orange")
    right.set(xlabel="epoch", ylabel="validation error (%)", yscale="log")
    for axes in (left, right):
        axes.grid(alpha=0.3, which="both")
    figure.savefig(path, dpi=120)


def _confusion(path: Path, confusion: Confusion) -> None:
    count = len(confusion.label_names)
    table = np.zeros((count, count), int)
    np.add.at(table, (confusion.true, confusion.predicted), 1)
    side_inches = max(5.2, 0.3 * count)
    figure = Figure(figsize=(side_inches + 0.4, side_inches), layout="constrained")
    axes = figure.subplots()
    # The diagonal would drown the errors, so colour shows the errors alone.
    axes.imshow(np.where(np.eye(count, dtype=bool), 0, table), cmap="Oranges")
    for row, column in np.argwhere(table > 0):
        axes.text(column, row, str(table[row, column]), ha="center", va="center", fontsize=8)
    axes.set_xticks(
        range(count), confusion.label_names, rotation=90 if max(map(len, confusion.label_names)) > 2 else 0
    )
    axes.set_yticks(range(count), confusion.label_names)
    accuracy = np.trace(table) / table.sum()
    axes.set(xlabel="predicted", ylabel="true", title=f"{confusion.name}, test set: {accuracy:.2%}")
    figure.savefig(path, dpi=120)
