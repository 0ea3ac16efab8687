"""Whether the page may start where people have to sign in: only if somebody can."""

import logging
import time

from db.errors import DatabaseUnavailable
from db.user_rows import Users

logger = logging.getLogger(__name__)

# PostgreSQL and the page start at the same time, and the schema is made first.
WAIT_S, EACH_S = 20.0, 0.5
# In the form that `make run` takes for its own.
NO_USER = (
    "cause: other machines can reach the page (or SIGN_IN is on), so people sign in, and there is no user "
    "yet; fix: make user NAME=... ROLE=operator adds one (in containers: docs/containers.md), SIGN_IN=off "
    "lets everybody in"
)


def is_ready_for_sign_in(users: Users) -> bool:
    """Return whether there is a user; a database that does not say so in time may have one."""
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            return not users.is_empty()
        except DatabaseUnavailable as error:
            if time.monotonic() > deadline:
                logger.warning("nobody can sign in until the database is there: %s", error)
                return True
        time.sleep(EACH_S)
