"""TorchServe's Python worker, made to read in blocks, parse, print and pause less, and go first.

The worker is TorchServe's own program; the handler only runs inside it. What it does besides has no settings,
so it is changed from within. Written for TorchServe 0.12, its last release; where a name is missing, nothing
is changed. What is changed is imported only there, since it brings PyTorch: elsewhere, as in
`training.score`, a process with the handler has a quarter of the memory.
"""

import gc
import json
import logging
import os
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import BinaryIO, cast
from weakref import WeakKeyDictionary

from handler.request import parsed_json

# Prints each batch's time with the ids of all its requests. `metrics.py` says more.
UNWANTED_METRIC = "[METRICS]PredictionTime"
# Said with a traceback of each body that is not of the type that its client calls it, such as a picture that
# is called JSON: the handler reads it all the same, or tells the client what came.
UNWANTED_WARNINGS = ("Failed json decoding of input data", "Failed utf-8 decoding of input data")
# The front end's threads that wait for sockets, by the start of their names; and how far behind the workers
# the one that serves clients is put, where both want a core (nice).
FRONT_END_THREADS, BEHIND = "epollEventLoop", 11
# How often it is looked for. It moves so many bytes between two looks, and so many times what any other does.
PERIOD_S, MOVED_BYTES, MOVED_TIMES = 1.0, 500_000, 1.5
# So many looks in a row must find the same: a body that came slowly is passed on in one go by another thread.
LOOKS = 3


def is_this_process() -> bool:
    """Tell whether this is TorchServe's worker, and not a test or a measurement that uses the handler."""
    return Path(sys.argv[0]).name == "model_service_worker.py"


def read_in_blocks() -> None:
    """Make the worker read its socket through a buffer.

    It reads every length, name and value of every request by a system call of its own, some thirty a request.
    """
    from ts.protocol import otf_message_handler

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


def parse_little() -> None:
    """Make the worker leave JSON of a million values as it is, as it leaves broken JSON.

    It takes a body of the type application/json apart before the handler sees it.
    """
    from ts.protocol import otf_message_handler

    if hasattr(otf_message_handler, "json"):
        otf_message_handler.json = SimpleNamespace(loads=parsed_json, dumps=json.dumps)


def print_less() -> None:
    """Silence what the worker prints for every batch, or for what a client sends: Java reads each line.

    All other warnings, and errors, stay.
    """
    metrics = logging.getLogger("ts.metrics.caching_metric")
    metrics.setLevel(logging.INFO)
    metrics.addFilter(lambda record: not str(record.msg).startswith(UNWANTED_METRIC))
    # "Backend received inference at: ..." is said through the root logger.
    root = logging.getLogger()
    root.setLevel(logging.WARNING)
    root.addFilter(lambda record: not str(record.msg).startswith(UNWANTED_WARNINGS))


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
    place = os.getpriority(os.PRIO_PROCESS, front_end)
    # A worker that somebody asked for through the management API is started by that thread and has its place.
    try:
        os.setpriority(os.PRIO_PROCESS, 0, place)
    except OSError:
        logging.warning("this worker stays behind others: to move up takes a privilege (ulimit -e)")
    # Not every system tells what a thread has read and written.
    if Path("/proc/self/io").exists():
        threading.Thread(target=_go_first, args=(front_end, place), name="go first", daemon=True).start()


def _go_first(front_end: int, place: int) -> None:
    moved: dict[int, int] = {}
    serving, looks = None, 0
    with suppress(OSError):  # it is gone, or another user's
        while serving is None or looks < LOOKS:
            time.sleep(PERIOD_S)
            before, serving = serving, serving_thread(front_end, moved)
            looks = looks + 1 if serving == before else 1
        os.setpriority(os.PRIO_PROCESS, serving, place + BEHIND)
        # Threads for workers that were asked for since are started by that one, too.
        for number in moved.keys() - {serving}:
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, number, place)


def serving_thread(front_end: int, moved: dict[int, int]) -> int | None:
    """Return the front end's thread that serves clients, if what it did since the last look tells.

    All bytes pass through it, there and back (`number_of_netty_threads=1` in config.properties). Each of the
    others moves what a worker gets and gives. They keep their place, or the workers would wait for them. With
    a single worker that is as much, and no thread is told from another.

    Args:
        front_end: its process id.
        moved: what each of its threads had read and written at the last look; is brought up to date.

    Raises:
        OSError: the front end is gone, or another user's.
    """
    since = [(0, 0), (0, 0)]  # bytes, thread
    for thread in Path(f"/proc/{front_end}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            if (thread / "comm").read_text().startswith(FRONT_END_THREADS):
                number, total = int(thread.name), moved_bytes(thread)
                since.append((total - moved.get(number, total), number))
                moved[number] = total
    (second, _), (most, number) = sorted(since)[-2:]
    return number if most >= max(MOVED_BYTES, MOVED_TIMES * second) else None


def moved_bytes(thread: Path) -> int:
    """Return what a thread has read and written since it began, by its folder in /proc."""
    counts = dict(line.split(": ") for line in (thread / "io").read_text().splitlines())
    return int(counts["rchar"]) + int(counts["wchar"])
