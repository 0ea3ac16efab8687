"""Where workers and TorchServe's front end both want a core, the workers get it."""

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import requests
from PIL.PngImagePlugin import PngInfo

from handler import worker
from launch.temporary import TorchServe
from training.drawing import drawing, encoded

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="priorities of threads are Linux's")

LARGE = 100_000


def niceness(number: int) -> int:
    """Give that of a thread, or of a process's first thread."""
    return os.getpriority(os.PRIO_PROCESS, number)


class Loop:
    """A thread that is named as the front end's are and moves as many bytes as it is told."""

    def __init__(self) -> None:
        self._jobs: queue.Queue[Callable[[], object] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()
        self._do(lambda: Path("/proc/thread-self/comm").write_text(worker.FRONT_END_THREADS))

    def _work(self) -> None:
        while job := self._jobs.get():
            job()
            self._jobs.task_done()

    def _do(self, job: Callable[[], object]) -> None:
        self._jobs.put(job)
        self._jobs.join()

    def move(self, share: float) -> None:
        """Read and write as many bytes as make a look count, or a share of them."""
        half = int(share * worker.MOVED_BYTES / 2)

        def job() -> None:
            with Path("/dev/zero").open("rb", buffering=0) as source:
                source.read(half)
            with Path("/dev/null").open("wb", buffering=0) as sink:
                sink.write(bytes(half))

        self._do(job)

    def is_behind(self) -> bool:
        """Return whether others go first."""
        return niceness(self._thread.native_id or 0) > niceness(os.getpid())

    def end(self) -> None:
        """Have it end, and its place with it."""
        self._jobs.put(None)
        self._thread.join()


@contextmanager
def loops(count: int) -> Iterator[list[Loop]]:
    """Give so many threads."""
    started = [Loop() for _ in range(count)]
    try:
        yield started
    finally:
        for loop in started:
            loop.end()


@pytest.mark.parametrize("first", [0, 1, 2])
def test_the_thread_through_which_all_passes_stands_behind(first: int) -> None:
    moved: dict[int, int] = {}
    with loops(3) as threads:
        # It may have been another one, before there were two workers, and what was is not judged.
        threads[0].move(10)
        assert not worker.go_first(os.getpid(), moved)
        for thread in threads:
            thread.move(2 if thread is threads[first] else 1)
        assert worker.go_first(os.getpid(), moved)
        assert [thread.is_behind() for thread in threads] == [thread is threads[first] for thread in threads]


@pytest.mark.parametrize(("one", "other"), [(2, 2), (2, 1.8), (0.5, 0)])
def test_no_thread_stands_behind_while_none_can_be_told(one: float, other: float) -> None:
    moved: dict[int, int] = {}
    with loops(2) as threads:
        for _ in range(4):
            assert not worker.go_first(os.getpid(), moved)
            threads[0].move(one)
            threads[1].move(other)
        assert not any(thread.is_behind() for thread in threads)


def test_a_front_end_that_is_gone_is_not_looked_at_again() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
        assert worker.go_first(process.pid, {})


def front_end(server: TorchServe) -> dict[int, int]:
    """Give the bytes that each thread of the front end that waits for sockets has read and written."""
    found = {}
    for thread in Path(f"/proc/{server.pid}/task").iterdir():
        if (thread / "comm").read_text().startswith(worker.FRONT_END_THREADS):
            counts = dict(line.split(": ") for line in (thread / "io").read_text().splitlines())
            found[int(thread.name)] = int(counts["rchar"]) + int(counts["wchar"])
    return found


def workers(server: TorchServe) -> list[psutil.Process]:
    return psutil.Process(server.pid).children(recursive=True)


def scale(server: TorchServe, count: int) -> None:
    query = f"min_worker={count}&max_worker={count}&synchronous=true"
    requests.put(f"{server.management_url}/models/digits?{query}", timeout=60).raise_for_status()


def ask(server: TorchServe, times: int) -> None:
    """Have a picture of LARGE bytes read so often, by sixteen clients."""
    comment = PngInfo()
    comment.add_text("Comment", "-" * LARGE)
    picture = encoded(drawing("7"), pnginfo=comment)
    with ThreadPoolExecutor(16) as pool:
        url = f"{server.inference_url}/predictions/digits"
        answers = list(pool.map(lambda _: requests.post(url, data=picture, timeout=30), range(times)))
    assert all(answer.ok for answer in answers)


def once_behind(server: TorchServe) -> list[int]:
    """Give the threads that stand behind the workers, once there are any."""
    limit = time.monotonic() + 20 * worker.PERIOD_S
    while time.monotonic() < limit:
        ask(server, 4 * worker.MOVED_BYTES // LARGE)
        if found := [thread for thread in front_end(server) if niceness(thread) > niceness(server.pid)]:
            return found
    return []


@pytest.mark.integration
def test_who_serves_clients_stands_behind_and_who_passes_on_does_not(torchserve: TorchServe) -> None:
    own = niceness(torchserve.pid)
    before = front_end(torchserve)
    behind = once_behind(torchserve)
    ask(torchserve, 20 * worker.MOVED_BYTES // LARGE)
    moved = {number: total - before.get(number, 0) for number, total in front_end(torchserve).items()}
    assert behind == [max(moved, key=lambda number: moved[number])]
    assert [niceness(process.pid) for process in workers(torchserve)] == [own, own]


@pytest.mark.integration
def test_a_worker_that_is_asked_for_later_does_not_push_the_front_end_further(torchserve: TorchServe) -> None:
    before = [process.pid for process in workers(torchserve)]
    (behind,) = once_behind(torchserve)
    scale(torchserve, 3)
    try:
        added = [process.pid for process in workers(torchserve) if process.pid not in before]
        assert len(added) == 1
        # Moving up again takes a privilege.
        assert niceness(added[0]) in {niceness(torchserve.pid), worker.NICENESS}
        time.sleep(2 * worker.PERIOD_S)
        assert niceness(behind) == worker.NICENESS
    finally:
        scale(torchserve, 2)
        deadline = time.monotonic() + 10
        while len(workers(torchserve)) > 2 and time.monotonic() < deadline:
            time.sleep(0.05)
