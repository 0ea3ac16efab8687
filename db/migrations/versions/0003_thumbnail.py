"""A thumbnail beside each drawing, so that no list has to read drawings.

Revision: 0003, after 0002. Rows from before have none. No row is rewritten: the column is added to the
catalog alone, and to check the constraint PostgreSQL reads the table once, without the drawings.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

MAX_THUMBNAIL_BYTES = 16 * 1024


def upgrade() -> None:
    op.add_column("predictions", sa.Column("thumbnail", sa.LargeBinary))
    op.create_check_constraint(
        op.f("predictions_thumbnail_size_check"),
        "predictions",
        f"octet_length(thumbnail) >= 1 AND octet_length(thumbnail) <= {MAX_THUMBNAIL_BYTES}",
    )
