"""A verdict as one HTML page that needs nothing else: no script, no request, light and dark."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from loop.verdict.judge import Judged
from loop.verdict.replay import Flip
from training.evaluation.page import rendered
from training.evaluation.thumbnails import url

MOST_SHOWN = 300  # flips


def page(judged: Judged, title: str) -> str:
    """Return the page's HTML.

    Args:
        judged: what it shows. Its server has to run still: the drawings' frames are asked of it.
        title: who was judged.
    """
    return rendered(
        Path(__file__).resolve().parent,
        {
            "words": lambda outcome: outcome.replace("_", " "),
            "json": lambda numbers: json.dumps(numbers, indent=1),
        },
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
