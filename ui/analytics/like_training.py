"""Whether what people draw looks like what the model was trained on, as `loop.watch` found it last."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from db.drifts import Figure, Look
from ui.analytics.numbers import drawings, full_day, percent
from ui.analytics.plots import Row, Rows, Table, side_by_side
from ui.analytics.statistics import PSI_MUCH, PSI_SOME

# Where the bars end, unless one is longer: twice what is much.
LONGEST = 2 * PSI_MUCH
NAMES = {
    "ink_share": "Ink",
    "stroke_width_px": "Width of strokes",
    "brightness": "Brightness",
    "aspect": "Width / height",
    "labels": "Labels",
    "confidence": "Confidence",
    "set_sizes": "Labels in a set",
}
WORDS: dict[str, Callable[[float], str]] = {
    "ink_share": percent,
    "brightness": percent,
    "stroke_width_px": lambda value: f"{value:.1f} px",
    "aspect": lambda value: f"{value:.2f}",
    "confidence": percent,
}


@dataclass(frozen=True)
class LikeTraining:
    """What is to be thought of a look at the drawings.

    Attributes:
        verdict: In a few words.
        is_much: Whether a figure differs by much.
        sample: Which drawings were looked at.
        figures: How far each figure is from training.
        most: The one that differs most, in bins; None where none differs.
    """

    verdict: str
    is_much: bool
    sample: str
    figures: Rows
    most: Rows | None


def like_training(look: Look | None) -> LikeTraining | None:
    """Return what the view shows of the latest look; None where nobody has looked yet."""
    if look is None:
        return None
    known = [one for name in NAMES for one in look.figures if one.name == name]
    differing = sorted(filter(differs, known), key=lambda one: -one.stability)
    return LikeTraining(
        verdict=_verdict(differing),
        is_much=any(one.stability >= PSI_MUCH for one in differing),
        sample=f"{drawings(look.drawings)} from {full_day(look.first_at.date())} to "
        f"{full_day(look.last_at.date())}",
        figures=_figures(known),
        most=_bins(differing[0]) if differing else None,
    )


def differs(figure: Figure) -> bool:
    """Return whether a figure differs from training by more than chance, and by enough to speak of."""
    return figure.is_beyond_chance and figure.stability >= PSI_SOME


def _verdict(differing: list[Figure]) -> str:
    if not differing:
        return "Similar to training"
    names = [NAMES[one.name] for one in differing]
    return f"Different: {names[0]}" + (f" and {len(names) - 1} more" if len(names) > 1 else "")


def _figures(known: list[Figure]) -> Rows:
    longest = max([LONGEST, *(one.stability for one in known)])
    rows = tuple(
        Row(NAMES[one.name], (("is-strong", one.stability / longest),), f"{one.stability:.2f}, {_words(one)}")
        for one in known
    )
    table = Table(
        ("Figure", "In training", "Drawn", "Index", "p"),
        tuple((NAMES[one.name], *_sides(one), f"{one.stability:.3f}", _p(one.p)) for one in known),
    )
    description = "The population stability index of each figure, compared with training."
    return Rows("like-training", "Drawings and training", description, (), rows, table)


def _words(figure: Figure) -> str:
    if not figure.is_beyond_chance:
        return "may be chance"
    if figure.stability < PSI_SOME:
        return "little"
    return "some" if figure.stability < PSI_MUCH else "much"


def _sides(figure: Figure) -> tuple[str, str]:
    """Return the figure in training and as drawn: what 90 % are within, or the value that moved most."""
    if figure.training_spread and figure.drawn_spread:
        words = WORDS[figure.name]
        training, drawn = (
            f"{words(middle)} ({words(low)} to {words(high)})"
            for low, middle, high in (figure.training_spread, figure.drawn_spread)
        )
        return training, drawn
    value, now, then = max(_triples(figure), key=lambda triple: abs(triple[1] - triple[2]))
    return f"{value}: {percent(then)}", f"{value}: {percent(now)}"


def _bins(figure: Figure) -> Rows:
    triples = _triples(figure)
    title = f"{NAMES[figure.name]}, drawn and in training"
    return Rows(
        "differs-most",
        title,
        "Shares, as drawn and in training.",
        (("is-strong", "drawn"), ("is-plain", "in training")),
        side_by_side(triples, "in training"),
        Table(
            (NAMES[figure.name], "Drawn", "In training"),
            tuple((name, percent(now), percent(then)) for name, now, then in triples),
        ),
    )


def _triples(figure: Figure) -> list[tuple[str, float, float]]:
    """Return name, share of the drawings, and share in training of each bin or value."""
    return list(zip(_names(figure), figure.drawn, figure.training, strict=True))


def _names(figure: Figure) -> list[str]:
    if figure.edges is None:
        return figure.values or []
    words = [WORDS[figure.name](edge) for edge in figure.edges]
    if not words:
        return ["all"]
    between = [f"{low} to {high}" for low, high in pairwise(words)]
    return [f"below {words[0]}", *between, f"{words[-1]} or more"]


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
