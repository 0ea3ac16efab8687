"""For how long it is known from which network something was said: until a run has taken it, or a month.

What the loop takes of a network is bounded (`loop.choosing`), and for that it has to know which judgements
are of the same one. Nothing else is done with it.
"""

from sqlalchemy import Connection, text

# The loop looks at none that is older. The page forgets it a day later: so a run that goes on after it was
# killed still finds what it found.
DAYS, FORGOTTEN_AFTER_DAYS = 30, 31

# What a run has taken counts to no bound any more once the run is over; what was said again later does.
_FORGET = text("""
UPDATE feedback SET network = NULL WHERE id = ANY (ARRAY(
    SELECT f.id FROM feedback f
    WHERE f.network IS NOT NULL AND (
        f.created_at < now() - make_interval(days => :days)
        OR EXISTS (
            SELECT FROM examples e JOIN loop_runs r ON r.id = e.run_id
            WHERE e.prediction_id = f.prediction_id
                AND r.ended_at IS NOT NULL AND f.created_at <= r.created_at
        )
    )
    LIMIT :most FOR UPDATE OF f SKIP LOCKED
))
""")


def forget(connection: Connection, most: int) -> int:
    """Forget the networks of at most so many judgements; return of how many."""
    return connection.execute(_FORGET, {"most": most, "days": FORGOTTEN_AFTER_DAYS}).rowcount
