"""Environment variables: reads them, and says which of them a program that is started gets.

A reader returns one, its default where it is absent or empty. What cannot be used raises SettingError,
in one line with key, value and what was expected.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from system.files import PROJECT

# What any program may need of whoever starts it: places of programs and files, language, time zone.
BASE = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR")
# And Python: a build with a shared library finds that one by LD_LIBRARY_PATH. Not PYTHONPATH and PYTHONHOME,
# which put other people's modules before those that were tested.
PYTHON = ("LD_LIBRARY_PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
# The PYTHONPATH of TorchServe's workers, and of what is measured in their place.
IN_WORKERS = PROJECT / "system" / "in_workers"
# What CUDA_VISIBLE_DEVICES is called on its way to them where TorchServe's java could not read it.
WORKERS_DEVICES = "WORKERS_CUDA_VISIBLE_DEVICES"

# What Kubernetes and Docker's links tell everybody of a service called `ui`: UI_PORT=tcp://10.0.0.1:7860.
_SERVICE = re.compile(r"(tcp|udp|sctp)://.*")


class SettingError(ValueError):
    """A variable cannot be used; `fix` says what to do about it."""

    def __init__(self, key: str, value: str, expected: str, default: str = "") -> None:
        super().__init__(f"{key} is {value!r}, expected {expected}")
        self.fix = f"set {key} to that, or unset it" + (f" for {default}" if default else "")


def passed(env: Mapping[str, str], *names: str) -> dict[str, str]:
    """Return what a program that is started gets of `env`: what any one needs, and these; no other.

    Args:
        env: The environment of whoever starts it.
        names: More variables; a name that ends in * stands for all that begin so.
    """
    wanted = {*BASE, *names}
    starts = tuple(name.removesuffix("*") for name in wanted if name.endswith("*"))
    return {key: value for key, value in env.items() if key in wanted or key.startswith(starts)}


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
    """Return a TCP port; where `least` is 0, that one means any free port. A service's address is none."""
    if _SERVICE.fullmatch(text(env, key)):
        return default
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


def path(env: Mapping[str, str], key: str, default: str) -> Path:
    """Return the absolute path of a file or a folder; a relative one is below the project's folder."""
    return (PROJECT / Path(text(env, key, default)).expanduser()).resolve()


def http_address(env: Mapping[str, str], key: str, default: str) -> str:
    """Return the address of an HTTP server, without a trailing slash."""
    value = text(env, key, default)
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingError(key, value, f"an address such as {default}", default)
    return value.rstrip("/")
