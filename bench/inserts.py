"""What it saves to write many answers in one statement: `python -m bench.inserts`."""

import argparse
import os
import sys
import tempfile
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from sqlalchemy import Engine

from db import embedded, migrate
from db import engine as database
from db.adding import ADDED_AT_ONCE, add
from db.records import Prediction
from training.options import positive

# Of the pad's: 5 to 9 KB a drawing, and what cannot be compressed any further.
DRAWING_BYTES, THUMBNAIL_BYTES = 7_000, 400
WAYS = {"a statement each": 1, "in one statement": ADDED_AT_ONCE}


def main(arguments: list[str] | None = None) -> int:
    """Print a line for each way, of a PostgreSQL that is started for this, and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.inserts", description=(__doc__ or "").split(":")[0] + "."
    )
    parser.add_argument("--rounds", type=positive, default=20, help="how often each is measured (20)")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="bench-") as place, embedded.start(Path(place)) as server:
        migrate.upgrade(server.url)
        with database.opened(server.url) as engine:
            print("\n".join(report(measured(engine, given.rounds))))
    return 0


def measured(engine: Engine, rounds: int) -> dict[str, list[float]]:
    """Return how many milliseconds a transaction of `ADDED_AT_ONCE` answers took, by turns, per way."""
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    for turn in range(-1, rounds):  # the first is not counted
        for way, at_once in [*WAYS.items()][:: 1 if turn % 2 else -1]:
            answers = [_answer() for _ in range(ADDED_AT_ONCE)]
            began = time.perf_counter()
            with engine.begin() as connection:
                for start in range(0, len(answers), at_once):
                    add(connection, answers[start : start + at_once])
            if turn >= 0:
                found[way].append(1000 * (time.perf_counter() - began))
    return found


def report(found: dict[str, list[float]]) -> list[str]:
    """Return the lines."""
    lines = [
        f"{ADDED_AT_ONCE} answers, {way}: median {median(took):.0f} ms ({min(took):.0f} to {max(took):.0f})"
        for way, took in found.items()
    ]
    each, together = (median(took) for took in found.values())
    return [*lines, f"together {each / together:.1f} times as fast"]


def _answer() -> Prediction:
    return Prediction(
        id=uuid.uuid4(),
        created_at=datetime.now(UTC),
        session_id=uuid.uuid4().hex,
        source="upload",
        model_name="digits",
        model_version="1.0.0",
        preprocessing="a1b2c3d4",
        predicted_label="7",
        confidence=0.991,
        probabilities={str(digit): 0.991 if digit == 7 else 0.001 for digit in range(10)},
        drawing=os.urandom(DRAWING_BYTES),
        pen_colour="#000000",
        background_colour="#ffffff",
        latency_ms=4.2,
        request_id=uuid.uuid4().hex,
        is_digit=True,
        label_set=("7",),
        thumbnail=os.urandom(THUMBNAIL_BYTES),
        drawing_id=uuid.uuid4(),
    )


if __name__ == "__main__":
    sys.exit(main())
