"""What analytics are made of, which the database itself counts from the other tables."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import UUID

from db.schema.constraints import metadata

# Triggers (migration 0008) write to these three, and nothing else but db/counting.py does: drawings that
# count, a day (UTC), as counted so far,
daily_counts = Table(
    "daily_counts",
    metadata,
    Column("model_name", Text, primary_key=True),
    Column("model_version", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    # "label", "set_size" (0: no set), "is_digit" (true, false, unknown) or "latency" (its step).
    Column("figure", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
)

# what has come (1) and gone (-1) since then,
daily_changes = Table(
    "daily_changes",
    metadata,
    Column("model_name", Text, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("predicted_label", Text, nullable=False),
    Column("set_size", Integer),
    Column("is_digit", Boolean),
    Column("latency_step", SmallInteger, nullable=False),
    Column("change", SmallInteger, nullable=False),
)

# and the latest feedback on each answer, beside what it is compared with.
judgements = Table(
    "judgements",
    metadata,
    Column("prediction_id", UUID(as_uuid=True), primary_key=True),
    Column("feedback_id", BigInteger, ForeignKey("feedback.id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("true_label", Text),
    Column("model_name", Text, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("predicted_label", Text, nullable=False),
    Column("confidence", Double, nullable=False),
    Column("is_digit", Boolean),
    Column("is_in_set", Boolean),
    # As HistoryRow.is_right; NULL never: what was taken back is told by its kind.
    Column("is_right", Boolean, nullable=False),
    Column("is_superseded", Boolean, nullable=False),
    UniqueConstraint("feedback_id", name="feedback_id"),
    Index("judgements_model_created_at_idx", "model_name", "model_version", "created_at"),
)
