"""The labels of a network that somebody brings, in the order of its outputs."""

import json
from pathlib import Path

from training.data.folder_layout import LONGEST_LABEL

FORM = (
    'expected one label per line, in the order of the network\'s outputs, or JSON: ["cat", "dog"], or '
    '{"0": "cat", "1": "dog"}'
)


def read_labels(path: Path) -> tuple[str, ...]:
    """Return the labels that a file has: a label a line, or a JSON list, or a JSON object by number.

    Raises:
        OSError: it cannot be read.
        ValueError: it has fewer than two labels, one twice, or one that is empty or too long.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
        found = _of_json(json.loads(text)) if path.suffix == ".json" else text.splitlines()
    except ValueError as error:  # of UTF-8 and of JSON, too
        raise ValueError(f"--labels {path} cannot be read ({error}): {FORM}.") from None
    labels = [label.strip() for label in found]
    while labels and not labels[-1]:
        labels.pop()
    for number, label in enumerate(labels, start=1):
        if not label:
            raise ValueError(f"--labels {path}: label {number} of {len(labels)} is empty: {FORM}.")
        if len(label) > LONGEST_LABEL:
            raise ValueError(
                f"--labels {path}: label {number}, {label[:20]}..., has {len(label)} characters, expected "
                f"at most {LONGEST_LABEL}."
            )
        if (before := labels.index(label)) < number - 1:
            raise ValueError(
                f"--labels {path}: {label!r} is there twice, as label {before + 1} and {number}: {FORM}."
            )
    if len(labels) < 2:
        raise ValueError(f"--labels {path} has {len(labels)} labels, expected at least two: {FORM}.")
    return tuple(labels)


def _of_json(found: object) -> list[str]:
    """Return the labels of a JSON list, or of an object as TorchServe's index_to_name.json has it.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(found, dict):
        wanted = [str(index) for index in range(len(found))]
        if set(found) != set(wanted):
            raise ValueError(f"its keys are not 0 to {len(found) - 1}")
        found = [found[index] for index in wanted]
    if not isinstance(found, list) or not all(isinstance(label, str) for label in found):
        raise ValueError("it is neither a list nor an object of strings")
    return found
