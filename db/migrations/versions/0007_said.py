"""What was said of a prediction last, beside it, and indexes that have all that the history filters by.

Revision: 0007, after 0006. A trigger keeps the columns as the newest feedback says, whoever writes it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

FILTERED = [
    "is_superseded",
    "predicted_label",
    "true_label",
    "said",
    "is_digit",
    "model_name",
    "model_version",
]


def upgrade() -> None:
    # First, so that the rows below are not put into them anew, and the disk has their room.
    op.drop_index("predictions_session_id_created_at_idx", "predictions")
    op.drop_index("predictions_created_at_idx", "predictions")
    op.add_column("predictions", sa.Column("said", sa.Text))
    op.add_column("predictions", sa.Column("true_label", sa.Text))
    op.execute(
        """
        UPDATE predictions SET said = latest.kind, true_label = latest.true_label
        FROM (SELECT DISTINCT ON (prediction_id) prediction_id, kind, true_label
              FROM feedback ORDER BY prediction_id, id DESC) AS latest
        WHERE predictions.id = latest.prediction_id
        """
    )
    op.execute(
        """
        CREATE FUNCTION take_feedback() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE predictions SET said = NEW.kind, true_label = NEW.true_label, is_superseded = false
            WHERE id = NEW.prediction_id;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER take_feedback AFTER INSERT ON feedback FOR EACH ROW EXECUTE FUNCTION take_feedback()"
    )
    op.create_index(
        "predictions_of_session_idx",
        "predictions",
        ["session_id", "created_at", "id"],
        postgresql_include=FILTERED,
    )
    op.create_index(
        "predictions_of_all_idx", "predictions", ["created_at", "id"], postgresql_include=FILTERED
    )
    # A set may be larger than an entry of an index, which then would refuse the row.
    op.create_index(
        "predictions_doubted_idx",
        "predictions",
        ["created_at", "id"],
        postgresql_include=["session_id", "is_superseded"],
        postgresql_where=sa.text("is_digit IS false OR cardinality(label_set) > 1"),
    )
