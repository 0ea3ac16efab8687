"""Of which network a judgement came, as a pseudonym, for as long as the loop needs it.

Revision: 0015, after 0014. Older code works beside the column unchanged.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("feedback", sa.Column("network", sa.LargeBinary))
    op.create_check_constraint(
        op.f("feedback_network_length_check"), "feedback", "octet_length(network) = 16"
    )
    op.create_index(
        "feedback_network_idx", "feedback", ["created_at"], postgresql_where=sa.text("network IS NOT NULL")
    )
