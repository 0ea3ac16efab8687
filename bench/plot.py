"""The picture of a run: how much each server answers, and how long that takes."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from bench.findings import OURS, Findings
from bench.rounds import Row

MARKS = "osD^vP*"
# Okabe and Ito's colours, which colour-blind readers tell apart (https://jfly.uni-koeln.de/color/).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def draw(findings: Findings, path: Path) -> None:
    """Write throughput against latency as a PNG: a line a server, a point for each number of clients."""
    figure = Figure(figsize=(9, 5.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    servers = list(dict.fromkeys(row.server for row in findings.rows))
    for index, server in enumerate(servers):
        rows = [row for row in findings.rows if row.server == server]
        _line(axes, rows, COLOURS[index % len(COLOURS)], MARKS[index % len(MARKS)])
    axes.axvline(findings.limit_per_s, color="0.45", linestyle=":", linewidth=1.5)
    axes.annotate(
        "in-process limit ",
        (findings.limit_per_s, 0.98),
        xycoords=("data", "axes fraction"),
        rotation=90,
        ha="right",
        va="top",
        color="0.35",
    )
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlim(
        left=0, right=1.08 * max(findings.limit_per_s, *(row.requests_per_s for row in findings.rows))
    )
    axes.set_xlabel("answered requests per second")
    axes.set_ylabel("latency in ms: point p50, bar up to p99")
    axes.set_title("Throughput against latency; the number at a point is that of clients")
    axes.grid(which="major", alpha=0.3)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def _line(axes: Axes, rows: list[Row], colour: str, mark: str) -> None:
    rates, medians = [row.requests_per_s for row in rows], [row.p50_ms for row in rows]
    above = [max(0.0, row.p99_ms - row.p50_ms) for row in rows]
    ours = rows[0].server == OURS
    axes.errorbar(
        rates,
        medians,
        yerr=[[0.0] * len(rows), above],
        color=colour,
        marker=mark,
        markersize=7,
        linewidth=2.4 if ours else 1.2,
        elinewidth=1,
        capsize=3,
        label=rows[0].server,
        zorder=3 if ours else 2,
    )
    for row in rows:
        axes.annotate(
            str(row.clients),
            (row.requests_per_s, row.p50_ms),
            xytext=(7, -11),
            textcoords="offset points",
            fontsize=8,
            color=colour,
        )
