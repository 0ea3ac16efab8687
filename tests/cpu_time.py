"""What a piece of code costs, for tests that bound it; they are marked `alone`."""

import time
from collections.abc import Callable

TRIES = 3


def costs_less_than(
    limit_s: float, work: Callable[[], object], spent_s: Callable[[], float] = time.process_time
) -> bool:
    """Return whether the cheapest of three runs does: a busy machine makes one dearer, none cheaper.

    Args:
        limit_s: CPU seconds. As soon as a run took fewer, no other is needed.
        work: What is run.
        spent_s: Says how much was spent up to now: by this process, where nothing else is said.
    """

    def cpu_s() -> float:
        began = spent_s()
        work()
        return spent_s() - began

    return any(cpu_s() < limit_s for _ in range(TRIES))
