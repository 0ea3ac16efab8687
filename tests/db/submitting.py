"""`python -m tests.db.submitting FOLDER URL SESSION`: a page that only submits, until it is killed.

Prints the id of each prediction once it was taken, and after it the id again once its correction was taken.
"""

import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path

from db import engine, spool_folder
from db.log import PredictionLog
from db.records import Feedback, Prediction
from db.writer import Writer


def main() -> None:
    """Submit drawings with their corrections, one after the other."""
    folder, url, session_id = sys.argv[1:]
    writer = Writer(PredictionLog(engine.create(url)), spool_folder.first_free(Path(folder)))
    writer.start()
    while True:
        prediction = Prediction(
            id=uuid.uuid4(),
            created_at=datetime.now(UTC),
            session_id=session_id,
            source="sketchpad",
            model_name="digits",
            model_version="1.0.0",
            preprocessing="a1b2c3d4",
            predicted_label="7",
            confidence=0.9,
            probabilities={"7": 0.9},
            drawing=b"x" * 7000,
            pen_colour=None,
            background_colour=None,
            latency_ms=12.5,
            request_id="8a6e",
        )
        if writer.submit(prediction):
            print(prediction.id, flush=True)
        feedback = Feedback(prediction.id, "7", datetime.now(UTC), session_id)
        if writer.submit(feedback) and writer.sync():
            print(prediction.id, flush=True)


if __name__ == "__main__":
    main()
