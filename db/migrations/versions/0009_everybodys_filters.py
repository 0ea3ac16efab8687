"""An index for each filter of everybody's drawings, in the place of one that all filters had to read whole.

Revision: 0009, after 0008. Among 10,000,000 drawings a label that few of them have took longer to find than a
statement may. Older code works with it unchanged.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

DOUBTED = "is_digit IS false OR cardinality(label_set) > 1"
FILTERED = [
    "is_superseded",
    "predicted_label",
    "true_label",
    "said",
    "is_digit",
    "model_name",
    "model_version",
]
NEWEST = ["created_at", "id"]


def upgrade() -> None:
    # First, so that the disk needs room for fewer of them at once.
    op.drop_index("predictions_of_all_idx", "predictions")
    op.drop_index("predictions_doubted_idx", "predictions")
    counting = ["is_superseded", "said"]
    _create("predictions_of_all_idx", NEWEST, counting)
    _create("predictions_of_label_idx", ["predicted_label", *NEWEST], counting)
    _create(
        "predictions_of_model_idx", ["model_name", "model_version", *NEWEST], [*counting, "predicted_label"]
    )
    _create("predictions_judged_idx", NEWEST, ["session_id", *FILTERED], "said <> 'taken_back'")
    _create("predictions_doubted_idx", NEWEST, ["session_id", *FILTERED], DOUBTED)


def _create(name: str, columns: list[str], include: list[str], where: str | None = None) -> None:
    op.create_index(
        name,
        "predictions",
        columns,
        postgresql_include=include,
        postgresql_where=None if where is None else sa.text(where),
    )
