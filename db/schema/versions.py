"""Versions that the loop made, what was found out about them, and which one is to answer."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    SmallInteger,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from db.schema.constraints import metadata, text_length

model_versions = Table(
    "model_versions",
    metadata,
    Column("model_name", Text, primary_key=True),
    Column("model_version", Text, primary_key=True),
    Column("archive_sha256", Text, nullable=False),
    # Its file's name in the model store.
    Column("archive", Text, nullable=False),
    Column("run_id", BigInteger, ForeignKey("loop_runs.id", ondelete="SET NULL")),
    # Hash of the data, commit, seed, settings, metrics.
    Column("made_of", JSONB, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    text_length("model_name", 200),
    text_length("model_version", 200),
    text_length("archive", 200),
    CheckConstraint("archive_sha256 ~ '^[0-9a-f]{64}$'", name="archive_sha256_form"),
    CheckConstraint("jsonb_typeof(made_of) = 'object'", name="made_of_object"),
)

verdicts = Table(
    "verdicts",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("model_name", Text, nullable=False),
    Column("model_version", Text, nullable=False),
    # The one that it was compared with.
    Column("champion_version", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("checks", JSONB, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    ForeignKeyConstraint(
        ["model_name", "model_version"],
        ["model_versions.model_name", "model_versions.model_version"],
        ondelete="CASCADE",
    ),
    text_length("champion_version", 200),
    text_length("reason", 2000),
    CheckConstraint("outcome IN ('passed', 'refused', 'not_enough_evidence')", name="outcome_known"),
    CheckConstraint("jsonb_typeof(checks) = 'array'", name="checks_array"),
    Index("verdicts_of_version_idx", "model_name", "model_version"),
)

serving = Table(
    "serving",
    metadata,
    Column("model_name", Text, primary_key=True),
    Column("model_version", Text, nullable=False),
    Column("previous_version", Text),
    Column("candidate_version", Text),
    Column("candidate_share", SmallInteger, nullable=False, server_default="0"),
    Column("failed_looks", SmallInteger, nullable=False, server_default="0"),
    Column("reason", Text, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("leaving", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    text_length("model_name", 200),
    text_length("model_version", 200),
    text_length("previous_version", 200),
    text_length("candidate_version", 200),
    text_length("reason", 2000),
    CheckConstraint("candidate_share IN (0, 5, 25, 100)", name="candidate_share_known"),
    CheckConstraint("candidate_version IS NOT NULL OR candidate_share = 0", name="share_of_candidate"),
    CheckConstraint("failed_looks >= 0", name="failed_looks_range"),
    CheckConstraint("array_position(leaving, NULL) IS NULL", name="leaving_known"),
)

looks = Table(
    "looks",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("model_name", Text, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("share", SmallInteger, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("numbers", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("reason", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    text_length("model_name", 200),
    text_length("model_version", 200),
    text_length("reason", 2000),
    CheckConstraint("share IN (0, 5, 25, 100)", name="share_known"),
    CheckConstraint("outcome IN ('too_few', 'held', 'moved_on', 'failed')", name="outcome_known"),
    CheckConstraint("jsonb_typeof(numbers) = 'object'", name="numbers_object"),
    Index("looks_of_version_idx", "model_name", "model_version", "id"),
)
