"""How numbers are measured, and that they are read: a small run through the real server."""

import json
from collections.abc import Iterator

import numpy as np
import pytest

from client.inference import Inference
from launch.temporary import TorchServe
from reading.reader import Reader
from training.data.drawing import STROKES
from training.data.strokes import Drawn
from training.evaluation.brush import cover_of
from training.evaluation.numbers import FOUR, KINDS, LENGTHS, Outcome, drawn, outcome, row, strings
from training.evaluation.strings import GAPS, number

HAND = [
    Drawn(int(digit), 1, tuple(np.array(stroke, np.float32) for stroke in strokes))
    for digit, strokes in STROKES.items()
]


@pytest.fixture(scope="module")
def reader(torchserve: TorchServe) -> Iterator[Reader]:
    running = Reader(Inference(torchserve.inference_url, timeout_s=60))
    yield running
    running.close()


def test_digits_touch_where_they_should_and_nowhere_else() -> None:
    touching = dict.fromkeys(GAPS, 0)
    for gaps in GAPS:
        for seed in range(10):
            written = number([HAND[seed % 10], HAND[3]], gaps, np.random.default_rng(seed))
            one, other = (cover_of(digit, written.size, written.pen_px) for digit in written.digits)
            touching[gaps] += bool(((one > 0) & (other > 0)).any())
    # A stroke that is thin where it was fast may miss what its full width would reach.
    assert touching["spaced"] == touching["close"] == 0
    assert touching["touching"] >= 7


def test_strings_are_the_same_each_time_and_of_every_length() -> None:
    one, other = ([written.text for written, _ in strings(HAND, "close", 2)] for _ in range(2))
    assert one == other
    assert sorted(len(text) for text in one) == sorted(LENGTHS * 2)


@pytest.mark.parametrize(
    ("text", "right"), [("2026", 4), ("2025", 3), ("206", 3), ("20226", 3), ("", 0), ("9999999", 0)]
)
def test_a_digit_is_right_unless_an_edit_has_to_mend_it(text: str, right: int) -> None:
    assert Outcome("2026", text, False, 1.0).digits_right == right


def test_a_row_says_shares_of_all_and_of_fours() -> None:
    found = [Outcome("2026", "2026", True, 10.0), Outcome("12", "17", False, 20.0)]
    assert row("x", found) == "| x | 83.3 % | 50.0 % | 100.0 % | 50.0 % | 100.0 % | 10 ms |"


def test_strokes_are_sent_as_json() -> None:
    written = number(HAND[:2], "spaced", np.random.default_rng(0))
    said = json.loads(KINDS["as strokes"](written, np.random.default_rng(0)))
    assert len(said["strokes"]) == len(written.strokes())
    assert said["width"] == written.pen_px
    assert drawn(written, np.random.default_rng(0)).startswith(b"\x89PNG")


@pytest.mark.integration
@pytest.mark.parametrize(
    ("gaps", "kind", "count", "digits", "fours"),
    [
        ("spaced", "drawn", 5, 0.98, 0.95),
        ("spaced", "photographed", 5, 0.98, 0.95),
        ("spaced", "as strokes", 5, 0.98, 0.95),
        ("close", "drawn", 5, 0.95, 0.6),
        ("touching", "as strokes", 5, 0.95, 0.8),
        # Of these a quarter is sure: of fewer strings, one more or less would decide.
        ("touching", "drawn", 20, 0.6, 0.2),
    ],
)
def test_numbers_are_read(
    reader: Reader, gaps: str, kind: str, count: int, digits: float, fours: float
) -> None:
    found = [
        outcome(reader, "digits", one.text, KINDS[kind](one, random))
        for one, random in strings(HAND, gaps, count)
    ]
    assert sum(one.digits_right for one in found) >= digits * sum(len(one.truth) for one in found)
    of_four = [one for one in found if len(one.truth) == FOUR]
    assert sum(one.text == one.truth for one in of_four) >= fours * len(of_four)
    sure = [one for one in found if one.is_sure]
    assert sum(one.text == one.truth for one in sure) >= 0.8 * len(sure)
