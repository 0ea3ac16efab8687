"""Where what was measured goes: to the terminal, and into the folder bench/ of VAR_DIR."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.load import LoadError, require_wrk
from launch.errors import LaunchError
from launch.settings import read_settings
from launch.temporary import end_in_order_when_told


@contextmanager
def measuring(name: str) -> Iterator[None]:
    """End what is started here in order, whatever ends it; what cannot be measured ends the program."""
    end_in_order_when_told()
    try:
        require_wrk()
        yield
    except (LaunchError, LoadError, OSError) as error:
        sys.exit(f"bench.{name}: {error}")


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
