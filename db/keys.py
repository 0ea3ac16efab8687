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
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Engine, Executable, Row, delete, func, select, text
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
    parser.add_argument("name", nargs="?", help="whose key it is; without it all are listed")
    parser.add_argument(
        "--rate", type=float, metavar="N", help=f"requests a second, {RATE_PER_S:g} by default"
    )
    parser.add_argument("--revoke", action="store_true", help="the key of this name")
    told = parser.parse_args()
    if told.name is None and (told.revoke or told.rate is not None):
        parser.error("--rate and --revoke are of one key: say whose it is")
    keep_private()
    with own_database.command("db.keys"):
        file = variables.key_file(os.environ)
        with own_database.opened() as engine:
            said = _done(engine, told)
            export(engine, file)
        print(said)
    return 0


def issue(engine: Engine, name: str, rate_per_s: float = RATE_PER_S) -> str:
    """Return a new key, which is kept nowhere; one that the name had before is revoked.

    Raises:
        DatabaseUnavailable: Nothing is changed.
        ValueError: The rate cannot be used.
    """
    if not 0 < rate_per_s <= MOST_PER_S:
        raise ValueError(
            f"the rate is {rate_per_s:g}, expected more than 0 and at most {MOST_PER_S:g} a second"
        )
    key = secrets.token_urlsafe(KEY_BYTES)
    values = {"key_hash": hashlib.sha256(key.encode()).digest(), "rate_per_s": rate_per_s}
    added = insert(api_keys).values(name=name, **values)
    anew = {**values, "created_at": func.now()}
    _execute(engine, added.on_conflict_do_update(constraint="api_keys_pkey", set_=anew))
    return key


def revoke(engine: Engine, name: str) -> bool:
    """Revoke the key of this name; return whether there was one."""
    return bool(_execute(engine, delete(api_keys).where(api_keys.c.name == name).returning(api_keys.c.name)))


def export(engine: Engine, file: Path) -> None:
    """Write the keys' hashes, rates and names to the file that the guard reads, which may be another user."""
    with transaction(engine) as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
        rows = connection.execute(select(api_keys).order_by(api_keys.c.name))
        lines = [f"{row.key_hash.hex()} {row.rate_per_s:g} {row.name}\n" for row in rows]
        with written_aside(file) as draft:
            draft.write_text("".join(lines), encoding="utf-8")
            keep_owner(draft, file)


def _done(engine: Engine, told: argparse.Namespace) -> str:
    """Do it, and return what is to be said."""
    if told.name is None:
        rows = _execute(engine, select(api_keys).order_by(api_keys.c.name))
        lines = [f"{row.name}  {row.rate_per_s:g} a second  since {row.created_at:%Y-%m-%d}" for row in rows]
        return "\n".join(lines) or "there is no key yet: make key NAME=..."
    name = own_database.typed_name(told.name)
    if told.revoke:
        if not revoke(engine, name):
            raise ValueError(f"there is no key {name!r}: python -m db.keys lists them")
        return f"the key of {name} is revoked: it counts for nothing within two seconds"
    key = issue(engine, name, RATE_PER_S if told.rate is None else told.rate)
    return (
        f"{key}\nis the key of {name}, which is not shown again. It is sent as 'Authorization: Bearer KEY'."
    )


def _execute(engine: Engine, query: Executable) -> Sequence[Row]:
    """Run a query in a transaction; return its rows. What fails becomes DatabaseUnavailable."""
    with transaction(engine) as connection:
        result = connection.execute(query)
        return result.all() if result.returns_rows else []


if __name__ == "__main__":
    sys.exit(main())
