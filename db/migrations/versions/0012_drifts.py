"""Whether drawings look like those of training: each look, with all that it found.

Revision: 0012, after 0011. Older code works beside the table unchanged.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "drifts",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("model_name", sa.Text, nullable=False),
        sa.Column("model_version", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("drawings", sa.Integer, nullable=False),
        sa.Column("figures", JSONB, nullable=False),
        _length("model_name"),
        _length("model_version"),
        sa.CheckConstraint("first_at <= last_at", name=op.f("drifts_times_in_order_check")),
        sa.CheckConstraint("drawings > 0", name=op.f("drifts_drawings_range_check")),
        sa.CheckConstraint("jsonb_typeof(figures) = 'array'", name=op.f("drifts_figures_array_check")),
    )
    op.create_index("drifts_of_version_idx", "drifts", ["model_name", "model_version", "id"])


def _length(column: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(
        f"btrim({column}) <> '' AND char_length({column}) <= 200", name=op.f(f"drifts_{column}_length_check")
    )
