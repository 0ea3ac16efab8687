"""Everything that one evaluation found, as the page, the JSON file, the table and the model card tell it."""

from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from functools import partial
from typing import Any

import numpy as np

from training.evaluation import figures, outliers
from training.evaluation.ask import Answers
from training.evaluation.figures import Change, Reliability, Row
from training.evaluation.questions import UNCHANGED
from training.gate.rejection import Rejection, rejection, with_means

WORST_SHOWN = {"mnist": 12, "strokes": 24}


@dataclass(frozen=True)
class Mistake:
    """One wrong answer.

    Attributes:
        kind: what was sent.
        renderer: what drew it; empty for MNIST.
        index: which picture of its question.
        truth: the true label.
        answer: the given one.
        confidence: its probability, 0..1.
        misread: how many pictures of this digit were misread, of `pictures`.
        pictures: how many were sent.
        picture: returns the bytes that were sent.
    """

    kind: str
    renderer: str
    index: int
    truth: int
    answer: int
    confidence: float
    misread: int
    pictures: int
    picture: Callable[[], bytes]


@dataclass(frozen=True)
class Findings:
    """What was found.

    Attributes:
        model: which model, version and preprocessing answered.
        rows: MNIST first, then each kind of picture for each renderer.
        together: all kinds of stroke pictures as one row for each renderer, then both; empty without strokes.
        resolutions: a row for each side in pixels and renderer.
        changes: what each change did.
        confusions: by "mnist" and "strokes": int (labels, labels), rows true, columns answered.
        reliability: by the same names.
        worst: by the same names, the digits with the surest wrong answers.
        rejections: how what is no digit is told from digits, by kind, then means; empty without a gate.
        has_gate: whether the answers say what is a digit.
    """

    model: dict[str, str]
    rows: list[Row]
    together: list[Row]
    resolutions: list[Row]
    changes: list[Change]
    confusions: dict[str, np.ndarray]
    reliability: dict[str, Reliability]
    worst: dict[str, list[Mistake]]
    rejections: list[Rejection]
    has_gate: bool


def plain(value: Any) -> Any:
    """Return findings, or a part of them, as what the json module writes."""
    if is_dataclass(value):
        return {key: plain(part) for key, part in vars(value).items() if not callable(part)}
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value.tolist() if isinstance(value, np.ndarray) else value


def find(answers: list[Answers]) -> Findings:
    """Return the findings of all answers.

    Raises:
        ValueError: they come from more than one model.
    """
    model = answers[0].model
    if any(part.model != model for part in answers):
        raise ValueError(
            f"answers came from {model} and from another model: do not change the server's model during the "
            "measurement"
        )
    parts = {
        name: [part for part in answers if part.question.part == name]
        for name in ("mnist", "kind", "resolution", "change", outliers.PART)
    }
    groups = {name: parts[part] for name, part in (("mnist", "mnist"), ("strokes", "kind")) if parts[part]}
    return Findings(
        model=model,
        rows=[figures.row([part]) for part in parts["mnist"] + parts["kind"]],
        together=_together(parts["kind"]),
        resolutions=[figures.row([part]) for part in parts["resolution"]],
        changes=_changes(parts["change"]),
        confusions={name: figures.confusion(group) for name, group in groups.items()},
        reliability={name: figures.reliability(group) for name, group in groups.items()},
        worst={
            name: [_mistake(*one, len(group)) for one in figures.worst(group, WORST_SHOWN[name])]
            for name, group in groups.items()
        },
        rejections=_rejections(parts["mnist"] + parts["kind"], parts[outliers.PART]),
        has_gate=any(part.digit_scores is not None for part in answers),
    )


def _rejections(digits: list[Answers], asked: list[Answers]) -> list[Rejection]:
    """Return the figures of each kind of outlier against all digits, and the means; none without a gate."""
    scores = [part.digit_scores for part in digits if part.digit_scores is not None]
    if not scores or not asked:
        return []
    rows = []
    for kind in dict.fromkeys(part.question.name for part in asked):
        own = [part for part in asked if part.question.name == kind]
        found = np.concatenate([part.digit_scores for part in own if part.digit_scores is not None])
        accepted = np.concatenate([part.called_digits for part in own])
        rows.append(rejection(kind, np.concatenate(scores), found, accepted))
    return with_means(rows)


def _together(kinds: list[Answers]) -> list[Row]:
    if not kinds:
        return []
    renderers = dict.fromkeys(part.question.renderer for part in kinds)
    rows = [
        figures.row([part for part in kinds if part.question.renderer == renderer], "all kinds")
        for renderer in renderers
    ]
    return [*rows, figures.row(kinds, "all kinds", "both")]


def _changes(answers: list[Answers]) -> list[Change]:
    before = {part.question.renderer: part for part in answers if part.question.name == UNCHANGED}
    return [
        figures.change(before[part.question.renderer], part)
        for part in answers
        if part.question.name != UNCHANGED
    ]


def _mistake(part: Answers, index: int, misread: int, pictures: int) -> Mistake:
    question = part.question
    return Mistake(
        question.name,
        question.renderer,
        index,
        int(question.truth[index]),
        int(part.predicted[index]),
        float(part.confidence[index]),
        misread,
        pictures,
        partial(question.picture, index),
    )
