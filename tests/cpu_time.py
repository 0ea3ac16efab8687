"""What a piece of code costs, for tests that bound it; they are marked `alone`."""

import time
from collections.abc import Callable

TRIES = 3


def least_cpu_s(work: Callable[[], object]) -> float:
    """Return the CPU seconds of the cheapest of three runs: a busy machine makes one dearer, none cheaper."""

    def cpu_s() -> float:
        began = time.process_time()
        work()
        return time.process_time() - began

    return min(cpu_s() for _ in range(TRIES))
