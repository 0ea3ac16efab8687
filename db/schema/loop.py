"""The loop's work: its runs and steps, which drawings each took, and what waits for an operator's eye."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from db.schema.constraints import metadata, text_length

REVIEW_REASONS = ("contradicted", "improbable", "untrusted", "over_cap", "informative")
DECISIONS = ("label", "not_a_digit", "skip")
# Of runs and of their steps. "refused" is an answer: the evidence was looked at, and says no.
_STATE_KNOWN = "state IN ('waiting', 'running', 'done', 'refused', 'failed')"
_EMPTY = text("'{}'::jsonb")

loop_runs = Table(
    "loop_runs",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("model_name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("settings", JSONB, nullable=False, server_default=_EMPTY),
    Column("asked_by", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("ended_at", DateTime(timezone=True)),
    text_length("model_name", 200),
    text_length("reason", 2000),
    text_length("asked_by", 200),
    CheckConstraint(_STATE_KNOWN, name="state_known"),
    CheckConstraint("jsonb_typeof(settings) = 'object'", name="settings_object"),
    CheckConstraint("(state IN ('waiting', 'running')) = (ended_at IS NULL)", name="ended_when_over"),
    Index(
        "loop_runs_one_idx",
        "model_name",
        unique=True,
        postgresql_where=text("state IN ('waiting', 'running')"),
    ),
)

loop_steps = Table(
    "loop_steps",
    metadata,
    Column("run_id", BigInteger, ForeignKey("loop_runs.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("position", SmallInteger, nullable=False),
    Column("state", Text, nullable=False),
    # How often it was begun: more than once where it was killed.
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("numbers", JSONB, nullable=False, server_default=_EMPTY),
    Column("reason", Text),
    Column("started_at", DateTime(timezone=True)),
    # The last sign of life of whoever does it.
    Column("beat_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    text_length("name", 50),
    text_length("reason", 2000),
    CheckConstraint(_STATE_KNOWN, name="state_known"),
    CheckConstraint("attempts >= 0", name="attempts_range"),
    CheckConstraint("jsonb_typeof(numbers) = 'object'", name="numbers_object"),
    CheckConstraint("state <> 'running' OR beat_at IS NOT NULL", name="beat_while_running"),
)

examples = Table(
    "examples",
    metadata,
    Column("run_id", BigInteger, ForeignKey("loop_runs.id", ondelete="CASCADE"), primary_key=True),
    Column(
        "prediction_id",
        UUID(as_uuid=True),
        ForeignKey("predictions.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("part", Text, nullable=False),
    # NULL: no digit.
    Column("label", Text),
    Column("picture_sha256", LargeBinary, nullable=False),
    text_length("label", 200),
    CheckConstraint("part IN ('train', 'gate')", name="part_known"),
    CheckConstraint("octet_length(picture_sha256) = 32", name="picture_sha256_length"),
    # Also for what is deleted with its prediction.
    Index("examples_prediction_id_idx", "prediction_id"),
    Index("examples_picture_sha256_idx", "picture_sha256"),
)

reviews = Table(
    "reviews",
    metadata,
    Column(
        "prediction_id",
        UUID(as_uuid=True),
        ForeignKey("predictions.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("why", Text, nullable=False),
    # The higher, the sooner it is shown.
    Column("priority", Double, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("decision", Text),
    Column("label", Text),
    Column("decided_at", DateTime(timezone=True)),
    Column("decided_by", Text),
    # On whose screen it is, and until when nobody else gets it.
    Column("shown_to", Text),
    Column("shown_until", DateTime(timezone=True)),
    text_length("label", 200),
    text_length("decided_by", 200),
    text_length("shown_to", 200),
    CheckConstraint(
        "why IN ('contradicted', 'improbable', 'untrusted', 'over_cap', 'informative')", name="why_known"
    ),
    CheckConstraint("decision IN ('label', 'not_a_digit', 'skip')", name="decision_known"),
    CheckConstraint(
        "(decision IS NOT DISTINCT FROM 'label') = (label IS NOT NULL)", name="label_of_decision"
    ),
    CheckConstraint("(decision IS NULL) = (decided_at IS NULL)", name="decided_when"),
    CheckConstraint("(decision IS NULL) = (decided_by IS NULL)", name="decided_by_whom"),
    # PostgreSQL sorts NaN above every number.
    CheckConstraint("priority < 'Infinity'::double precision", name="priority_range"),
    Index(
        "reviews_open_idx",
        text("priority DESC"),
        "prediction_id",
        postgresql_where=text("decision IS NULL"),
    ),
    Index("reviews_decided_idx", "decided_at", postgresql_where=text("decision IS NOT NULL")),
)
