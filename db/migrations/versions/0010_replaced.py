"""An answer that was judged remembers that a later one replaced it: once nobody judges it, it counts no more.

Revision: 0010, after 0009. Older code beside it works as before. What was replaced before is found by
the drawings, but not what `Superseded` named.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

# Older code sets `is_superseded` alone, of answers that nobody judged.
REMEMBER = """
CREATE OR REPLACE FUNCTION take_feedback() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE predictions SET said = NEW.kind, true_label = NEW.true_label,
        is_replaced = is_replaced OR is_superseded,
        is_superseded = (is_replaced OR is_superseded) AND NEW.kind = 'taken_back'
    WHERE id = NEW.prediction_id;
    RETURN NULL;
END $$
"""
# Those that are judged alone: they are few, and have an index.
REMEMBER_WHAT_IS_THERE = """
UPDATE predictions AS earlier SET is_replaced = true
WHERE said <> 'taken_back' AND drawing_id IS NOT NULL AND EXISTS (
    SELECT FROM predictions AS later
    WHERE later.drawing_id = earlier.drawing_id AND later.session_id = earlier.session_id
        AND (later.created_at, later.id) > (earlier.created_at, earlier.id)
)
"""


def upgrade() -> None:
    op.add_column(
        "predictions", sa.Column("is_replaced", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.execute(REMEMBER_WHAT_IS_THERE)
    op.execute(REMEMBER)
