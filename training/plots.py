"""All plots: those of a training run, and those of an evaluation's page, as SVG."""

import io
import re
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Blue and orange of Okabe and Ito's palette, told apart by nearly everybody, and read on white and on black.
COLOURS = ("#1f8fd0", "#e08214")
MARKERS = ("o", "D")
# Labels in a confusion matrix. It takes 0.5 GB and some seconds to draw so many, and 10 GB to draw 500.
MOST_CONFUSED = 100
# Text and axes are drawn in this and take the page's own text colour afterwards.
TEXT = "#010203"
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "sketchserve",
    "font.family": "sans-serif",
    "font.size": 10,
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color", "grid.color"), TEXT
    ),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.alpha": 0.15,
    "legend.frameon": False,
}


def curves(epochs: list[dict[str, float]]) -> Figure:
    """Return a run's losses and validation error by epoch."""
    numbers = [int(row["epoch"]) for row in epochs]
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(numbers, [row["train_loss"] for row in epochs], label="training (augmented, label smoothing)")
    left.plot(numbers, [row["loss"] for row in epochs], label="validation")
    left.set(xlabel="epoch", ylabel="cross-entropy (nats)", yscale="log")
    left.legend()
    right.plot(numbers, [100 * (1 - row["accuracy"]) for row in epochs], color=COLOURS[1])
    right.set(xlabel="epoch", ylabel="validation error (%)", yscale="log")
    for axes in (left, right):
        axes.grid(alpha=0.3, which="both")
    return figure


def confusion(name: str, label_names: tuple[str, ...], true: np.ndarray, predicted: np.ndarray) -> Figure:
    """Return what was taken for what in a test set; labels are indices, int (count,).

    Of more than MOST_CONFUSED those are shown that were most often taken for others, or others for them.
    """
    count = len(label_names)
    table = np.zeros((count, count), int)
    np.add.at(table, (true, predicted), 1)
    title = f"{name}, test set: {np.trace(table) / table.sum():.2%}"
    if count > MOST_CONFUSED:
        errors = table.sum(axis=0) + table.sum(axis=1) - 2 * np.diag(table)
        shown = np.sort(np.argsort(-errors, kind="stable")[:MOST_CONFUSED])
        table, label_names = table[np.ix_(shown, shown)], tuple(label_names[one] for one in shown)
        title += f"; the {MOST_CONFUSED} of {count} labels that are confused most"
        count = MOST_CONFUSED
    side_inches = max(5.2, 0.3 * count)
    figure = Figure(figsize=(side_inches + 0.4, side_inches), layout="constrained")
    axes = figure.subplots()
    # The diagonal would drown the errors, so colour shows the errors alone.
    axes.imshow(np.where(np.eye(count, dtype=bool), 0, table), cmap="Oranges")
    for row, column in np.argwhere(table > 0):
        axes.text(column, row, str(table[row, column]), ha="center", va="center", fontsize=8)
    # A label may have two dollar signs, between which there would be mathematics.
    rotation = 90 if max(map(len, label_names)) > 2 else 0
    axes.set_xticks(range(count), label_names, rotation=rotation, parse_math=False)
    axes.set_yticks(range(count), label_names, parse_math=False)
    axes.set(xlabel="predicted", ylabel="true", title=title)
    return figure


def by_kind(rows: Sequence[Any]) -> str:
    """Return the accuracy of each kind of picture with its interval, one mark a renderer."""
    kinds = list(dict.fromkeys(row.kind for row in rows))
    renderers = list(dict.fromkeys(row.renderer for row in rows))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.9, 0.42 * len(kinds) + 0.9), layout="constrained")
        axes = figure.subplots()
        for number, renderer in enumerate(renderers):
            own = [row for row in rows if row.renderer == renderer]
            height = [kinds.index(row.kind) + 0.16 * (2 * number - len(renderers) + 1) for row in own]
            _marks(axes, number, renderer, own, height)
        axes.axvline(99, color=TEXT, alpha=0.5, linewidth=1, linestyle=(0, (4, 3)))
        axes.annotate(
            "99 %", (99, -0.7), ha="right", va="center", xytext=(-3, 0), textcoords="offset points", alpha=0.7
        )
        axes.set_yticks(range(len(kinds)), kinds)
        axes.set_ylim(len(kinds) - 0.4, -1)
        low = min(100 * row.low for row in rows)
        axes.set(xlabel="correct (%), with 95 % interval", xlim=(min(low - 0.3, 98), 100.1))
        axes.grid(axis="x")
        _legend(figure)
        return _svg(figure, "Accuracy by kind of picture, for each renderer")


