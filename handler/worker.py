"""TorchServe's Python worker, made to read with fewer system calls, print less, pause less, and go first.

The worker is TorchServe's own program; the handler only runs inside it. What it does besides has no settings,
so it is changed from within. Written for TorchServe 0.12, its last release; where a name is missing, nothing
is changed.
"""

import gc
import logging
import os
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, cast
from weakref import WeakKeyDictionary

from ts.protocol import otf_message_handler

# Prints each batch's time with the ids of all its requests. The histograms say more.
UNWANTED_METRIC = "[METRICS]PredictionTime"
# The front end's threads that wait for sockets, by the start of their names; and how far behind the workers
# the one that serves clients stands where both want a core (nice: 0 .. 19).
FRONT_END_THREADS, NICENESS = "epollEventLoop", 10
# How often it is looked for. Meanwhile it moves so many bytes, and so many times what any other does.
PERIOD_S, MOVED_BYTES, MOVED_TIMES = 1.0, 500_000, 1.5


def is_this_process() -> bool:
    """Tell whether this is TorchServe's worker, and not a test or a measurement that uses the handler."""
    return Path(sys.argv[0]).name == "model_service_worker.py"


def read_in_blocks() -> None:
    """Make the worker read its socket through a buffer.

    It reads every length, name and value of every request by a system call of its own, some thirty a request.
    """
    if not hasattr(otf_message_handler, "_retrieve_buffer"):
        return
    readers: WeakKeyDictionary[socket.socket, BinaryIO] = WeakKeyDictionary()

    def retrieve(connection: socket.socket, length: int) -> bytes:
        reader = readers.get(connection)
        if reader is None:
            reader = readers[connection] = cast(BinaryIO, connection.makefile("rb", buffering=1 << 16))
        data = reader.read(length)
        if len(data) < length:
            logging.info("Frontend disconnected.")
            sys.exit(0)
        return data

    otf_message_handler._retrieve_buffer = retrieve


def print_less() -> None:
    """Silence what the worker prints for every batch: Java reads and parses each line.

    Warnings and errors stay, and so do the metrics of `histograms.py`.
    """
    metrics = logging.getLogger("ts.metrics.caching_metric")
    metrics.setLevel(logging.INFO)
    metrics.addFilter(lambda record: not str(record.msg).startswith(UNWANTED_METRIC))
    # "Backend received inference at: ..." is said through the root logger.
    logging.getLogger().setLevel(logging.WARNING)


def collect_less() -> None:
    """Take what has been loaded out of Python's garbage collection.

    A million objects of PyTorch's and others live as long as the worker; to look through them again and again
    would hold up every request that comes meanwhile.
    """
    gc.collect()
    gc.freeze()


def go_first_in_time() -> None:
    """Let workers have a core before the thread with which TorchServe's front end serves its clients.

    To read a request only to refuse it costs nearly as much as to pass it on, so that under far too many of
    them the front end would leave the workers less than half of the machine (`python -m bench.overload`).
    """
    front_end = os.getppid()
    # A worker that somebody asked for through the management API is started by that thread, and has its place
    # from it. Only a privileged user may move up again.
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, front_end))

    def look() -> None:
        moved: dict[int, int] = {}
        while not go_first(front_end, moved):
            time.sleep(PERIOD_S)

    threading.Thread(target=look, name="go first", daemon=True).start()


def go_first(front_end: int, moved: dict[int, int]) -> bool:
    """Put the front end's thread that serves clients behind the workers, if it can be told already.

    All bytes pass through that one, there and back (`number_of_netty_threads=1` in config.properties). Of the
    others each moves what a worker gets and gives; they keep their place, or the workers would wait for them.
    With a single worker that is as much, and no thread is told from another.

    Args:
        front_end: its process id.
        moved: what each of its threads had read and written at the last look; is brought up to date.

    Returns:
        Whether no further look is needed: it was done, or cannot be. There may be no /proc, the front end may
        be another user's, and not every kernel counts bytes.
    """
    since = [(0, 0), (0, 0)]  # bytes, thread
    try:
        for thread in Path(f"/proc/{front_end}/task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):  # it ended meanwhile
                if (thread / "comm").read_text().startswith(FRONT_END_THREADS):
                    number, total = int(thread.name), _moved_bytes(thread)
                    since.append((total - moved.get(number, total), number))
                    moved[number] = total
        (second, _), (most, number) = sorted(since)[-2:]
        if most < max(MOVED_BYTES, MOVED_TIMES * second):
            return False
        if os.getpriority(os.PRIO_PROCESS, number) < NICENESS:
            os.setpriority(os.PRIO_PROCESS, number, NICENESS)
    except (OSError, LookupError, ValueError):
        pass
    return True


def _moved_bytes(thread: Path) -> int:
    counts = dict(line.split(": ") for line in (thread / "io").read_text().splitlines())
    return int(counts["rchar"]) + int(counts["wchar"])
