"""Several answers to one drawing, of which the last counts; and "not a digit" and "taken back" as feedback.

Revision: 0006, after 0005. Rows from before belong to no drawing, and each of them counts.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("predictions", sa.Column("drawing_id", sa.Uuid))
    op.add_column(
        "predictions", sa.Column("is_superseded", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.create_index(
        "predictions_drawing_id_idx",
        "predictions",
        ["drawing_id", "is_superseded"],
        postgresql_where=sa.text("drawing_id IS NOT NULL"),
    )
    op.add_column("feedback", sa.Column("kind", sa.Text, nullable=False, server_default="label"))
    op.alter_column("feedback", "true_label", nullable=True)
    op.create_check_constraint(
        op.f("feedback_kind_known_check"), "feedback", "kind IN ('label', 'not_a_digit', 'taken_back')"
    )
    op.create_check_constraint(
        op.f("feedback_label_of_kind_check"), "feedback", "(kind = 'label') = (true_label IS NOT NULL)"
    )
    op.drop_constraint(op.f("feedback_once_key"), "feedback")
    # NULLs are never equal, and so would not make a repeated write harmless.
    op.create_index(
        "feedback_once_idx",
        "feedback",
        ["prediction_id", "created_at", "session_id", "kind", sa.text("coalesce(true_label, '')")],
        unique=True,
    )
