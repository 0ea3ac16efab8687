"""What an operator looks at stays in the queue, however a run renews that."""

import pytest
from sqlalchemy import text

from db import reviews
from loop.collect import collect
from tests.loop.drawn import draw, log, queued, run
from tests.loop.judging import OF_TRAINING, sure

pytestmark = pytest.mark.integration
__all__ = ["draw", "log", "run"]


def test_what_an_operator_has_on_the_screen_stays_in_the_queue(database, draw, run):
    odd, other = (draw(session, sure("4"), "7") for session in OF_TRAINING[:2])
    begun = run()
    collect(begun, database)
    reviews.queue(database, 1000, "user:1")
    with database.begin() as connection:
        # By a clock that was ahead: nobody looks at it, and anybody may.
        ahead = "UPDATE reviews SET shown_until = now() + interval '1 hour' WHERE prediction_id = :id"
        connection.execute(text(ahead), {"id": other.id})
    assert other.id in {one.row.prediction.id for one in reviews.queue(database, 1000, "user:2")}
    with database.begin() as connection:
        connection.execute(text(ahead), {"id": other.id})
        reviews.put(connection, begun.model_name, [])
    assert queued(database, begun.model_name) == [(odd.id, "improbable")]
    assert reviews.decide(database, odd.id, "label", "7", "user:1")
