"""What a piece of code costs, for tests that bound it; they are marked `alone`."""

import time
from collections.abc import Callable

TRIES = 3


def least_cpu_s(work: Callable[[], object], spent_s: Callable[[], float] = time.process_time) -> float:
    """Return the CPU seconds of the cheapest of three runs: a busy machine makes one dearer, none cheaper.

    Args:
        work: What is run.
        spent_s: Says how much was spent up to now: by this process, where nothing else is said.
    """

    def cpu_s() -> float:
        began = spent_s()
        work()
        return spent_s() - began

    return min(cpu_s() for _ in range(TRIES))
