"""Parts on this machine's cores: a process each, with libraries and an archive's handler of its own."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import connection, get_context, parent_process
from pathlib import Path

from training.score.parts import Done, Labeller

# Parts that are asked for ahead, for each process.
AHEAD = 2

labeller: Labeller  # of each process's own


def made(
    output: Path, archive: Path, any_address: bool, numbers: Sequence[int], workers: int
) -> Iterator[Done]:
    """Yield parts as they are finished.

    Args:
        output: the folder with the plan.
        archive: the unpacked archive.
        any_address: as `Reader` takes it.
        numbers: which parts.
        workers: how many processes.

    Raises:
        concurrent.futures.BrokenExecutor: a process died, or could not load the archive.
        RuntimeError, ValueError, OSError: as `Labeller.make` raises them.
    """
    waiting = iter(numbers)
    arguments = (output, archive, any_address)
    with ProcessPoolExecutor(workers, get_context("spawn"), _start, arguments) as pool:
        try:
            asked: set[Future[Done]] = set()
            while True:
                for number in waiting:
                    asked.add(pool.submit(_make, number))
                    if len(asked) >= workers * AHEAD:
                        break
                if not asked:
                    return
                finished, asked = wait(asked, return_when=FIRST_COMPLETED)
                for one in finished:
                    yield one.result()
        except BaseException:
            # What they are at would take them a while, and nobody is there for it.
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def _start(output: Path, archive: Path, any_address: bool) -> None:
    global labeller
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, too
    threading.Thread(target=_end_with_parent, name="end with parent", daemon=True).start()
    labeller = Labeller(output, archive, any_address)


def _end_with_parent() -> None:
    """End when the parent is gone, however it ended: its part is somebody else's then."""
    parent = parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)


def _make(number: int) -> Done:
    return labeller.make(number)
