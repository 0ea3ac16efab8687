"""The tables as SQLAlchemy sees them; `migrations/` builds the same ones, and a test compares the two.

Constraints are kept here, in SQL, so that no program that writes to the database can break them.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    false,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

MAX_DRAWING_BYTES = 8 * 1024 * 1024
# 56 x 56 px of noise make a PNG of 10 KB.
MAX_THUMBNAIL_BYTES = 16 * 1024

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "uq": "%(table_name)s_%(constraint_name)s_key",
    }
)


def _text_length(column: str, longest: int) -> CheckConstraint:
    """Return the constraint that `column` holds 1 to `longest` characters and not only spaces.

    The upper limit also keeps an indexed value below the 2,704 bytes that a B-tree entry may have.
    """
    return CheckConstraint(
        f"btrim({column}) <> '' AND char_length({column}) <= {longest}", name=f"{column}_length"
    )


FILTERED = [
    "is_superseded",
    "predicted_label",
    "true_label",
    "said",
    "is_digit",
    "model_name",
    "model_version",
]

predictions = Table(
    "predictions",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("session_id", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("model_name", Text, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("preprocessing", Text, nullable=False),
    Column("predicted_label", Text, nullable=False),
    Column("confidence", Double, nullable=False),
    Column("probabilities", JSONB, nullable=False),
    Column("drawing", LargeBinary, nullable=False),
    Column("pen_colour", Text),
    Column("background_colour", Text),
    Column("latency_ms", Double, nullable=False),
    Column("request_id", Text, nullable=False),
    # NULL where the model does not say, as in all rows from before these columns.
    Column("is_digit", Boolean),
    Column("label_set", ARRAY(Text)),
    # A small PNG, made by the browser that sent the drawing, for lists; NULL in rows from before this column.
    Column("thumbnail", LargeBinary),
    # Which drawing was answered, where its sender tells drawings apart: of its answers the last one counts,
    # and those before it are superseded. What was judged is never superseded.
    Column("drawing_id", UUID(as_uuid=True)),
    Column("is_superseded", Boolean, nullable=False, server_default=false()),
    # What its latest feedback says, NULL where there is none: the trigger of that table keeps them so.
    Column("said", Text),
    Column("true_label", Text),
    _text_length("session_id", 200),
    _text_length("source", 50),
    _text_length("model_name", 200),
    _text_length("model_version", 200),
    _text_length("preprocessing", 200),
    _text_length("predicted_label", 200),
    _text_length("pen_colour", 50),
    _text_length("background_colour", 50),
    _text_length("request_id", 200),
    # PostgreSQL sorts NaN above every number, so an upper limit is what refuses it.
    CheckConstraint("confidence >= 0 AND confidence <= 1", name="confidence_range"),
    CheckConstraint("latency_ms >= 0 AND latency_ms < 'Infinity'::double precision", name="latency_ms_range"),
    CheckConstraint("jsonb_typeof(probabilities) = 'object'", name="probabilities_object"),
    CheckConstraint(
        f"octet_length(drawing) >= 1 AND octet_length(drawing) <= {MAX_DRAWING_BYTES}", name="drawing_size"
    ),
    CheckConstraint(
        f"octet_length(thumbnail) >= 1 AND octet_length(thumbnail) <= {MAX_THUMBNAIL_BYTES}",
        name="thumbnail_size",
    ),
    CheckConstraint(
        "cardinality(label_set) >= 1 AND array_position(label_set, NULL) IS NULL", name="label_set_labels"
    ),
    # All that the history filters by is in the indexes: of a session's 200,000 rows those few are found that
    # match, without reading one that does not.
    Index("predictions_of_session_idx", "session_id", "created_at", "id", postgresql_include=FILTERED),
    Index("predictions_of_all_idx", "created_at", "id", postgresql_include=FILTERED),
    # A set may be larger than an entry of an index, which then would refuse the row.
    Index(
        "predictions_doubted_idx",
        "created_at",
        "id",
        postgresql_include=["session_id", "is_superseded"],
        postgresql_where=text("is_digit IS false OR cardinality(label_set) > 1"),
    ),
    Index(
        "predictions_drawing_id_idx",
        "drawing_id",
        "is_superseded",
        postgresql_where=text("drawing_id IS NOT NULL"),
    ),
)

# What a person can say of an answer: what the drawing was, that it was no digit, or that nothing of what was
# said before is to count.
FEEDBACK_KINDS = ("label", "not_a_digit", "taken_back")

feedback = Table(
    "feedback",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column(
        "prediction_id", UUID(as_uuid=True), ForeignKey("predictions.id", ondelete="CASCADE"), nullable=False
    ),
    Column("true_label", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("session_id", Text, nullable=False),
    Column("kind", Text, nullable=False, server_default="label"),
    _text_length("true_label", 200),
    _text_length("session_id", 200),
    CheckConstraint("kind IN ('label', 'not_a_digit', 'taken_back')", name="kind_known"),
    CheckConstraint("(kind = 'label') = (true_label IS NOT NULL)", name="label_of_kind"),
    # Makes a repeated write harmless, and finds a prediction's feedback.
    Index(
        "feedback_once_idx",
        "prediction_id",
        "created_at",
        "session_id",
        "kind",
        text("coalesce(true_label, '')"),
        unique=True,
    ),
)

# What analytics are made of. Triggers (migration 0008) write to these three, and nothing else but
# db/counting.py does: drawings that count, a day (UTC), as counted so far,
daily_counts = Table(
    "daily_counts",
    metadata,
    Column("model_name", Text, primary_key=True),
    Column("model_version", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    # "label", "set_size" (0: no set), "is_digit" (true, false, unknown) or "latency" (its step).
    Column("figure", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
)

# what has come (1) and gone (-1) since then,
daily_changes = Table(
    "daily_changes",
    metadata,
    Column("model_name", Text, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("predicted_label", Text, nullable=False),
    Column("set_size", Integer),
    Column("is_digit", Boolean),
    Column("latency_step", SmallInteger, nullable=False),
    Column("change", SmallInteger, nullable=False),
)

# and the latest feedback on each answer, beside what it is compared with.
judgements = Table(
    "judgements",
    metadata,
    Column("prediction_id", UUID(as_uuid=True), primary_key=True),
    Column("feedback_id", BigInteger, ForeignKey("feedback.id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("true_label", Text),
    Column("model_name", Text, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("predicted_label", Text, nullable=False),
    Column("confidence", Double, nullable=False),
    Column("is_digit", Boolean),
    Column("is_in_set", Boolean),
    # As HistoryRow.is_right; NULL never: what was taken back is told by its kind.
    Column("is_right", Boolean, nullable=False),
    Column("is_superseded", Boolean, nullable=False),
    UniqueConstraint("feedback_id", name="feedback_id"),
    Index("judgements_model_created_at_idx", "model_name", "model_version", "created_at"),
)

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
