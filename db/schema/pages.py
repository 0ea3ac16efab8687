"""What several pages share beside drawings and people."""

from sqlalchemy import CheckConstraint, Column, DateTime, Index, Integer, LargeBinary, Table, Text

from db.schema.constraints import metadata, text_length

# Models that got their workers through a page, and lose them when nobody has asked for long.
model_uses = Table(
    "model_uses",
    metadata,
    # Name and version, quoted as in an address.
    Column("model_path", Text, primary_key=True),
    # When a visitor asked it last, on any page.
    Column("used_at", DateTime(timezone=True), nullable=False),
    # So many it had.
    Column("workers", Integer, nullable=False),
    text_length("model_path", 1000),
    CheckConstraint("workers > 0", name="workers_range"),
)

# Each attempt to sign in moves the time at which its network, name or browser has all attempts again.
sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    # SHA-256 of whose they are: what was typed as a name may be a password.
    Column("key_hash", LargeBinary, primary_key=True),
    Column("full_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("octet_length(key_hash) = 32", name="key_hash_length"),
    Index("sign_in_attempts_full_at_idx", "full_at"),
)
