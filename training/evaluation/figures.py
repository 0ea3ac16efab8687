"""Answers -> the report's figures. Everything that the page shows as a number comes from here."""

from collections import Counter
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from training.evaluation.ask import Answers
from training.fitting.measure import ECE_BINS, expected_calibration_error

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Row:
    """One line of the report.

    Attributes:
        kind: what was sent.
        renderer: what drew it; empty for MNIST.
        pictures: how many.
        correct: how many were answered with the true label; a refused picture counts as wrong.
        accuracy: their share, 0..1.
        low: the lower end of the accuracy's 95 % interval.
        high: the upper end.
        ece: expected calibration error of the answers, 0..1, over 15 bins.
        refused: how many came back as bad images.
        covered: the share of answers whose set holds the true label, 0..1; refused pictures are left out.
        set_size: the mean number of labels in a set.
        no_digit: how many were answered as no digit.
        trusted: how many were answered with the true label, as a digit.
        misled: how many were answered with another label, as a digit.
    """

    kind: str
    renderer: str
    pictures: int
    correct: int
    accuracy: float
    low: float
    high: float
    ece: float
    refused: int
    covered: float
    set_size: float
    no_digit: int
    trusted: int
    misled: int


@dataclass(frozen=True)
class Change:
    """What a change of the drawing did to the answers.

    Attributes:
        name: what was changed.
        renderer: what drew it.
        pictures: how many pairs.
        same: how many pairs got the same label.
        share: their share, 0..1, with its 95 % interval in `low` and `high`.
        low: see share.
        high: see share.
        confidence_change: the mean absolute change of the first label's probability, 0..1.
    """

    name: str
    renderer: str
    pictures: int
    same: int
    share: float
    low: float
    high: float
    confidence_change: float


@dataclass(frozen=True)
class Reliability:
    """Confidence against accuracy, in bins of confidence.

    Attributes:
        ece: expected calibration error, 0..1.
        confidence: the mean of each bin that holds answers.
        accuracy: the share of right answers in each.
        low: the lower end of its 95 % interval.
        high: the upper end.
        count: how many answers are in each.
    """

    ece: float
    confidence: list[float]
    accuracy: list[float]
    low: list[float]
    high: list[float]
    count: list[int]


def wilson(correct: float, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share.

    Wilson 1927, doi:10.1080/01621459.1927.10502953: unlike the textbook's, it stays inside 0..1 and has a
    width where nothing went wrong. `correct` may be a fraction, where trials were repeated and averaged.

    Raises:
        ValueError: there are no trials, or more successes than trials.
    """
    if not 0 <= correct <= count or not count:
        raise ValueError(
            f"{correct} of {count} is not a share: expected 0 <= correct <= count and count > 0."
        )
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    share = correct / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * (share * (1 - share) / count + z * z / (4 * count * count)) ** 0.5
    # At the ends the formula gives 0 and 1 exactly, up to rounding.
    return (0.0 if correct == 0 else middle - half), (1.0 if correct == count else middle + half)


def row(answers: list[Answers], kind: str | None = None, renderer: str | None = None) -> Row:
    """Return the line of one question, or of several about the same digits.

    Pictures of one digit are not independent: who misreads its plain picture misreads most others. So the
    interval of several questions is that of one whose answers are shared out among the digits.
    """
    question = answers[0].question
    correct = np.concatenate([part.correct for part in answers])
    probabilities, truth = _read(answers)
    right = int(correct.sum())
    return Row(
        question.name if kind is None else kind,
        question.renderer if renderer is None else renderer,
        len(correct),
        right,
        right / len(correct),
        *wilson(right / len(answers), len(correct) // len(answers)),
        expected_calibration_error(probabilities, truth),
        len(correct) - len(truth),
        *_sets(answers),
        sum(int((~part.called_digits & (part.predicted >= 0)).sum()) for part in answers),
        sum(int((part.called_digits & part.correct).sum()) for part in answers),
        sum(int((part.called_digits & ~part.correct & (part.predicted >= 0)).sum()) for part in answers),
    )


def change(before: Answers, after: Answers) -> Change:
    """Return what became of the answers to the same digits; a refusal is not the same as any label."""
    same = (before.predicted == after.predicted) & (before.predicted >= 0)
    each = np.arange(len(same))
    moved = after.probabilities[each, before.predicted] - before.probabilities[each, before.predicted]
    count = int(same.sum())
    question = after.question
    return Change(
        question.name,
        question.renderer,
        len(same),
        count,
        count / len(same),
        *wilson(count, len(same)),
        float(np.abs(moved[before.predicted >= 0]).mean()),
    )


def confusion(answers: list[Answers]) -> np.ndarray:
    """Return the counts, int (labels, labels): rows are true, columns answered; refused ones are left out."""
    labels = answers[0].probabilities.shape[1]
    table = np.zeros((labels, labels), int)
    for part in answers:
        read = part.predicted >= 0
        np.add.at(table, (part.question.truth[read], part.predicted[read]), 1)
    return table


def reliability(answers: list[Answers]) -> Reliability:
    """Return the reliability diagram's figures, over the bins of Guo et al. 2017, arXiv:1706.04599."""
    probabilities, truth = _read(answers)
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    bins = np.minimum((confidence * ECE_BINS).astype(int), ECE_BINS - 1)
    used = np.unique(bins)
    count = [int((bins == number).sum()) for number in used]
    right = [int(correct[bins == number].sum()) for number in used]
    ends = [wilson(some, many) for some, many in zip(right, count, strict=True)]
    return Reliability(
        expected_calibration_error(probabilities, truth),
        [float(confidence[bins == number].mean()) for number in used],
        [some / many for some, many in zip(right, count, strict=True)],
        [low for low, _ in ends],
        [high for _, high in ends],
        count,
    )


def worst(answers: list[Answers], number: int) -> list[tuple[Answers, int, int]]:
    """Return the digits with the surest wrong answers, surest first: (answers, index, how often wrong)."""
    wrong = [
        (part, int(index))
        for part in answers
        for index in np.flatnonzero(~part.correct & (part.predicted >= 0))
    ]
    wrong.sort(key=lambda one: -one[0].confidence[one[1]])
    times = Counter(index for _, index in wrong)
    # The surest picture of each digit stands for the others.
    surest = {index: part for part, index in reversed(wrong)}
    each = [(part, index, times[index]) for part, index in wrong if surest[index] is part]
    return each[:number]


def _sets(answers: list[Answers]) -> tuple[float, float]:
    """Return how often the sets hold the true label, and how many labels they hold on average."""
    members = np.concatenate([part.members[part.predicted >= 0] for part in answers])
    truth = _read(answers)[1]
    return float(members[np.arange(len(truth)), truth].mean()), float(members.sum(axis=1).mean())


def _read(answers: list[Answers]) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities and truth of the pictures that were not refused."""
    return (
        np.concatenate([part.probabilities[part.predicted >= 0] for part in answers]),
        np.concatenate([part.question.truth[part.predicted >= 0] for part in answers]),
    )
