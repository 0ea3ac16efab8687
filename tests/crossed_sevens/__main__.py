"""`python -m tests.crossed_sevens`: play the story, and write docs/loop-example.md and its picture."""

import os
import sys
from functools import partial

from system import environment, stopping
from system.files import PROJECT
from tests.crossed_sevens.page import write
from tests.crossed_sevens.told import tell
from tests.crossed_sevens.writers import all_digits


def main() -> int:
    """Write the page; the strokes are below the folder that MNIST_DIR names."""
    stopping.raise_on_signals()
    digits = all_digits(environment.path(os.environ, "MNIST_DIR", "data"))
    write(tell(digits, partial(print, flush=True)), PROJECT / "docs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
