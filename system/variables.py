"""Variables that several programs read, and that have to mean the same to all of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from system import environment

MOST_DAYS = 36_500


def var_dir(env: Mapping[str, str]) -> Path:
    """Return VAR_DIR, the folder of everything that is written while running: `var` by default."""
    return environment.path(env, "VAR_DIR", "var")


def token_file(env: Mapping[str, str]) -> Path:
    """Return the file with the management API's token: MANAGEMENT_TOKEN_FILE, by default in VAR_DIR."""
    return environment.path(env, "MANAGEMENT_TOKEN_FILE", str(var_dir(env) / "torchserve" / "token"))


def key_file(env: Mapping[str, str]) -> Path:
    """Return the file between `make key` and the guard: KEY_FILE, by default in VAR_DIR."""
    return environment.path(env, "KEY_FILE", str(var_dir(env) / "keys"))


def keep_days(env: Mapping[str, str]) -> int | None:
    """Return for how many days drawings are kept, None for ever.

    Raises:
        SettingError: KEEP_DAYS is no number of days; 0 is none either, lest it means "all" to one and
            "for ever" to another.
    """
    days = environment.whole(env, "KEEP_DAYS", MOST_DAYS, 1, MOST_DAYS, "number of days")
    return days if environment.text(env, "KEEP_DAYS") else None
