"""Where what was measured goes: to the terminal, and into the folder bench/ of VAR_DIR."""

import sys

from launch.settings import read_settings


def say(progress: str) -> None:
    """Print progress where it is not taken for a result."""
    print(progress, file=sys.stderr, flush=True)


def write(name: str, text: str) -> None:
    """Print a result, and write it into a file of this name."""
    print(text)
    file = read_settings().var / "bench" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    say(f"written: {file}")
