"""Where workers and TorchServe's front end both want a core, the workers get it."""

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
import requests
from PIL.PngImagePlugin import PngInfo

from handler import worker
from launch.temporary import TorchServe
from tests.management import manage
from training.data.drawing import drawing, encoded

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="priorities of threads are Linux's")

LARGE = 100_000


def niceness(number: int) -> int:
    """Return that of a thread, or of a process's first thread."""
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
            try:
                job()
            finally:
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

    @property
    def number(self) -> int | None:
        """The system's number of the thread."""
        return self._thread.native_id

    def end(self) -> None:
        """Have it end, and its place with it."""
        self._jobs.put(None)
        self._thread.join()


@contextmanager
def loops(count: int) -> Iterator[list[Loop]]:
    """Return so many threads."""
    started = [Loop() for _ in range(count)]
    try:
        yield started
    finally:
        for loop in started:
            loop.end()


@pytest.mark.parametrize("first", [0, 1, 2])
def test_the_thread_through_which_all_passes_serves(first: int) -> None:
    moved: dict[int, int] = {}
    with loops(3) as threads:
        # What was before the first look is not judged.
        threads[0].move(10)
        assert worker.serving_thread(os.getpid(), moved) is None
        for thread in threads:
            thread.move(2 if thread is threads[first] else 1)
        assert worker.serving_thread(os.getpid(), moved) == threads[first].number
        assert worker.serving_thread(os.getpid(), moved) is None


@pytest.mark.parametrize(("one", "other"), [(2, 2), (2, 1.8), (0.5, 0)])
def test_none_is_taken_for_it_while_none_can_be_told(one: float, other: float) -> None:
    moved: dict[int, int] = {}
    with loops(2) as threads:
        for _ in range(4):
            assert worker.serving_thread(os.getpid(), moved) is None
            threads[0].move(one)
            threads[1].move(other)


@pytest.mark.parametrize(
    ("looks", "is_behind"),
    [
        # A body that came slowly: only its passing on is much in a second.
        ([7, None], False),
        ([7, 7, 8, 7, 7, None], False),
        ([7, None, 7, 7, None], False),
        ([None, 8, 7, 7, 7], True),
    ],
)
def test_a_thread_stands_behind_once_it_was_found_thrice_in_a_row(
    looks: list[int | None], is_behind: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 8 was started by 7 when that stood behind already.
    left, places = iter(looks), {7: 0, 8: worker.BEHIND}

    def look(_: int, moved: dict[int, int]) -> int | None:
        moved.update(dict.fromkeys(places, 0))
        try:
            return next(left)
        except StopIteration:
            raise ProcessLookupError from None

    monkeypatch.setattr(worker, "PERIOD_S", 0.0)
    monkeypatch.setattr(worker, "serving_thread", look)
    monkeypatch.setattr(os, "setpriority", lambda _, number, place: places.update({number: place}))
    worker._go_first(1, 0)
    assert places == ({7: worker.BEHIND, 8: 0} if is_behind else {7: 0, 8: worker.BEHIND})


def test_a_front_end_that_is_gone_is_not_looked_at_again() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
        worker._go_first(process.pid, 0)


def front_end(server: TorchServe) -> dict[int, int]:
    """Return the bytes that each thread of the front end that waits for sockets has read and written."""
    found = {}
    for thread in Path(f"/proc/{server.java_pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):
            if (thread / "comm").read_text().startswith(worker.FRONT_END_THREADS):
                found[int(thread.name)] = worker.moved_bytes(thread)
    return found


def workers(server: TorchServe) -> list[psutil.Process]:
    found = []
    for child in psutil.Process(server.java_pid).children():
        with suppress(psutil.Error):  # a script that reads the machine's state comes and goes
            if any("model_service_worker" in word for word in child.cmdline()):
                found.append(child)
    return found


def scale(server: TorchServe, count: int) -> None:
    query = {"min_worker": count, "max_worker": count, "synchronous": "true"}
    manage(server, "PUT", "/digits", **query).raise_for_status()


def ask(server: TorchServe, times: int) -> None:
    """Have a picture of LARGE bytes read so often, by sixteen clients."""
    comment = PngInfo()
    comment.add_text("Comment", "-" * LARGE)
    picture = encoded(drawing("7"), pnginfo=comment)
    with ThreadPoolExecutor(16) as pool:
        url = f"{server.inference_url}/predictions/digits"
        answers = list(pool.map(lambda _: requests.post(url, data=picture, timeout=30), range(times)))
    assert all(answer.ok for answer in answers)


def places_after_asking(server: TorchServe) -> dict[int, int]:
    """Have many pictures read until one thread stands behind the workers; give each thread's niceness.

    Those that it started before stay with it where the user may not move them.
    """
    limit = time.monotonic() + 30 * worker.PERIOD_S
    while time.monotonic() < limit:
        ask(server, 20 * worker.MOVED_BYTES // LARGE)
        found = {thread: niceness(thread) for thread in front_end(server)}
        behind = [place for place in found.values() if place > niceness(server.java_pid)]
        if len(behind) == 1 or (behind and os.geteuid() != 0):
            return found
    pytest.fail(f"niceness: {found}; bytes moved: {front_end(server)}")


@pytest.mark.integration
def test_who_serves_clients_stands_behind_and_who_passes_on_does_not(torchserve: TorchServe) -> None:
    own = niceness(torchserve.java_pid)
    places = places_after_asking(torchserve)
    before = front_end(torchserve)
    ask(torchserve, 20 * worker.MOVED_BYTES // LARGE)
    moved = {number: total - before.get(number, 0) for number, total in front_end(torchserve).items()}
    serving = max(moved, key=lambda number: moved[number])
    assert places[serving] == min(own + worker.BEHIND, 19)
    assert own in places.values()
    assert [niceness(process.pid) for process in workers(torchserve)] == [own, own]


@pytest.mark.integration
def test_a_worker_that_is_asked_for_later_puts_no_other_thread_behind(torchserve: TorchServe) -> None:
    before = [process.pid for process in workers(torchserve)]
    places = places_after_asking(torchserve)
    scale(torchserve, 3)
    try:
        added = [process.pid for process in workers(torchserve) if process.pid not in before]
        assert len(added) == 1
        # Moving up again takes a privilege.
        assert niceness(added[0]) in {niceness(torchserve.java_pid), max(places.values())}
        began = time.monotonic()
        while time.monotonic() - began < (worker.LOOKS + 2) * worker.PERIOD_S:
            ask(torchserve, 20 * worker.MOVED_BYTES // LARGE)
        now = places_after_asking(torchserve)
        assert {number: now[number] for number in places} == places
    finally:
        scale(torchserve, 2)
        deadline = time.monotonic() + 10
        while len(workers(torchserve)) > 2 and time.monotonic() < deadline:
            time.sleep(0.05)
