"""Measure how well numbers are read: strings of 2 to 6 digits by held-out writers.

    python -m training.evaluation.numbers --data DIR

TORCHSERVE_INFERENCE_URL and MODEL say whom to ask. Each string is cut apart, asked for and put together as
the page's `POST /read` does it, one after the other.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image
from tqdm import tqdm

from client.errors import PredictionError
from client.inference import Inference
from reading.piece import NoNumber
from reading.reader import Reader
from training.data.drawing import encoded
from training.data.rendered import writers
from training.data.strokes import Drawn
from training.evaluation.sheets import photographed
from training.evaluation.strings import GAPS, Written, number
from training.options import data_folder, parser_of

SEED = 2024
LENGTHS = (2, 3, 4, 5, 6)
# The length that a goal is set for.
FOUR = 4
# Strings of each length, gap and kind.
OF_EACH = 40


def drawn(written: Written, _random: np.random.Generator) -> bytes:
    """Black on white, as a PNG."""
    grey = np.rint(255 - 255 * written.cover()).astype(np.uint8)
    return encoded(Image.fromarray(grey), compress_level=1)


def photo(written: Written, random: np.random.Generator) -> bytes:
    """A phone's picture of it."""
    return photographed(written.cover(), random)


def strokes(written: Written, _random: np.random.Generator) -> bytes:
    """The pen's strokes, as JSON."""
    lines = [stroke.points.round(1).tolist() for stroke in written.strokes()]
    return json.dumps({"strokes": lines, "width": written.pen_px}).encode()


KINDS: dict[str, Callable[[Written, np.random.Generator], bytes]] = {
    "drawn": drawn, "photographed": photo, "as strokes": strokes,
}  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What became of one string.

    Attributes:
        truth: what was written.
        text: what was read, "" where it was refused.
        is_sure: whether it was said to be sure.
        took_ms: how long that took.
    """

    truth: str
    text: str
    is_sure: bool
    took_ms: float

    @property
    def digits_right(self) -> int:
        """How many of its digits were read: all but those that an edit has to mend."""
        return max(0, len(self.truth) - _edits(self.truth, self.text))


def strings(digits: list[Drawn], gaps: str, count: int) -> Iterator[tuple[Written, np.random.Generator]]:
    """Return so many numbers of each length, by one hand each, and the chance that goes on from there."""
    hands = {
        writer: [one for one in digits if one.writer == writer] for writer in {one.writer for one in digits}
    }
    for length in LENGTHS:
        for index in range(count):
            random = np.random.default_rng((SEED, length, index, *gaps.encode()))
            hand = hands[sorted(hands)[index % len(hands)]]
            yield number([hand[at] for at in random.integers(0, len(hand), length)], gaps, random), random


def outcome(reader: Reader, model: str, truth: str, payload: bytes) -> Outcome:
    """Return what a string is read as.

    Raises:
        PredictionError: TorchServe gave no answer.
    """
    started = time.perf_counter()
    try:
        found = reader.read(payload, model)
    except NoNumber:
        return Outcome(truth, "", False, 1000 * (time.perf_counter() - started))
    return Outcome(truth, found.text, found.is_sure, 1000 * (time.perf_counter() - started))


def row(name: str, found: list[Outcome]) -> str:
    """Return one line of the table: shares in percent, and the median time of a string of four."""
    fours = [one for one in found if len(one.truth) == FOUR]
    sure = [one for one in found if one.is_sure]
    shares = [
        (sum(one.digits_right for one in found), sum(len(one.truth) for one in found)),
        (sum(one.text == one.truth for one in found), len(found)),
        (sum(one.text == one.truth for one in fours), len(fours)),
        (len(sure), len(found)),
        (sum(one.text == one.truth for one in sure), len(sure)),
    ]
    cells = [f"{100 * part / whole:.1f} %" if whole else "" for part, whole in shares]
    return f"| {name} | {' | '.join(cells)} | {statistics.median(one.took_ms for one in fours):.0f} ms |"


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return the exit status."""
    parser = parser_of("training.evaluation.numbers", __doc__)
    data_folder(parser)
    given = parser.parse_args(arguments)
    url = os.environ.get("TORCHSERVE_INFERENCE_URL") or "http://127.0.0.1:8080"
    model = os.environ.get("MODEL") or "digits"
    inference = Inference(url)
    reader = Reader(inference)
    try:
        digits = writers(given.data)["report"]
        print(
            "| strings | digits right | strings right | of four right | sure | right where sure | four, p50 |"
        )
        print("|---|--:|--:|--:|--:|--:|--:|")
        for gaps in GAPS:
            for kind, made in KINDS.items():
                asked = strings(digits, gaps, OF_EACH)
                total = len(LENGTHS) * OF_EACH
                shown = tqdm(asked, f"{gaps}, {kind}", total, unit="string", leave=False, disable=None)
                found = [outcome(reader, model, one.text, made(one, random)) for one, random in shown]
                print(row(f"{gaps}, {kind}", found), flush=True)
        print(f"\none digit, one prediction: p50 {_one_ms(inference, model, digits):.1f} ms")
    except (FileNotFoundError, PredictionError) as error:
        print(f"numbers: {error}", file=sys.stderr)
        return 1
    finally:
        reader.close()
    return 0


def _one_ms(inference: Inference, model: str, digits: list[Drawn]) -> float:
    """Return the median time of a prediction of one digit, milliseconds."""
    took = []
    for index in range(100):
        random = np.random.default_rng((SEED, index))
        picture = drawn(number([digits[index]], "spaced", random), random)
        took.append(inference.predict(picture, model).latency_ms)
    return statistics.median(took)


def _edits(one: str, other: str) -> int:
    """Return by how many insertions, deletions and replacements two texts differ (Levenshtein 1966)."""
    before = list(range(len(other) + 1))
    for at, letter in enumerate(one, 1):
        now = [at]
        for index, another in enumerate(other, 1):
            now.append(min(before[index] + 1, now[-1] + 1, before[index - 1] + (letter != another)))
        before = now
    return before[-1]


if __name__ == "__main__":
    sys.exit(main())
