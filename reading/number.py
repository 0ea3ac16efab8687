"""Pieces and the model's answers to them -> the number: the best way through the row.

The way through the lattice of segmentations with the least cost, as in LeCun et al. (1998), section V: a
piece's cost is the negative logarithm of what the network and the gate say of it, and of how likely a digit
of its shape is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from client.answers import Answer
from reading.piece import Piece

# Fitted on strings of the validation writers: `python -m training.evaluation.numbers --part validation`.
# Each piece costs so much, and each cut that it goes across.
EACH, ACROSS = 0.25, 0.2
# So much does the gate count beside the network, which is sure of many a half digit.
GATE = 2.0
# Of the row's height: pieces lower or wider than this are seldom digits; a whole height too low costs LOW.
LOW_SHARE, LOW, WIDE_SHARE, WIDE = 0.77, 15.0, 1.0, 3.5
# What counts as impossible is only very unlikely: there is always a way.
LEAST = 1e-4
# By how much the next best way must be dearer for a digit to be sure: e times as unlikely.
SURE_BY = 1.0


@dataclass(frozen=True)
class Digit:
    """One digit of a number.

    Attributes:
        answer: what the model made of it; None where it could not be read.
        box: left, top, width and height in pixels of the picture.
        png: the picture of it alone that the model was sent.
        is_sure: whether it looks like a digit, has one plausible label, and is cut out as in no other way.
        place: left, top and pixels of the picture to one of `png`'s: where that lies in the picture.
        thumbnail: a small copy of `png`.
    """

    answer: Answer | None
    box: tuple[float, float, float, float]
    png: bytes
    is_sure: bool
    place: tuple[float, float, float] = (0.0, 0.0, 1.0)
    thumbnail: bytes = b""

    @property
    def label(self) -> str:
        """The likeliest label, "?" where it could not be read."""
        return "?" if self.answer is None else self.answer.label

    def as_json(self) -> dict[str, Any]:
        """Return what is answered for it."""
        answer = self.answer
        return {
            "label": self.label,
            "confidence": 0.0 if answer is None else answer.confidence,
            "set": [] if answer is None else list(answer.label_set),
            "is_digit": False if answer is None else answer.is_digit,
            "is_sure": self.is_sure,
            "box": [round(value, 1) for value in self.box],
        }


@dataclass(frozen=True)
class Number:
    """Digits from left to right.

    Attributes:
        digits: at least one.
    """

    digits: tuple[Digit, ...]

    @property
    def text(self) -> str:
        """The labels, such as "2026"."""
        return "".join(digit.label for digit in self.digits)

    @property
    def is_sure(self) -> bool:
        """Whether every digit is."""
        return all(digit.is_sure for digit in self.digits)

    def as_json(self) -> dict[str, Any]:
        """Return what is answered for it."""
        answers = [digit.answer for digit in self.digits if digit.answer is not None]
        return {
            "text": self.text,
            "is_sure": self.is_sure,
            "digits": [digit.as_json() for digit in self.digits],
            "model": answers[0].model if answers else None,
            "version": answers[0].version if answers else None,
        }


def number_of(pieces: Sequence[Piece], answers: Sequence[Answer | None]) -> Number:
    """Return the number that is the best way through the pieces.

    Args:
        pieces: such that a way leads from the first fragment to the last.
        answers: the model's to each; None for what it could not read.
    """
    costs = [_cost(piece, answer) for piece, answer in zip(pieces, answers, strict=True)]
    best, way = _best(pieces, costs)
    digits = []
    for index in way:
        without = [math.inf if other == index else cost for other, cost in enumerate(costs)]
        is_clear = _best(pieces, without)[0] - best >= SURE_BY
        piece, answer = pieces[index], answers[index]
        digits.append(
            Digit(answer, piece.box, piece.png, is_clear and _is_plain(answer), piece.place, piece.thumbnail)
        )
    return Number(tuple(digits))


def _is_plain(answer: Answer | None) -> bool:
    return answer is not None and answer.is_digit is not False and len(answer.label_set) <= 1


def _cost(piece: Piece, answer: Answer | None) -> float:
    confidence = 0.0 if answer is None else answer.confidence
    score = 1.0 if answer is None or answer.digit_score is None else answer.digit_score
    width, height = piece.shape
    shape = LOW * max(0.0, LOW_SHARE - height) + WIDE * max(0.0, width - WIDE_SHARE)
    across = ACROSS * (piece.end - piece.first - 1)
    return EACH + across + shape - math.log(confidence + LEAST) - GATE * math.log(score + LEAST)


def _best(pieces: Sequence[Piece], costs: Sequence[float]) -> tuple[float, list[int]]:
    """Return the least cost of a way from the first fragment to the last, and the pieces on it."""
    last = max(piece.end for piece in pieces)
    least = [0.0] + [math.inf] * last
    by = [-1] * (last + 1)
    for index in sorted(range(len(pieces)), key=lambda index: pieces[index].first):
        piece = pieces[index]
        cost = least[piece.first] + costs[index]
        if cost < least[piece.end]:
            least[piece.end], by[piece.end] = cost, index
    way: list[int] = []
    at = last
    while at > 0 and by[at] >= 0:
        way.append(by[at])
        at = pieces[by[at]].first
    return least[last], way[::-1]
