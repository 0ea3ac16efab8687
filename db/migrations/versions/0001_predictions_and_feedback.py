"""Predictions and feedback.

Revision: 0001, the first. Written out in full, since `db.schema` moves on and a migration must not.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

MAX_DRAWING_BYTES = 8 * 1024 * 1024


def upgrade() -> None:
    op.create_table(
        "predictions",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("session_id", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("model_name", sa.Text, nullable=False),
        sa.Column("model_version", sa.Text, nullable=False),
        sa.Column("preprocessing", sa.Text, nullable=False),
        sa.Column("predicted_label", sa.Text, nullable=False),
        sa.Column("confidence", sa.Double, nullable=False),
        sa.Column("probabilities", postgresql.JSONB, nullable=False),
        sa.Column("drawing", sa.LargeBinary, nullable=False),
        sa.Column("pen_colour", sa.Text),
        sa.Column("background_colour", sa.Text),
        sa.Column("latency_ms", sa.Double, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="predictions_pkey"),
        _text_length("predictions", "session_id", 200),
        _text_length("predictions", "source", 50),
        _text_length("predictions", "model_name", 200),
        _text_length("predictions", "model_version", 200),
        _text_length("predictions", "preprocessing", 200),
        _text_length("predictions", "predicted_label", 200),
        _text_length("predictions", "pen_colour", 50),
        _text_length("predictions", "background_colour", 50),
        _text_length("predictions", "request_id", 200),
        sa.CheckConstraint(
            "confidence >= 0 AND confidence <= 1", name=op.f("predictions_confidence_range_check")
        ),
        sa.CheckConstraint(
            "latency_ms >= 0 AND latency_ms < 'Infinity'::double precision",
            name=op.f("predictions_latency_ms_range_check"),
        ),
        sa.CheckConstraint(
            "jsonb_typeof(probabilities) = 'object'", name=op.f("predictions_probabilities_object_check")
        ),
        sa.CheckConstraint(
            f"octet_length(drawing) >= 1 AND octet_length(drawing) <= {MAX_DRAWING_BYTES}",
            name=op.f("predictions_drawing_size_check"),
        ),
    )
    op.create_index(
        "predictions_session_id_created_at_idx", "predictions", ["session_id", "created_at", "id"]
    )
    op.create_index("predictions_created_at_idx", "predictions", ["created_at"])
    op.create_table(
        "feedback",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("prediction_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("true_label", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("session_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="feedback_pkey"),
        sa.ForeignKeyConstraint(
            ["prediction_id"], ["predictions.id"], name="feedback_prediction_id_fkey", ondelete="CASCADE"
        ),
        _text_length("feedback", "true_label", 200),
        _text_length("feedback", "session_id", 200),
        sa.UniqueConstraint(
            "prediction_id", "created_at", "session_id", "true_label", name=op.f("feedback_once_key")
        ),
    )


def _text_length(table: str, column: str, longest: int) -> sa.CheckConstraint:
    return sa.CheckConstraint(
        f"btrim({column}) <> '' AND char_length({column}) <= {longest}",
        name=op.f(f"{table}_{column}_length_check"),
    )
