"""Who may sign in to the page, who is signed in, and the keys of programs."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    func,
)

from db.schema.constraints import metadata

# Who may sign in to the page.
ROLES = ("visitor", "operator")
USER_NAME = "[a-z0-9][a-z0-9._@+-]{0,63}"

users = Table(
    "users",
    metadata,
    # Never given a second time: what somebody drew is not another's who gets the name later.
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    # As argon2 writes it, with salt and cost.
    Column("password_hash", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint(f"name ~ '^{USER_NAME}$'", name="name_form"),
    CheckConstraint("role IN ('visitor', 'operator')", name="role_known"),
    UniqueConstraint("name", name="name"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("name", Text, primary_key=True),
    # SHA-256 of the key, which nobody guesses: it has 256 random bits.
    Column("key_hash", LargeBinary, nullable=False),
    Column("rate_per_s", Double, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint(f"name ~ '^{USER_NAME}$'", name="name_form"),
    CheckConstraint("octet_length(key_hash) = 32", name="key_hash_length"),
    CheckConstraint("rate_per_s > 0 AND rate_per_s <= 100000", name="rate_range"),
    UniqueConstraint("key_hash", name="key_hash"),
)

sign_ins = Table(
    "sign_ins",
    metadata,
    # SHA-256 of what the browser has: who reads the table, or a backup of it, cannot sign in with that.
    Column("token_hash", LargeBinary, primary_key=True),
    Column("user_id", BigInteger, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("octet_length(token_hash) = 32", name="token_hash_length"),
    Index("sign_ins_user_id_idx", "user_id"),
    Index("sign_ins_expires_at_idx", "expires_at"),
)
