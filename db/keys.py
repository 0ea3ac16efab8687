"""Keys for programs on other hosts: `python -m db.keys` lists, issues and revokes them.

    python -m db.keys
    python -m db.keys phone --rate 5
    python -m db.keys phone --revoke

Each command also writes the file that the guard in front of TorchServe reads (`guard/keys.py`).
"""

import argparse
import hashlib
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from db import own_database
from db.engine import transaction
from db.schema import api_keys
from system import variables
from system.files import keep_owner, keep_private, written_aside

KEY_BYTES = 32
# As often as a person draws, and a program that batches little.
RATE_PER_S, MOST_PER_S = 10.0, 100_000.0
# Of two commands, the one that writes the file last has read what both did.
LOCK_KEY = int.from_bytes(b"keys")


def main() -> int:
    """Do what the arguments say; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m db.keys", description="List the keys of the inference API, issue one, or revoke one."
    )
    parser.add_argument(
        "name", nargs="?", help="whose key to issue or revoke; without a name, all keys are listed"
    )
    parser.add_argument(
        "--rate",
        type=float,
        metavar="N",
        help=f"requests per second that the key allows (default: {RATE_PER_S:g})",
    )
    parser.add_argument("--revoke", action="store_true", help="revoke the key of this name")
    told = parser.parse_args()
    if told.name is None and (told.revoke or told.rate is not None):
        parser.error("--rate and --revoke need the name of a key")
    keep_private()
    with own_database.command("db.keys"):
        file = variables.key_file(os.environ)
        with own_database.opened() as engine, exported(engine, file) as connection:
            said = _done(connection, told)
        if said is None:
            raise ValueError(f"there is no key {told.name!r}: `python -m db.keys` lists all keys")
        print(said)
    return 0


@contextmanager
def exported(engine: Engine, file: Path) -> Iterator[Connection]:
    """Yield a connection to change keys with; then write their file for the guard, which may be another user.

    Where it cannot be written, no key is changed either: one that is revoked in the database alone would go
    on to count, and one that is issued there alone nobody has seen.

    Raises:
        DatabaseUnavailable, OSError: Nothing is changed.
    """
    with transaction(engine) as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
        yield connection
        rows = connection.execute(select(api_keys).order_by(api_keys.c.name))
        lines = [f"{row.key_hash.hex()} {row.rate_per_s:g} {row.name}\n" for row in rows]
        with written_aside(file) as draft:
            draft.write_text("".join(lines), encoding="utf-8")
            keep_owner(draft, file)


def issue(connection: Connection, name: str, rate_per_s: float = RATE_PER_S) -> str:
    """Return a new key, which is kept nowhere; one that the name had before is revoked.

    Raises:
        ValueError: The rate cannot be used.
    """
    if not 0 < rate_per_s <= MOST_PER_S:
        raise ValueError(
            f"the rate is {rate_per_s:g}, expected more than 0 and at most {MOST_PER_S:g} requests per second"
        )
    key = secrets.token_urlsafe(KEY_BYTES)
    values = {"key_hash": hashlib.sha256(key.encode()).digest(), "rate_per_s": rate_per_s}
    added = insert(api_keys).values(name=name, **values)
    anew = {**values, "created_at": func.now()}
    connection.execute(added.on_conflict_do_update(constraint="api_keys_pkey", set_=anew))
    return key


def revoke(connection: Connection, name: str) -> bool:
    """Revoke the key of this name; return whether there was one."""
    return connection.execute(delete(api_keys).where(api_keys.c.name == name)).rowcount == 1


def _done(connection: Connection, told: argparse.Namespace) -> str | None:
    """Do it, and return what is to be said; None where there is no key to revoke."""
    if told.name is None:
        rows = connection.execute(select(api_keys).order_by(api_keys.c.name))
        lines = [f"{row.name}  {row.rate_per_s:g} a second  since {row.created_at:%Y-%m-%d}" for row in rows]
        return "\n".join(lines) or "there are no keys yet; to issue one: make key NAME=..."
    name = own_database.typed_name(told.name)
    if told.revoke:
        is_known = revoke(connection, name)
        return f"the key of {name} is revoked, and stops working within two seconds" if is_known else None
    key = issue(connection, name, RATE_PER_S if told.rate is None else told.rate)
    return f"{key}\nis the key of {name}. It is not shown again. Send it as 'Authorization: Bearer KEY'."


if __name__ == "__main__":
    sys.exit(main())
