"""`python -m ui.check`: whether the page can start with its settings, asked before a deployment begins."""

import os
import sys

from sqlalchemy import inspect
from sqlalchemy.exc import SQLAlchemyError

from db import engine as database
from db.errors import DatabaseUnavailable, first_line
from db.schema import users
from db.user_rows import Users
from ui.settings import from_environment
from ui.sign_in.starting import NO_USER

# Another cause than settings that cannot be used: deploy/roll.sh says then how a user is added.
NOBODY_CAN_SIGN_IN = 3


def main() -> int:
    """Say in one line what keeps the page from starting; return the exit status, 0 where nothing does."""
    try:
        settings = from_environment(os.environ)
    except ValueError as error:
        print(f"ui: {error}", file=sys.stderr)
        return 2
    if not settings.has_sign_in:
        return 0
    try:
        with database.opened(settings.database_url) as engine:
            # In the schema of a release from before there are no users.
            can_sign_in = inspect(engine).has_table(users.name) and not Users(engine).is_empty()
    except (DatabaseUnavailable, SQLAlchemyError) as error:
        print(f"ui: nobody can say whether somebody can sign in: {first_line(error)}", file=sys.stderr)
        return 1
    if not can_sign_in:
        print(NO_USER, file=sys.stderr)
        return NOBODY_CAN_SIGN_IN
    return 0


if __name__ == "__main__":
    sys.exit(main())
