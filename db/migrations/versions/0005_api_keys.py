"""Keys with which programs on other hosts ask the inference API.

Revision: 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("key_hash", sa.LargeBinary, nullable=False),
        sa.Column("rate_per_s", sa.Double, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.CheckConstraint("name ~ '^[a-z0-9][a-z0-9._@+-]{0,63}$'", name=op.f("api_keys_name_form_check")),
        sa.CheckConstraint("octet_length(key_hash) = 32", name=op.f("api_keys_key_hash_length_check")),
        sa.CheckConstraint("rate_per_s > 0 AND rate_per_s <= 100000", name=op.f("api_keys_rate_range_check")),
        sa.UniqueConstraint("key_hash", name=op.f("api_keys_key_hash_key")),
    )
