"""The tables as SQLAlchemy sees them; `migrations/` builds the same ones, and a test compares the two.

Constraints are kept here, in SQL, so that no program that writes to the database can break them.
"""

from db.schema.constraints import metadata
from db.schema.counts import daily_changes, daily_counts, judgements
from db.schema.drawings import (
    FEEDBACK_KINDS,
    MAX_DRAWING_BYTES,
    MAX_THUMBNAIL_BYTES,
    NETWORK_BYTES,
    feedback,
    predictions,
)
from db.schema.drifts import drifts
from db.schema.loop import DECISIONS, REVIEW_REASONS, examples, loop_runs, loop_steps, reviews
from db.schema.pages import model_uses, sign_in_attempts
from db.schema.people import ROLES, USER_NAME, api_keys, sign_ins, users
from db.schema.versions import looks, model_versions, serving, verdicts
