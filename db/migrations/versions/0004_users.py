"""Who may sign in to the page, and who has.

Revision: 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.CheckConstraint("name ~ '^[a-z0-9][a-z0-9._@+-]{0,63}$'", name=op.f("users_name_form_check")),
        sa.CheckConstraint("role IN ('visitor', 'operator')", name=op.f("users_role_known_check")),
        sa.UniqueConstraint("name", name=op.f("users_name_key")),
    )
    op.create_table(
        "sign_ins",
        sa.Column("token_hash", sa.LargeBinary, primary_key=True),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("sign_ins_user_id_fkey"), ondelete="CASCADE"
        ),
        sa.CheckConstraint("octet_length(token_hash) = 32", name=op.f("sign_ins_token_hash_length_check")),
    )
    op.create_index("sign_ins_user_id_idx", "sign_ins", ["user_id"])
    op.create_index("sign_ins_expires_at_idx", "sign_ins", ["expires_at"])
