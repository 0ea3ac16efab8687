"""`make chaos`: SECONDS of faults as SEED says, and what became of what visitors drew meanwhile."""

import os
import random
import sys

from system import environment, stopping
from tests.chaos.script import play

REQUESTS = 20_000


def main() -> int:
    """Print what was found; return 1 where a promise was broken."""
    stopping.raise_on_signals()
    seconds = environment.whole(os.environ, "SECONDS", 300, 1, 86_400, "number of seconds")
    seed = environment.whole(os.environ, "SEED", random.randrange(10**6), 0, 10**9, "seed")
    print(f"make chaos SEED={seed} SECONDS={seconds}", flush=True)
    journal = play(seed, seconds, REQUESTS)
    print(journal.table())
    if journal.problems:
        print(f"\nSEED={seed}, the last operations:", *journal.last, sep="\n")
        print(f"\n{len(journal.problems)} promises were broken:", *journal.problems[:50], sep="\n")
    return 1 if journal.problems else 0


if __name__ == "__main__":
    sys.exit(main())
