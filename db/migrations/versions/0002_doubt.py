"""What an answer doubts: whether it looks like a digit at all, and which labels it may be.

Revision: 0002, after 0001. Rows from before have neither, as answers of models that do not say.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("predictions", sa.Column("is_digit", sa.Boolean))
    op.add_column("predictions", sa.Column("label_set", postgresql.ARRAY(sa.Text)))
    op.create_check_constraint(
        op.f("predictions_label_set_labels_check"),
        "predictions",
        "cardinality(label_set) >= 1 AND array_position(label_set, NULL) IS NULL",
    )
