"""Variables that several programs read, and that have to mean the same to all of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from system import environment

MOST_DAYS = 36_500
ROOT_PATH = r"(/[A-Za-z0-9._~-]+)*/*"


def var_dir(env: Mapping[str, str]) -> Path:
    """Return VAR_DIR, the folder of everything that is written while running: `var` by default."""
    return environment.path(env, "VAR_DIR", "var")


def token_file(env: Mapping[str, str]) -> Path:
    """Return the file with the management API's token: MANAGEMENT_TOKEN_FILE, by default in VAR_DIR."""
    return environment.path(env, "MANAGEMENT_TOKEN_FILE", str(var_dir(env) / "torchserve" / "token"))


def key_file(env: Mapping[str, str]) -> Path:
    """Return the file between `make key` and the guard: KEY_FILE, by default in VAR_DIR."""
    return environment.path(env, "KEY_FILE", str(var_dir(env) / "keys"))


def log_format(env: Mapping[str, str]) -> str:
    """Return LOG_FORMAT, how the page writes its log: "text" or "json"."""
    return environment.one_of(env, "LOG_FORMAT", ("text", "json"))


def sign_in(env: Mapping[str, str]) -> str:
    """Return SIGN_IN, whether people have to sign in: "auto", "on" or "off"."""
    return environment.one_of(env, "SIGN_IN", ("auto", "on", "off"))


def root_path(env: Mapping[str, str]) -> str:
    """Return UI_ROOT_PATH, the path below which a proxy shows the page, without a slash at its end."""
    expected = "a path such as /sketch, or nothing"
    return environment.text(env, "UI_ROOT_PATH", pattern=ROOT_PATH, expected=expected).rstrip("/")


def keep_days(env: Mapping[str, str]) -> int | None:
    """Return for how many days drawings are kept, None for ever.

    Raises:
        SettingError: KEEP_DAYS is not a number of days. 0 is refused, too: to some it means "all", to
            others "for ever".
    """
    days = environment.whole(env, "KEEP_DAYS", MOST_DAYS, 1, MOST_DAYS, "number of days")
    return days if environment.text(env, "KEEP_DAYS") else None
