"""What training and validation looked like: with this it is told whether what is drawn looks the same.

Needs nothing installed: archives carry it, and it is read from them without what trains.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

QUANTILES = 101  # of a figure: its least value, its percentiles, its largest value
# In words, what each figure of frames is; training/data/features.py has their definitions.
IN_WORDS = {
    "ink_share": "ink on {0:.1%} of a frame ({1:.1%} to {2:.1%})",
    "stroke_width_px": "strokes {0:.1f} px wide ({1:.1f} to {2:.1f})",
    "brightness": "photographs {0:.0%} bright ({1:.0%} to {2:.0%})",
    "aspect": "{0:.2f} times as wide as high ({1:.2f} to {2:.2f})",
}


@dataclass(frozen=True)
class Reference:
    """What training and validation looked like.

    Attributes:
        frames: how many frames weights were learnt from.
        labels: the share of each label among them, 0..1.
        features: QUANTILES quantiles of each figure of these frames, by its name.
        answers: how many frames of validation were answered.
        confidence: QUANTILES quantiles of these answers' confidence, 0..1.
        set_sizes: the share of answers with so many labels in their set, 0..1, by the number.
    """

    frames: int
    labels: Mapping[str, float]
    features: Mapping[str, tuple[float, ...]]
    answers: int
    confidence: tuple[float, ...]
    set_sizes: Mapping[str, float]

    def in_words(self) -> str:
        """Return the middle of each figure of frames, and between what nine in ten of them lie, in a line."""
        parts = [
            words.format(found[QUANTILES // 2], found[5], found[-6])
            for name, words in IN_WORDS.items()
            if (found := self.features.get(name))
        ]
        return "; ".join(parts)


def reference_of(fields: Mapping[str, Any] | None) -> Reference | None:
    """Return a reference from JSON's fields; None of none, as files have it that were trained before.

    Raises:
        KeyError, TypeError, AttributeError: they are not those of a reference.
    """
    if fields is None:
        return None
    features = {name: tuple(values) for name, values in fields["features"].items()}
    return Reference(**{**fields, "features": features, "confidence": tuple(fields["confidence"])})
