"""Which drawings people judged, as the loop weighs them: who said what, and what the model held it for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, text

from db import networks

# The newest ones: 20,000 of 10 kB each are read, hashed and weighed in 4 s.
MOST = 100_000
# Whose word it is where an operator without an id judges (see ui/history/one.py).
_OPERATOR = "operator"
# Of what no run took within that time, and nobody signed in said: as if all of it came from one network.
FORGOTTEN = b""

# Of each the latest judgement at that time, whatever was said since, a visitor's and an operator's (what the
# visitor claimed tells of them), and an operator's decision. What was judged is not superseded as long as it
# is (see db/schema/drawings.py).
_JUDGED = text("""
WITH ids AS (
    SELECT prediction_id FROM judgements WHERE model_name = :model_name
    UNION
    SELECT prediction_id FROM reviews WHERE decision IS NOT NULL
), operators AS (
    SELECT 'user:' || id AS session_id FROM users WHERE role = 'operator' UNION ALL SELECT :operator
), taken AS (
    SELECT e.prediction_id, max(r.created_at) AS at FROM examples e
    JOIN loop_runs r ON r.id = e.run_id AND r.model_name = :model_name AND r.created_at < :until
    GROUP BY e.prediction_id
)
SELECT p.id, p.created_at, p.session_id AS drawn_by, p.predicted_label, p.confidence, p.probabilities,
       p.is_digit, sha256(p.drawing) AS picture,
       f.session_id AS said_by, f.true_label AS label,
       CASE WHEN f.created_at <= taken.at THEN NULL
            WHEN f.created_at >= :until - make_interval(days => :days) THEN f.network
            WHEN f.session_id NOT LIKE 'user:%' THEN :forgotten END AS network,
       o.true_label AS operators_label,
       CASE WHEN o.kind <> 'taken_back' THEN o.created_at END AS operator_said_at,
       r.decision, r.label AS decided_label, r.decided_at
FROM ids
JOIN predictions p ON p.id = ids.prediction_id AND p.model_name = :model_name
LEFT JOIN LATERAL (
    SELECT * FROM feedback WHERE prediction_id = p.id AND created_at <= :until
        AND session_id IN (SELECT session_id FROM operators) ORDER BY id DESC LIMIT 1
) o ON true
LEFT JOIN LATERAL (
    SELECT * FROM feedback WHERE prediction_id = p.id AND created_at <= :until
        AND session_id NOT IN (SELECT session_id FROM operators) ORDER BY id DESC LIMIT 1
) f ON f.kind <> 'taken_back' AND (o.kind = 'taken_back' AND o.id > f.id) IS NOT TRUE
LEFT JOIN taken ON taken.prediction_id = p.id
LEFT JOIN reviews r ON r.prediction_id = p.id AND r.decided_at <= :until
WHERE f.id IS NOT NULL OR o.kind <> 'taken_back' OR (r.decision IS NOT NULL AND NOT p.is_superseded)
ORDER BY p.created_at DESC, p.id DESC LIMIT :most
""")
# What nobody had judged or reviewed by then, of the newest answers those that were nearest to another one.
_OPEN = text("""
SELECT p.id, p.probabilities FROM (
    SELECT * FROM predictions WHERE NOT is_superseded AND created_at <= :until
    ORDER BY created_at DESC, id DESC LIMIT :newest
) p
LEFT JOIN LATERAL (
    SELECT kind FROM feedback WHERE prediction_id = p.id AND created_at <= :until ORDER BY id DESC LIMIT 1
) f ON true
WHERE p.model_name = :model_name AND coalesce(f.kind, 'taken_back') = 'taken_back'
    AND NOT EXISTS (SELECT FROM reviews r WHERE r.prediction_id = p.id AND r.decision IS NOT NULL)
""")


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A drawing that somebody judged, or an operator reviewed.

    Attributes:
        id: The prediction's.
        created_at: When it was answered.
        drawn_by: The session that drew it.
        predicted_label: The most probable label.
        confidence: Its probability, 0 to 1.
        probabilities: Every label's probability.
        is_digit: Whether it looked like a digit; None where the model does not say.
        picture: SHA-256 of the image file, 32 bytes.
        said_by: The session that judged it; None where no visitor did, and an operator alone.
        label: What they said that it is; None for no digit.
        network: A pseudonym of the network that they said it from; `FORGOTTEN` where that was too long ago;
            None where it is not known, or counts no longer, since a run before has taken this.
        operators_label: What an operator said in the history that it is; None for no digit.
        operator_said_at: When; None where none did.
        decision: An operator's review, "label", "not_a_digit" or "skip"; None where there is none.
        decided_label: The label of that.
        decided_at: When.
    """

    id: UUID
    created_at: datetime
    drawn_by: str
    predicted_label: str
    confidence: float
    probabilities: Mapping[str, float]
    is_digit: bool | None
    picture: bytes
    said_by: str | None
    label: str | None
    network: bytes | None = None
    operators_label: str | None = None
    operator_said_at: datetime | None = None
    decision: str | None = None
    decided_label: str | None = None
    decided_at: datetime | None = None


def read(connection: Connection, model_name: str, until: datetime) -> list[Judged]:
    """Return what was judged or decided of the model's answers until then, the earliest answer first.

    What was taken back, and answers that a later one replaced, are not among them. What is judged, taken
    back or replaced after that time changes nothing.
    """
    given = {"model_name": model_name, "until": until, "operator": _OPERATOR, "most": MOST}
    given |= {"forgotten": FORGOTTEN, "days": networks.DAYS}
    rows = connection.execute(_JUDGED, given).all()
    return [_judged(row._mapping) for row in reversed(rows)]


def _judged(row: RowMapping) -> Judged:
    network = row["network"]
    of_bytes = {"picture": bytes(row["picture"]), "network": None if network is None else bytes(network)}
    return Judged(**{**row, **of_bytes})


def unjudged(
    connection: Connection, model_name: str, until: datetime, newest: int
) -> list[tuple[UUID, dict[str, Any]]]:
    """Return the ids and probabilities of those of the `newest` answers of all that nobody judged."""
    rows = connection.execute(_OPEN, {"model_name": model_name, "until": until, "newest": newest})
    return [(row.id, row.probabilities) for row in rows]
