"""Where workers and TorchServe's front end both want a core, the workers get it."""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import requests

from handler import worker
from launch.temporary import TorchServe

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform != "linux", reason="priorities of threads are Linux's"),
]


def niceness(number: int) -> int:
    """Give that of a thread, or of a process's first thread."""
    return os.getpriority(os.PRIO_PROCESS, number)


def front_end(server: TorchServe) -> list[int]:
    threads = Path(f"/proc/{server.pid}/task").iterdir()
    names = {int(thread.name): (thread / "comm").read_text() for thread in threads}
    return [number for number, name in names.items() if name.startswith(worker.FRONT_END_THREADS)]


def workers(server: TorchServe) -> list[psutil.Process]:
    return psutil.Process(server.pid).children(recursive=True)


def scale(server: TorchServe, count: int) -> None:
    query = f"min_worker={count}&max_worker={count}&synchronous=true"
    requests.put(f"{server.management_url}/models/digits?{query}", timeout=60).raise_for_status()


def test_the_front_end_stands_behind_the_workers(torchserve: TorchServe) -> None:
    # More threads are started as more clients come.
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: requests.get(f"{torchserve.inference_url}/ping", timeout=30), range(64)))
    own = niceness(torchserve.pid)
    assert len(front_end(torchserve)) >= 2
    assert {niceness(number) for number in front_end(torchserve)} == {max(own, worker.NICENESS)}
    assert [niceness(process.pid) for process in workers(torchserve)] == [own, own]


def test_a_worker_that_is_asked_for_later_does_not_push_the_front_end_further(torchserve: TorchServe) -> None:
    before = [process.pid for process in workers(torchserve)]
    behind = {number: niceness(number) for number in front_end(torchserve)}
    scale(torchserve, 3)
    try:
        added = [process.pid for process in workers(torchserve) if process.pid not in before]
        assert len(added) == 1
        # Moving up again takes a privilege.
        assert niceness(added[0]) in {niceness(torchserve.pid), worker.NICENESS}
        assert {number: niceness(number) for number in behind} == behind
    finally:
        scale(torchserve, 2)
        deadline = time.monotonic() + 10
        while len(workers(torchserve)) > 2 and time.monotonic() < deadline:
            time.sleep(0.05)
