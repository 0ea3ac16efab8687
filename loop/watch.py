"""`python -m loop.watch`: whether what people draw looks like what each version was trained on.

    python -m loop.watch

Looks at the newest drawings of each version whose archive says what its training looked like, and keeps what
it finds for the page's analytics and its metrics. Run it as often as you like: without enough new drawings
there is no new look. The database is that of DATABASE_URL, or else the embedded one.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from sqlalchemy import Engine

from db import drifts, own_database
from db.drifts import Drawn, Figure, Look
from handler.bad_image import BadImage
from handler.framings import frame_of_file, frame_shape, is_framing
from loop.drift import LEAST, LOW, corrected, of_numbers, of_values
from loop.engine import STATEMENT_TIMEOUT_MS
from system import environment
from training.archive.contents import Archive, read_archive
from training.data.features import features
from training.models.reference import Reference

# The sample: the newest ones, of some weeks, and of one session no more than one hand should count.
DRAWINGS, DAYS, OF_A_SESSION = 2_000, 30, 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Look at each version once; return the exit status."""
    argparse.ArgumentParser(
        prog="python -m loop.watch",
        description="Compare what people draw with what the model was trained on.",
    ).parse_args(arguments)
    with own_database.command("loop.watch"):
        store = environment.path(os.environ, "MODEL_STORE", "model_store")
        with own_database.opened(STATEMENT_TIMEOUT_MS) as engine:
            for line in watched(engine, store, datetime.now(UTC)):
                print(line, flush=True)
    return 0


def watched(engine: Engine, store: Path, now: datetime) -> Iterator[str]:
    """Look at each version whose archive is in the model store; yield a line for each.

    Raises:
        DatabaseUnavailable: the database cannot be read or written now; looks before that are kept.
    """
    archives = [path for path in sorted(store.glob("*.mar")) if path.is_file()]
    if not archives:
        yield f"there is no archive in {store}"
    for path in archives:
        try:
            archive = read_archive(path)
        except (OSError, ValueError) as error:
            yield f"{path.name}: {error}"
            continue
        yield f"{archive.name} {archive.version}: {_watched(engine, archive, now)}"


def _watched(engine: Engine, archive: Archive, now: datetime) -> str:
    """Look at a version, unless there is too little to see; return what was found, in words."""
    framing = archive.framing or ""
    if archive.reference is None or not is_framing(framing):
        return "its archive does not say what its training data looked like: train the model again"
    model = (archive.name, archive.version)
    # Not what a clock that was wrong dates into the future: after that nothing would be new.
    count, until = drifts.looks_before(engine, model, now)
    drawn = drifts.newest(engine, model, (now - timedelta(days=DAYS), now), DRAWINGS, OF_A_SESSION)
    new = sum(until is None or one.created_at > until for one in drawn)
    if new < LEAST:
        return (
            f"{new} new drawings in {DAYS} days, at most {OF_A_SESSION} of a session; "
            f"expected at least {LEAST}"
        )
    frames = framed(drifts.pictures(engine, drawn), framing)
    figures = corrected(compared(archive.reference, drawn, frames, framing), count + 1)
    times = [one.created_at for one in drawn]
    drifts.add(engine, Look(*model, min(times), max(times), len(drawn), figures))
    beyond = [f"{one.name} {one.stability:.2f}" for one in figures if one.is_beyond_chance]
    return (
        f"{len(drawn)} drawings; changed beyond chance, with stability index: "
        f"{', '.join(beyond) or 'nothing'}"
    )


def compared(reference: Reference, drawn: Sequence[Drawn], frames: np.ndarray, framing: str) -> list[Figure]:
    """Return how each figure that there is enough of differs from the reference; p values are uncorrected.

    Args:
        reference: what training and validation looked like.
        drawn: the answers.
        frames: of their drawings, uint8 (count, 28, 28), in any order.
        framing: how these were made.
    """
    found = []
    if len(frames) >= LEAST:
        found += [
            of_numbers(name, reference.features[name], reference.frames, values)
            for name, values in features(frames, framing).items()
            if name in reference.features
        ]
    confidence = np.array([one.confidence for one in drawn])
    found.append(of_numbers("confidence", reference.confidence, reference.answers, confidence, LOW))
    labels = Counter(one.label for one in drawn)
    found.append(of_values("labels", reference.labels, reference.frames, labels))
    sizes = Counter(str(one.set_size) for one in drawn if one.set_size is not None)
    if sizes.total() >= LEAST:
        found.append(of_values("set_sizes", reference.set_sizes, reference.answers, sizes))
    return found


def framed(pictures: Iterator[bytes], framing: str) -> np.ndarray:
    """Return the frames of pictures, uint8 (count, *shape), without those that have none any more."""
    frames = []
    for picture in pictures:
        try:
            frames.append(frame_of_file(picture, framing))
        except BadImage:
            # Other code answered it, and refused less.
            continue
    return np.array(frames, np.uint8).reshape(-1, *frame_shape(framing))


if __name__ == "__main__":
    sys.exit(main())
