"""Reads environment variables: each function returns one, its default where it is absent or empty.

A value that cannot be used raises SettingError, in one line with key, value and what was expected.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from system.files import PROJECT


class SettingError(ValueError):
    """A variable cannot be used; `fix` says what to do about it."""

    def __init__(self, key: str, value: str, expected: str, default: str = "") -> None:
        super().__init__(f"{key} is {value!r}, expected {expected}")
        self.fix = f"set {key} to that, or unset it" + (f" for {default}" if default else "")


def text(env: Mapping[str, str], key: str, default: str = "", pattern: str = "", expected: str = "") -> str:
    """Return the value, a match of the whole regular expression `pattern` where there is one."""
    value = env.get(key, "").strip() or default
    if pattern and value != default and not re.fullmatch(pattern, value):
        raise SettingError(key, value, expected, default)
    return value


def whole(env: Mapping[str, str], key: str, default: int, least: int, most: int, what: str = "number") -> int:
    """Return a whole number from `least` to `most`."""
    value = text(env, key, str(default))
    # int() also reads digits of other scripts, and refuses thousands of them.
    if not re.fullmatch("[0-9]{1,9}", value) or not least <= int(value) <= most:
        raise SettingError(key, value, f"a {what} from {least} to {most}", str(default))
    return int(value)


def port(env: Mapping[str, str], key: str, default: int, least: int = 1, most: int = 65535) -> int:
    """Return a TCP port; where `least` is 0, that one means any free port."""
    return whole(env, key, default, least, most, "port number")


def span(env: Mapping[str, str], key: str, default: float, unit: str, most: int) -> float:
    """Return a time in `unit`, more than 0 and at most `most`."""
    value = text(env, key, f"{default:g}")
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0 < number <= most:
        raise SettingError(key, value, f"{unit}, more than 0 and at most {most}", f"{default:g}")
    return number


def one_of(env: Mapping[str, str], key: str, choices: Sequence[str]) -> str:
    """Return one of the choices, of which the first is the default."""
    value = text(env, key, choices[0])
    if value not in choices:
        raise SettingError(key, value, " or ".join(choices), choices[0])
    return value


def folder(env: Mapping[str, str], key: str, default: str) -> Path:
    """Return an absolute path; a relative one is below the project's folder."""
    return (PROJECT / Path(text(env, key, default)).expanduser()).resolve()


def http_address(env: Mapping[str, str], key: str, default: str) -> str:
    """Return the address of an HTTP server, without a trailing slash."""
    value = text(env, key, default)
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingError(key, value, f"an address such as {default}", default)
    return value.rstrip("/")
