"""Where workers and TorchServe's front end both want a core, the workers get it."""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import requests
from PIL.PngImagePlugin import PngInfo

from handler import worker
from launch.temporary import TorchServe
from training.drawing import drawing, encoded

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform != "linux", reason="priorities of threads are Linux's"),
]

LARGE = 100_000


def niceness(number: int) -> int:
    """Give that of a thread, or of a process's first thread."""
    return os.getpriority(os.PRIO_PROCESS, number)


def front_end(server: TorchServe) -> dict[int, tuple[int, int, int]]:
    """Give each thread of the front end that waits for sockets: niceness, bytes read, bytes written."""
    found = {}
    for thread in Path(f"/proc/{server.pid}/task").iterdir():
        if (thread / "comm").read_text().startswith(worker.FRONT_END_THREADS):
            counts = dict(line.split(": ") for line in (thread / "io").read_text().splitlines())
            number = int(thread.name)
            found[number] = (niceness(number), int(counts["rchar"]), int(counts["wchar"]))
    return found


def workers(server: TorchServe) -> list[psutil.Process]:
    return psutil.Process(server.pid).children(recursive=True)


def scale(server: TorchServe, count: int) -> None:
    query = f"min_worker={count}&max_worker={count}&synchronous=true"
    requests.put(f"{server.management_url}/models/digits?{query}", timeout=60).raise_for_status()


def ask(server: TorchServe, times: int) -> int:
    """Have a picture of LARGE bytes read so often, by sixteen clients; give how many bytes that were."""
    comment = PngInfo()
    comment.add_text("Comment", "-" * LARGE)
    picture = encoded(drawing("7"), pnginfo=comment)
    with ThreadPoolExecutor(16) as pool:
        url = f"{server.inference_url}/predictions/digits"
        answers = list(pool.map(lambda _: requests.post(url, data=picture, timeout=30), range(times)))
    assert all(answer.ok for answer in answers)
    return times * len(picture)


def test_who_serves_clients_stands_behind_and_who_passes_on_does_not(torchserve: TorchServe) -> None:
    own = niceness(torchserve.pid)
    # Clients are shared out among the threads. At least two a core, as Netty starts them.
    threads = 4 * (os.cpu_count() or 1)
    pictures_bytes = ask(torchserve, 4 * threads * worker.SURPLUS_BYTES // LARGE)
    time.sleep(2 * worker.PERIOD_S)
    found = front_end(torchserve).values()
    behind = [(read, written) for nice, read, written in found if nice == max(own, worker.NICENESS)]
    beside = [(read, written) for nice, read, written in found if nice == own]
    assert len(behind) + len(beside) == len(found)
    # Every picture was read by the ones and written to the workers by the others.
    assert sum(read for read, _ in behind) > pictures_bytes > sum(read for read, _ in beside)
    assert sum(written for _, written in beside) > pictures_bytes > sum(written for _, written in behind)
    assert [niceness(process.pid) for process in workers(torchserve)] == [own, own]


def test_a_worker_that_is_asked_for_later_does_not_push_the_front_end_further(torchserve: TorchServe) -> None:
    before = [process.pid for process in workers(torchserve)]
    behind = [number for number in front_end(torchserve) if niceness(number) == worker.NICENESS]
    scale(torchserve, 3)
    try:
        added = [process.pid for process in workers(torchserve) if process.pid not in before]
        assert len(added) == 1
        # Moving up again takes a privilege.
        assert niceness(added[0]) in {niceness(torchserve.pid), worker.NICENESS}
        time.sleep(2 * worker.PERIOD_S)
        assert {niceness(number) for number in behind} <= {worker.NICENESS}
    finally:
        scale(torchserve, 2)
        deadline = time.monotonic() + 10
        while len(workers(torchserve)) > 2 and time.monotonic() < deadline:
            time.sleep(0.05)
