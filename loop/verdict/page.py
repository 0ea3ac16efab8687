"""A verdict as one HTML page that needs nothing else: no script, no request, light and dark."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from loop.verdict.judge import Judged
from loop.verdict.replay import Flip
from training.evaluation.page import FOLDER as STYLE_FOLDER
from training.evaluation.thumbnails import url

FOLDER = Path(__file__).resolve().parent
MOST_SHOWN = 300  # flips


def page(judged: Judged, title: str) -> str:
    """Return the page's HTML.

    Args:
        judged: what it shows. Its server has to run still: the drawings' frames are asked of it.
        title: who was judged.
    """
    environment = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["words"] = lambda outcome: outcome.replace("_", " ")
    environment.filters["json"] = lambda numbers: json.dumps(numbers, indent=1)
    style = (STYLE_FOLDER / "page.css", FOLDER / "page.css")
    return environment.get_template(
        "page.html"
    ).render(
        css=Markup("".join(file.read_text(encoding="utf-8") for file in style)),  # noqa: S704 - our own files
        title=title,
        verdict=judged.verdict,
        flips=[_flip(one, judged.frame) for one in judged.flips[:MOST_SHOWN]],
        more=max(0, len(judged.flips) - MOST_SHOWN),
    )


def _flip(flip: Flip, frame: Callable[[bytes], bytes | None]) -> dict[str, Any]:
    seen = frame(flip.stored.drawing)
    return {
        "frame": url(seen, "png") if seen else "",
        "before": flip.before,
        "after": flip.after,
        "before_sure": f"{flip.before_confidence:.0%}",
        "after_sure": f"{flip.after_confidence:.0%}",
        "said": flip.stored.said or "",
    }
