"""Candidates that did not pass are not made once more, and their archives are not kept for ever."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Engine

from db import loop_runs, unpassed
from db.examples import Chosen
from db.loop_runs import Run
from loop.candidate import WEIGHTS, commit
from loop.places import Places, served
from system.files import sha256

# Of those that did not pass the newest ones stay, for whoever wants to look at them, or force one.
KEPT = 3


def digest_of(chosen: Sequence[Chosen]) -> str:
    """Return the SHA-256 of the digits that a run takes, in hexadecimal: pictures, labels, and parts."""
    lines = sorted(f"{one.part} {one.picture.hex()} {one.label}" for one in chosen if one.label is not None)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def as_before(run: Run, engine: Engine, examples: str, places: Places) -> str:
    """Return why a run would make and judge what did not pass before, in words; "" where it would not.

    Args:
        run: With its settings.
        engine: The database.
        examples: The digest of what it has collected.
        places: The folders.

    Raises:
        DatabaseUnavailable: PostgreSQL cannot be read.
    """
    last = unpassed.last_judged(engine, run.model_name)
    if last is None or last.outcome == "passed" or (last.examples, last.settings) != (examples, run.settings):
        return ""
    try:
        champion = served(engine, run.model_name, places).about
    except (OSError, ValueError):
        return ""  # the next step says so
    made_from = last.made_of.get("champion", {})
    now = (champion.version, champion.version, champion.trained_sha256, commit())
    then = (
        last.champion, made_from.get("version"), made_from.get("weights_sha256"), last.made_of.get("commit"),
    )  # fmt: skip
    if now != then:
        return ""
    found = "was refused" if last.outcome == "refused" else "lacked evidence"
    return (
        f"nothing is new since run {last.run_id}, which made and judged {last.version} with the same "
        f"drawings and the same {champion.version}; it {found}"
    )


def remove_old(run: Run, engine: Engine, served_version: str, places: Places) -> None:
    """Remove archives and weights of candidates that did not pass, but those of the newest; rows stay.

    Args:
        run: Whose step this is.
        engine: The database.
        served_version: The version that answers.
        places: The folders.

    Raises:
        DatabaseUnavailable: PostgreSQL cannot be read; nothing is removed.
        LostError: Another process does this step now; as before.
    """
    with loop_runs.held(engine, run) as connection:
        for one in unpassed.not_needed(connection, run.model_name, run.id)[KEPT:]:
            if one.version == served_version or one.run_id is None:
                continue
            _remove(places.store / one.archive, one.sha256)
            _remove(places.of_run(run.model_name, one.run_id) / WEIGHTS, one.made_of.get("weights_sha256"))


def _remove(file: Path, digest: str | None) -> None:
    """Remove a file, unless it is another one of this name, or cannot be removed."""
    with suppress(OSError):
        if sha256(file) == digest:
            file.unlink()
