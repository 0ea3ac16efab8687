"""A row of the history in words."""

from collections.abc import Collection
from datetime import datetime

from db.records import HistoryRow, Summary
from ui.draw.drawing import NO_PICTURE, png_url
from ui.draw.words import MOST_NAMED, are_digits, none_of_these
from ui.percent import percent


def source(thumbnail: bytes | None) -> str:
    """Return the picture's data URL; drawings from before thumbnails were kept show an empty square."""
    return png_url(thumbnail) if thumbnail else NO_PICTURE


def read_as(prediction: Summary) -> str:
    """Return the answer in short: "7", "7?" for no digit or what is unknown, "4 or 9" for a set of labels.

    Of more labels than are worth naming there is their number.
    """
    if prediction.is_digit is False:
        return f"{prediction.predicted_label}?"
    others = [label for label in prediction.label_set or () if label != prediction.predicted_label]
    if len(others) >= MOST_NAMED:
        return f"{prediction.predicted_label} or {len(others)} others"
    return " or ".join([prediction.predicted_label, *others])


def heard_as(prediction: Summary) -> str:
    """Return the answer as a sentence has it."""
    if prediction.is_digit is False:
        return f"{none_of_these(prediction.probabilities).lower()}, closest to {prediction.predicted_label}"
    return read_as(prediction)


def doubt(labels: Collection[str]) -> str:
    """Return what a model thinks of a drawing that looks like none of its labels."""
    return "doubts that it is a digit" if are_digits(labels) else "finds it unlike anything it was trained on"


def sure(prediction: Summary, word: str = "") -> str:
    """Return how sure the answer is, "98.8 %", or where it has several labels, "98.8 % for 7".

    It is "" of what looks like no digit, where that was worked out as if it were one.

    Args:
        prediction: The answer.
        word: What stands behind the share, such as " sure".
    """
    if prediction.is_digit is False:
        return ""
    of = (
        f" {'of' if word else 'for'} {prediction.predicted_label}"
        if len(prediction.label_set or ()) > 1
        else ""
    )
    return f"{percent(prediction.confidence)}{word}{of}"


def really(row: HistoryRow) -> str:
    """Return what somebody said that it is, "" where nobody did."""
    if row.is_no_digit:
        return none_of_these(row.prediction.probabilities).lower()
    return row.true_label or ""


def verdict(row: HistoryRow) -> str:
    """Return "open", "right", "left-open" for a right label that was in the answer's set, or "wrong"."""
    if not row.is_judged:
        return "open"
    return "right" if row.is_right else "left-open" if row.is_in_set else "wrong"


def day(at: datetime, now: datetime) -> str:
    """Return a day, with its year where that is not this one."""
    return f"{at:%a} {at.day} {at:%b}" + ("" if at.year == now.year else f" {at.year}")
