"""Make the passwords and the token of a compose installation, once, in volumes that only readers mount.

    docker compose run --rm -T secrets python deploy/make_secrets.py grafana < FILE

takes a password of your own for one of the names below, before the first start.
"""

import os
import secrets
import sys
from pathlib import Path

FOLDER = Path("/secrets")
# Who may read a password is who mounts its folder. The line for libpq's password file has the form of
# https://www.postgresql.org/docs/current/libpq-pgpass.html, the token's that of an HTTP header.
PLACES = {
    "superuser": {"postgres/superuser": "{}"},
    "sketchserve": {"app/pgpass": "*:*:*:sketchserve:{}\n", "postgres/sketchserve": "{}"},
    "monitor": {"monitor/password": "{}", "postgres/monitor": "{}"},
    "grafana": {"grafana/admin": "{}"},
    "management": {"management/token": "Authorization: Bearer {}\n"},
}


def main() -> None:
    """Make what is missing, or take the named password from standard input; exit with one line on failure."""
    given = sys.argv[1:]
    if not given:
        for name in PLACES:
            if not exists(name):
                write(name, secrets.token_urlsafe(24))
                print(f"made the password of {name}")
        return
    if len(given) > 1 or given[0] not in PLACES:
        sys.exit(f"make_secrets: got {' '.join(given)}, expected one of {', '.join(PLACES)}")
    if exists(given[0]):
        sys.exit(
            f"make_secrets: {given[0]} already has a password, which its service uses: change it in the "
            "service first"
        )
    password = sys.stdin.read().strip()
    if not password or not password.isprintable() or ":" in password or "\\" in password:
        sys.exit("make_secrets: expected one line of printable characters without : and \\ on standard input")
    write(given[0], password)


def exists(name: str) -> bool:
    """Return whether all of a password's files are there."""
    return all((FOLDER / place).exists() for place in PLACES[name])


def write(name: str, password: str) -> None:
    """Write a password's files, each whole or not at all."""
    for place, form in PLACES[name].items():
        path = FOLDER / place
        draft = path.with_suffix(".draft")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(form.format(password))
        draft.rename(path)


if __name__ == "__main__":
    main()
