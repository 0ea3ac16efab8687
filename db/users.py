"""The page's users: `python -m db.users` lists, adds, changes and deletes them.

    python -m db.users
    python -m db.users ada --role operator
    python -m db.users ada --delete

The password is asked for on the terminal, or is the first line of a file. The database is that of
DATABASE_URL, or else the embedded one, which is started for this where it does not run.
"""

import argparse
import getpass
import sys
from pathlib import Path

from db import own_database, passwords
from db.schema import ROLES
from db.user_rows import Users


class UserError(Exception):
    """What was asked for cannot be done; the message says why and what to do."""


def main() -> int:
    """Do what the arguments say; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m db.users", description="List the users of the page, add or change one, or delete one."
    )
    parser.add_argument("name", nargs="?", help="which user; without a name, all users are listed")
    parser.add_argument("--role", choices=ROLES, help="the user's role (default for a new user: visitor)")
    parser.add_argument(
        "--password-file", type=Path, metavar="FILE", help="a file whose first line is the password"
    )
    parser.add_argument("--delete", action="store_true", help="delete the user, but not the drawings")
    told = parser.parse_args()
    if told.name is None and (told.role or told.password_file or told.delete):
        parser.error("--role, --password-file and --delete need the name of a user")
    with own_database.command("db.users", UserError), own_database.opened() as engine:
        print(_done(Users(engine), told))
    return 0


def _done(users: Users, told: argparse.Namespace) -> str:
    """Do it, and return what is to be said."""
    if told.name is None:
        lines = [f"{user.name}  {user.role}  (session_id user:{user.id})" for user in users.all()]
        return "\n".join(lines) or "there are no users yet; to add one: make user NAME=... ROLE=operator"
    name = own_database.typed_name(told.name)
    if told.delete:
        if not users.delete(name):
            raise UserError(f"there is no user {name!r}: `python -m db.users` lists all users")
        return f"{name} is deleted, and signed out within seconds; the drawings stay"
    if told.role and not told.password_file and (user := users.put_role(name, told.role)):
        return f"{user.name} is now {user.role}; the password is unchanged"
    user = users.put(name, passwords.hashed(_password(told.password_file)), told.role)
    return f"{user.name}, {user.role}, can sign in; whoever was signed in as {user.name} no longer is"


def _password(file: Path | None) -> str:
    """Return the password in the file, or what is typed twice on the terminal."""
    if file is not None:
        try:
            # A byte-order mark, which editors on Windows put there, can be typed by nobody.
            return file.read_text(encoding="utf-8-sig").split("\n")[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"{file} cannot be read as text: {error}") from error
    if not sys.stdin.isatty():
        raise UserError("there is no terminal to ask for the password on: use --password-file FILE")
    typed = getpass.getpass(f"Password ({passwords.LEAST} characters or more): ")
    if getpass.getpass("Again: ") != typed:
        raise UserError("the two passwords differ: nothing was changed")
    return typed


if __name__ == "__main__":
    sys.exit(main())
