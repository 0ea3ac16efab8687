"""Each look at whether drawings of a version look like those of its training."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

from db.schema.constraints import metadata, text_length

drifts = Table(
    "drifts",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("model_name", Text, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    # Of the drawings that were looked at, which may be gone by now.
    Column("first_at", DateTime(timezone=True), nullable=False),
    Column("last_at", DateTime(timezone=True), nullable=False),
    Column("drawings", Integer, nullable=False),
    # db.drifts.Figure says what is in it.
    Column("figures", JSONB, nullable=False),
    text_length("model_name", 200),
    text_length("model_version", 200),
    CheckConstraint("first_at <= last_at", name="times_in_order"),
    CheckConstraint("drawings > 0", name="drawings_range"),
    CheckConstraint("jsonb_typeof(figures) = 'array'", name="figures_array"),
    Index("drifts_of_version_idx", "model_name", "model_version", "id"),
)
