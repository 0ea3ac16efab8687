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
# those that serve clients stand where both want a core (nice: 0 .. 19).
FRONT_END_THREADS, NICENESS = "epollEventLoop", 13
# How often those are looked for. They have read so many times as much as they have written, pictures being
# larger than answers, and so much besides: every thread reads some of Java's classes, tens of kilobytes.
PERIOD_S, READ_TIMES, SURPLUS_BYTES = 1.0, 3, 1_000_000


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


def go_first_forever() -> None:
    """Let workers have a core before the threads with which TorchServe's front end serves its clients.

    To read a request only to refuse it costs nearly as much as to pass it on, so that under far too many of
    them the front end would leave the workers a third of the machine (`python -m bench.overload`).
    """
    front_end = os.getppid()
    # A worker that somebody asked for through the management API is started by one of these threads, and has
    # their place from it. Only a privileged user may move up again.
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, front_end))

    def look() -> None:
        while True:
            go_first(front_end)
            time.sleep(PERIOD_S)

    threading.Thread(target=look, name="go first", daemon=True).start()


def go_first(front_end: int) -> None:
    """Put the front end's threads that serve clients behind the workers, as far as they can be told already.

    Those that pass requests on to the workers stay, or the workers would wait for them; they write pictures
    and read answers. Where there is no /proc, where the front end is another user's, or where pictures are no
    larger than answers (files of 28x28 pixels), nothing is changed.

    Args:
        front_end: its process id.
    """
    for thread in Path(f"/proc/{front_end}/task").glob("*"):
        # It may have ended meanwhile, or may not be changed; and not every kernel counts bytes.
        with suppress(OSError, LookupError, ValueError):
            if os.getpriority(os.PRIO_PROCESS, int(thread.name)) >= NICENESS:
                continue
            if not (thread / "comm").read_text().startswith(FRONT_END_THREADS):
                continue
            counts = dict(line.split(": ") for line in (thread / "io").read_text().splitlines())
            if int(counts["rchar"]) > READ_TIMES * int(counts["wchar"]) + SURPLUS_BYTES:
                os.setpriority(os.PRIO_PROCESS, int(thread.name), NICENESS)
