"""An answer in words: how sure the model is, what else the drawing may be, or that it looks like neither."""

from collections.abc import Collection, Sequence

from ui.draw.outcome import Reading
from ui.percent import percent

DIGITS = frozenset("0123456789")
# More labels than these are not what it may be as well: the model does not know.
MOST_NAMED = 3


def words(reading: Reading) -> tuple[str, str]:
    """Return headline and detail."""
    prediction = reading.prediction
    label, probabilities = prediction.predicted_label, prediction.probabilities
    if prediction.is_digit is False:
        # How sure it is was worked out as if it were one.
        if are_digits(probabilities):
            return "That does not look like a digit", f"If it is one, it is most likely {label}."
        return (
            "Unlike anything this model was trained on",
            f"If it is one of these, it is most likely {label}.",
        )
    label_set = prediction.label_set or ()
    if len(label_set) > MOST_NAMED:
        nearest = _listed(label_set[:MOST_NAMED])
        of = max(len(probabilities), len(label_set), reading.label_count)
        left = f"{len(label_set)} of {of} labels cannot be ruled out."
        return f"Hard to say: most likely {nearest}", left
    sure = f"{percent(prediction.confidence)} sure"
    if others := [other for other in label_set if other != label]:
        return f"It may also be {_listed(others)}", f"{sure} it is {label}.{_promise(reading.coverage)}"
    return sure, _runner_up(probabilities, label)


def are_digits(labels: Collection[str]) -> bool:
    """Return whether the labels are the ten digits."""
    return set(labels) == DIGITS


def none_of_these(labels: Collection[str]) -> str:
    """Return what a person says of a drawing that is nothing that the model knows."""
    return "Not a digit" if are_digits(labels) else "None of these"


def _promise(coverage: float | None) -> str:
    """Return how often sets hold the right label: over all answers, since of hard ones that says little."""
    return (
        "" if coverage is None else f" Across all answers, {100 * coverage:g} in 100 include the right label."
    )


def _listed(labels: Sequence[str]) -> str:
    """Return the labels as people list them."""
    *first, last = labels
    return f"{', '.join(first)} or {last}" if first else last


def _runner_up(probabilities: dict[str, float], label: str) -> str:
    """Return the second guess in words, or that there is hardly one."""
    others = {name: p for name, p in probabilities.items() if name != label}
    second = max(others, key=others.__getitem__, default=None)
    if second is None or others[second] < 0.01:
        return "no other label comes close"
    return f"or perhaps {second}, {percent(others[second])}"
