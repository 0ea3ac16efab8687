"""Which versions a model's row named before, and are to be taken away.

Revision: 0014, after 0013. Older code works beside the column unchanged.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column(
        "serving",
        sa.Column("leaving", ARRAY(sa.Text), nullable=False, server_default=sa.text("'{}'::text[]")),
    )
    op.create_check_constraint(
        op.f("serving_leaving_known_check"), "serving", "array_position(leaving, NULL) IS NULL"
    )
