"""The findings as one HTML page that needs nothing else: no script, no request, light and dark."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from training import plots
from training.evaluation.figures import Row
from training.evaluation.findings import Findings, Mistake, plain
from training.evaluation.thumbnails import thumbnail, url

FOLDER = Path(__file__).resolve().parent
TITLES = {"mnist": "MNIST test set", "strokes": "strokes, all kinds"}


def page(
    found: Findings,
    command: str,
    frame: Callable[[bytes], bytes | None],
    when: str = "",
    coverage: float | None = None,
) -> str:
    """Return the page's HTML.

    Args:
        found: what it shows.
        command: what was run to find it.
        frame: gives the PNG that the network saw of a picture's bytes, or None.
        when: the time of the evaluation, as people write it.
        coverage: how often a set is meant to hold the true label, 0..1; None where that is not known.
    """
    kinds = [row for row in found.rows if row.renderer]
    return rendered(
        FOLDER,
        model=found.model,
        command=command,
        when=when,
        coverage=coverage,
        tiles=_tiles(found),
        rows=found.rows + found.together,
        changes=found.changes,
        rejections=found.rejections,
        kinds_plot=_drawn(plots.by_kind(kinds)) if kinds else "",
        resolution_plot=_drawn(plots.by_resolution(found.resolutions)) if found.resolutions else "",
        reliability_plots=[
            _drawn(plots.by_confidence(figures, TITLES[name])) for name, figures in found.reliability.items()
        ],
        confusions=[_confusion(TITLES[name], table) for name, table in found.confusions.items()],
        mistakes=[
            {"title": TITLES[name], "shown": [_mistake(one, frame) for one in worst]}
            for name, worst in found.worst.items()
        ],
    )


def rendered(
    folder: Path, filters: Mapping[str, Callable[[Any], str]] | None = None, **values: object
) -> str:
    """Return a folder's page.html with these values, in this page's style and what its own page.css adds."""
    environment = Environment(
        loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters.update(filters or {})
    style = "".join(
        one.joinpath("page.css").read_text(encoding="utf-8") for one in dict.fromkeys((FOLDER, folder))
    )
    return environment.get_template("page.html").render(css=Markup(style), **values)  # noqa: S704 - our own files


def _drawn(svg: str) -> Markup:
    return Markup(svg)  # noqa: S704 - made by training.plots from numbers


def _tiles(found: Findings) -> list[dict[str, str]]:
    """Return the figures that come first."""
    tiles, ece = [], []
    kinds = [row for row in found.rows if row.renderer]
    for row in found.rows:
        if not row.renderer:
            tiles.append(_share(row.kind, row.accuracy, f"{row.low:.2%} to {row.high:.2%}"))
            ece.append(_ece("ECE on MNIST", row))
    if kinds:
        both, worst = found.together[-1], min(kinds, key=lambda row: row.accuracy)
        tiles.append(_share("strokes, all kinds", both.accuracy, f"{both.low:.2%} to {both.high:.2%}"))
        tiles.append(_share("the worst kind", worst.accuracy, f"{worst.kind}, {worst.renderer} renderer"))
        ece.append(_ece("ECE on strokes", both))
    return tiles + ece


def _share(name: str, share: float, note: str) -> dict[str, str]:
    return {"name": name, "value": f"{100 * share:.2f} %", "note": note}


def _ece(name: str, row: Row) -> dict[str, str]:
    return {"name": name, "value": f"{row.ece:.4f}", "note": f"{row.pictures:,} pictures"}


def _confusion(title: str, table: np.ndarray) -> dict[str, Any]:
    errors = np.where(np.eye(len(table), dtype=bool), 0, table)
    shares = errors / max(int(errors.max()), 1) * 0.75
    rows = [
        [
            {"count": count, "right": true == given, "share": shares[true, given]}
            for given, count in enumerate(counts)
        ]
        for true, counts in enumerate(table.tolist())
    ]
    return {"title": title, "rows": rows, "errors": int(errors.sum()), "total": int(table.sum())}


def _mistake(one: Mistake, frame: Callable[[bytes], bytes | None]) -> dict[str, Any]:
    picture = one.picture()
    seen = frame(picture)
    where = f"number {one.index}, counted from 0"
    if one.renderer:
        where = f"{one.kind}, {one.renderer}; {one.misread} of {one.pictures} pictures misread"
    shown = {"picture": thumbnail(picture), "frame": url(seen, "png") if seen else ""}
    return {**plain(one), **shown, "where": where}
