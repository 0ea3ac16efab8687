"""The lock files that `make setup GROUP=...` installs from; read before anything is installed."""

from __future__ import annotations

import re
from pathlib import Path

from system.files import PROJECT

# What `make run` needs comes first, and the one lock, whose pins all others repeat, last.
LOCKS = {
    "run": PROJECT / "requirements" / "run.lock",
    "train": PROJECT / "requirements" / "train.lock",
    "dev": PROJECT / "requirements.lock",
}
PIN = re.compile(r"^[a-z0-9][^ \n]*==[^ \n]+", re.MULTILINE)


def pins(lock: Path) -> set[str]:
    """Return NAME==VERSION of each package that a lock file pins."""
    return set(PIN.findall(lock.read_text(encoding="utf-8")))