def by_resolution(rows: Sequence[Any]) -> str:
    """Return the accuracy against the picture's side; a row's kind is that side in pixels."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.9, 3.3), layout="constrained")
        axes = figure.subplots()
        for number, renderer in enumerate(dict.fromkeys(row.renderer for row in rows)):
            own = [row for row in rows if row.renderer == renderer]
            sides = [int(row.kind) for row in own]
            axes.fill_between(
                sides, [100 * row.low for row in own], [100 * row.high for row in own],
                color=COLOURS[number], alpha=0.15, linewidth=0,
            )  # fmt: skip
            axes.plot(
                sides, [100 * row.accuracy for row in own], color=COLOURS[number], marker=MARKERS[number],
                markersize=4, label=renderer,
            )  # fmt: skip
        sides = sorted({int(row.kind) for row in rows})
        axes.set_xscale("log")
        axes.set_xticks(sides, [str(side) for side in sides], minor=False)
        axes.minorticks_off()
        axes.set(xlabel="side of the picture (px)", ylabel="correct (%)")
        axes.grid()
        _legend(figure)
        return _svg(figure, "Accuracy against the picture's side in pixels")


def by_confidence(found: Any, title: str) -> str:
    """Return the reliability diagram, and below it how many answers are in each bin."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(3.9, 4.3), layout="constrained")
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        above.plot([0, 1], [0, 1], color=TEXT, alpha=0.5, linewidth=1, linestyle=(0, (4, 3)))
        # Rounding can put an end a hair inside the share.
        errors = [
            [max(share - low, 0) for share, low in zip(found.accuracy, found.low, strict=True)],
            [max(high - share, 0) for share, high in zip(found.accuracy, found.high, strict=True)],
        ]
        above.errorbar(
            found.confidence,
            found.accuracy,
            yerr=errors,
            fmt="o",
            color=COLOURS[0],
            markersize=5,
            elinewidth=1,
        )
        above.set(
            ylabel="share correct", title=f"{title}: ECE {found.ece:.4f}", xlim=(0, 1.02), ylim=(0, 1.03)
        )
        below.bar(found.confidence, found.count, width=0.03, color=COLOURS[0])
        below.set(xlabel="confidence", ylabel="answers", yscale="log")
        for axes in (above, below):
            axes.grid()
        return _svg(figure, f"Reliability diagram of {title}")


def _marks(axes: Axes, number: int, renderer: str, rows: Sequence[Any], height: list[float]) -> None:
    share = [100 * row.accuracy for row in rows]
    errors = [
        [max(100 * (row.accuracy - row.low), 0) for row in rows],
        [max(100 * (row.high - row.accuracy), 0) for row in rows],
    ]
    axes.errorbar(
        share, height, xerr=errors, fmt=MARKERS[number], color=COLOURS[number], markersize=5,
        elinewidth=1.5, label=renderer,
    )  # fmt: skip


def _legend(figure: Figure) -> None:
    handles, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, [f"{name} renderer" for name in names], loc="outside upper right", ncols=2)


def _svg(figure: Figure, description: str) -> str:
    """Return the figure as an <svg> element without a size of its own, in the page's text colour."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :].replace(TEXT, "currentColor")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # Groups are numbered anew in each figure: two of them on a page would share their ids.
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r'font: ([^;"]*?)px [^;"]*', r"font: \1px system-ui, sans-serif", svg)
    width = re.search(r'<svg[^>]*? width="([\d.]+)pt"', svg)
    most = f"{float(width.group(1)) * 4 / 3:.0f}px" if width else "100%"
    return re.sub(
        r'(<svg[^>]*?) width="[^"]*"',
        rf'\1 role="img" aria-label="{description}" style="max-width:{most}"',
        svg,
        count=1,
    ).replace(' height="', ' data-height="', 1)
