"""What several pages share: models that may lose their workers, attempts to sign in, who reviews what.

Revision: 0013, after 0012. Older code works beside it unchanged.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "model_uses",
        sa.Column("model_path", sa.Text, primary_key=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("workers", sa.Integer, nullable=False),
        sa.CheckConstraint(
            "btrim(model_path) <> '' AND char_length(model_path) <= 1000",
            name=op.f("model_uses_model_path_length_check"),
        ),
        sa.CheckConstraint("workers > 0", name=op.f("model_uses_workers_range_check")),
    )
    op.create_table(
        "sign_in_attempts",
        sa.Column("key_hash", sa.LargeBinary, primary_key=True),
        sa.Column("full_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "octet_length(key_hash) = 32", name=op.f("sign_in_attempts_key_hash_length_check")
        ),
    )
    op.create_index("sign_in_attempts_full_at_idx", "sign_in_attempts", ["full_at"])
    op.add_column("reviews", sa.Column("shown_to", sa.Text))
    op.add_column("reviews", sa.Column("shown_until", sa.DateTime(timezone=True)))
    op.create_check_constraint(
        op.f("reviews_shown_to_length_check"),
        "reviews",
        "btrim(shown_to) <> '' AND char_length(shown_to) <= 200",
    )
