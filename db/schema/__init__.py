"""The tables as SQLAlchemy sees them; `migrations/` builds the same ones, and a test compares the two.

Constraints are kept here, in SQL, so that no program that writes to the database can break them.
"""

from db.schema.constraints import metadata
from db.schema.counts import daily_changes, daily_counts, judgements
from db.schema.drawings import FEEDBACK_KINDS, MAX_DRAWING_BYTES, MAX_THUMBNAIL_BYTES, feedback, predictions
from db.schema.people import ROLES, USER_NAME, api_keys, sign_ins, users

__all__ = [
    "FEEDBACK_KINDS",
    "MAX_DRAWING_BYTES",
    "MAX_THUMBNAIL_BYTES",
    "ROLES",
    "USER_NAME",
    "api_keys",
    "daily_changes",
    "daily_counts",
    "feedback",
    "judgements",
    "metadata",
    "predictions",
    "sign_ins",
    "users",
]
