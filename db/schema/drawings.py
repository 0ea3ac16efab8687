"""What was drawn, how it was answered, and what people said of the answers."""

from sqlalchemy import (
    BigInteger,
    Boolean,
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
    false,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from db.schema.constraints import metadata, text_length

MAX_DRAWING_BYTES = 8 * 1024 * 1024
# 56 x 56 px of noise make a PNG of 10 KB.
MAX_THUMBNAIL_BYTES = 16 * 1024

FILTERED = [
    "is_superseded",
    "predicted_label",
    "true_label",
    "said",
    "is_digit",
    "model_name",
    "model_version",
]
# What says whether a row counts, and whether it is judged.
COUNTING = ["is_superseded", "said"]
NEWEST = ("created_at", "id")

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
    # Whether a later answer took its place, though it is judged: then it counts as long as it is. The trigger
    # sets it of what was superseded before it was judged, too.
    Column("is_replaced", Boolean, nullable=False, server_default=false()),
    text_length("session_id", 200),
    text_length("source", 50),
    text_length("model_name", 200),
    text_length("model_version", 200),
    text_length("preprocessing", 200),
    text_length("predicted_label", 200),
    text_length("pen_colour", 50),
    text_length("background_colour", 50),
    text_length("request_id", 200),
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
    # All that the history filters by is in this index: of a session's 200,000 rows those few are found that
    # match, without reading one that does not.
    Index("predictions_of_session_idx", "session_id", *NEWEST, postgresql_include=FILTERED),
    # Everybody's are too many for that: whatever few of them have leads to an index of its own.
    Index("predictions_of_all_idx", *NEWEST, postgresql_include=COUNTING),
    Index("predictions_of_label_idx", "predicted_label", *NEWEST, postgresql_include=COUNTING),
    Index(
        "predictions_of_model_idx",
        "model_name",
        "model_version",
        *NEWEST,
        postgresql_include=[*COUNTING, "predicted_label"],
    ),
    Index(
        "predictions_judged_idx",
        *NEWEST,
        postgresql_include=["session_id", *FILTERED],
        postgresql_where=text("said <> 'taken_back'"),
    ),
    # A set may be larger than an entry of an index, which then would refuse the row.
    Index(
        "predictions_doubted_idx",
        *NEWEST,
        postgresql_include=["session_id", *FILTERED],
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
NETWORK_BYTES = 16

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
    # From which network it was said: a pseudonym, for as long as `db.networks` says. NULL where that is over,
    # where somebody was signed in, and on a page for its own machine.
    Column("network", LargeBinary),
    text_length("true_label", 200),
    text_length("session_id", 200),
    CheckConstraint("kind IN ('label', 'not_a_digit', 'taken_back')", name="kind_known"),
    CheckConstraint("(kind = 'label') = (true_label IS NOT NULL)", name="label_of_kind"),
    CheckConstraint(f"octet_length(network) = {NETWORK_BYTES}", name="network_length"),
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
    # Finds what is to be forgotten.
    Index("feedback_network_idx", "created_at", postgresql_where=text("network IS NOT NULL")),
)
