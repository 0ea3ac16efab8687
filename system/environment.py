"""Reads environment variables; what cannot be used is refused with key, value and what was expected.

An empty variable is as an absent one: it has its default.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from system.files import PROJECT


class SettingError(ValueError):
    """A variable cannot be used; the message is one line.

    Attributes:
        key: Its name.
        fix: What to do about it.
    """

    def __init__(self, key: str, value: str, expected: str, fix: str) -> None:
        super().__init__(f"{key} is {value!r}, expected {expected}")
        self.key = key
        self.fix = fix


def text(
    variables: Mapping[str, str], key: str, default: str = "", *, pattern: str = "", expected: str = ""
) -> str:
    """Return the value: the default, or a match of the whole regular expression `pattern` where there is one.

    Raises:
        SettingError: It is neither; `expected` says what it should be.
    """
    value = variables.get(key, "").strip() or default
    if pattern and value != default and not re.fullmatch(pattern, value):
        raise _refusal(key, value, expected, default)
    return value


def whole(
    variables: Mapping[str, str], key: str, default: int, least: int, most: int, what: str = "a number"
) -> int:
    """Return a whole number from `least` to `most`; `what` is its name in the error.

    Raises:
        SettingError: It is none.
    """
    value = text(variables, key, str(default))
    # int() also reads digits of other scripts, and refuses thousands of them.
    if not re.fullmatch("[0-9]{1,9}", value) or not least <= int(value) <= most:
        raise _refusal(key, value, f"{what} from {least} to {most}", str(default))
    return int(value)


def port(variables: Mapping[str, str], key: str, default: int, least: int = 1, most: int = 65535) -> int:
    """Return a TCP port; with `least` 0 one that means any free port.

    Raises:
        SettingError: It is none.
    """
    return whole(variables, key, default, least, most, "a port number")


def span(variables: Mapping[str, str], key: str, default: float, unit: str, most: int) -> float:
    """Return a time in `unit`, more than 0 and at most `most`.

    Raises:
        SettingError: It is none.
    """
    value = text(variables, key, f"{default:g}")
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0 < number <= most:
        raise _refusal(key, value, f"{unit}, more than 0 and at most {most}", f"{default:g}")
    return number


def one_of(variables: Mapping[str, str], key: str, choices: Sequence[str]) -> str:
    """Return one of the choices, of which the first is the default.

    Raises:
        SettingError: It is none.
    """
    value = text(variables, key, choices[0])
    if value not in choices:
        raise _refusal(key, value, " or ".join(choices), choices[0])
    return value


def folder(variables: Mapping[str, str], key: str, default: str) -> Path:
    """Return an absolute path; a relative one is below the project's folder."""
    return (PROJECT / Path(text(variables, key, default)).expanduser()).resolve()


def http_address(variables: Mapping[str, str], key: str, default: str) -> str:
    """Return the address of an HTTP server, without a trailing slash.

    Raises:
        SettingError: It is none.
    """
    value = text(variables, key, default)
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _refusal(key, value, f"an address such as {default}", default)
    return value.rstrip("/")


def _refusal(key: str, value: str, expected: str, default: str) -> SettingError:
    return SettingError(
        key, value, expected, f"set {key} to that, or unset it" + (f" for {default}" if default else "")
    )
