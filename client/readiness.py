"""When a model can answer. TorchServe's own /ping says Healthy before any model is loaded."""

import time
from collections import defaultdict
from collections.abc import Callable

from client.errors import Denied, LoadFailed, NotLoaded, Unreachable
from client.management import Management, ModelStatus

POLL_S = 0.1

# Called at each look, with None where TorchServe did not say; what it raises ends the waiting.
Check = Callable[[ModelStatus | None], None]


def is_ready(management: Management, path: str) -> bool:
    """Return whether a model's version has a ready worker now; False where TorchServe does not say."""
    try:
        return management.describe(path).ready_workers > 0
    except Unreachable:
        return False


def wait_until_ready(
    management: Management, path: str, timeout_s: float, check: Check = lambda _status: None
) -> ModelStatus:
    """Return the status of a model's version once one of its workers is ready.

    Args:
        management: TorchServe's management API. While it does not answer, or with a status from 500 upwards,
            it is asked again.
        path: As `path_of` gives it.
        timeout_s: How long to wait.
        check: May say that waiting is in vain.

    Raises:
        NotLoaded: The model is not registered.
        Denied: The management API may not be asked.
        LoadFailed: It takes too long.
    """
    deadline = time.monotonic() + timeout_s
    problem: Unreachable | None = None
    while time.monotonic() < deadline:
        status = None
        try:
            status, problem = management.describe(path), None
        except Unreachable as error:  # one status that does not come says nothing of the workers
            problem = error
        check(status)
        if isinstance(problem, (NotLoaded, Denied)):
            raise problem
        if status is not None and status.ready_workers:
            return status
        time.sleep(POLL_S)
    last = f"; the last answer was: {problem}" if problem else ""
    raise LoadFailed(f"none of its workers was seen ready within {timeout_s:g} seconds{last}")


def given_up_when_all_fail(former: set[int]) -> Check:
    """Return a check that raises LoadFailed once each worker has had its process replaced and none is ready.

    TorchServe itself goes on to start them for five minutes.

    Args:
        former: Processes that were there before: of a worker that crashed, TorchServe names the last one
            until the next runs.
    """
    processes: defaultdict[str, set[int]] = defaultdict(set)

    def check(status: ModelStatus | None) -> None:
        if status is None or status.ready_workers or not status.workers:
            return
        for worker, process in status.starting.items():
            processes[worker] |= {process} - former - {-1}
        if all(len(processes[worker]) > 1 for worker in status.starting):
            raise LoadFailed("its workers do not start; TorchServe's model.log says why")

    return check
