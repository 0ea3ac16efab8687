"""Of many labels the likeliest ones: how many a request asks for, and how many an answer has without that."""

from collections.abc import Mapping
from typing import Any

import numpy as np

# A client that sends this header gets so many labels with their probabilities in place of all of them.
TOP_HEADER = "x-top"
MOST = 100
# Of more labels than this, an answer has the likeliest few where nothing else is asked for.
MOST_WHOLE, USUAL = 100, 10


class BadTop(ValueError):  # noqa: N818 - what it is
    """A number of labels that cannot be asked for."""

    def answer(self) -> dict[str, object]:
        """Return the JSON body that goes with HTTP status 400."""
        return {"code": 400, "type": "BadRequest", "message": str(self)}


def asked_for(headers: Mapping[str, Any]) -> int | None:
    """Return how many labels a request asks for; None where it does not say.

    Args:
        headers: names in small letters.

    Raises:
        BadTop: it is no number from 1 to MOST.
    """
    given = headers.get(TOP_HEADER)
    if given is None:
        return None
    text = str(given).strip()
    # Digits of other scripts are numbers to Python, too.
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= MOST):
        raise BadTop(
            f"The header X-Top is {text[:20]!r}: send a whole number from 1 to {MOST}, as in X-Top: {USUAL}."
        )
    return int(text)


def told(probabilities: np.ndarray, label_names: list[str], top: int | None) -> dict[str, Any]:
    """Return an answer's field with probabilities: of all labels, or of the likeliest, which come first.

    Args:
        probabilities: float32 (labels,).
        label_names: the label of each.
        top: of how many; None: of all, or of USUAL where there are more than MOST_WHOLE.
    """
    if top is None and len(label_names) <= MOST_WHOLE:
        named = zip(label_names, probabilities.tolist(), strict=True)
        return {"probabilities": {name: round(value, 6) for name, value in named}}
    best = np.argsort(-probabilities, kind="stable")[: top or USUAL].tolist()
    return {
        "top": [
            {"label": label_names[index], "probability": round(float(probabilities[index]), 6)}
            for index in best
        ]
    }
