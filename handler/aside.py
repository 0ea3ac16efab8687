"""Pictures become frames in a process of their own, which the kernel ends when one costs too much.

What decoders can be made to do is not bounded by a picture's size: a few KB can hold a thousand scans, a
million tiles, or frames that are decoded and never shown. A decoder that crashes on a broken file takes only
this process along. Small PNG files without extras, as drawing programs write them, are read by the worker
itself: what they can cost is known.
"""

import json
import logging
import os
import resource
import signal
import socket
import struct
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import numpy as np
from PIL import AvifImagePlugin, Image, MpoImagePlugin, TiffImagePlugin, WebPImagePlugin

from handler.bad_image import BadImage, Busy, broke_its_decoder
from handler.model import Framed

logger = logging.getLogger(__name__)

# A picture comes with the CPU time that it may take, seconds, and its length; an answer with its own length.
PICTURE, ANSWER = struct.Struct("<dQ"), struct.Struct("<Q")
# What is not worth the beginning: a kernel counts CPU time in steps of up to 10 ms.
LEAST_S = 0.01
# Several times what any picture within decode.py's limits needs.
MEMORY_BYTES = 512 * 1024**2
SIZES = Path("/proc/self/statm")
FIRST_FREE = 3  # after stdin, stdout and stderr
# Loaded once, and not by each new process; a sixth of what a picture may cost.
DECODERS = (AvifImagePlugin, MpoImagePlugin, TiffImagePlugin, WebPImagePlugin)


class TookTooLong(Exception):  # noqa: N818 - what it did
    """A picture that took more CPU time than it may."""


class Aside:
    """The process beside a worker, started for the first picture, and anew when it has ended.

    Args:
        framed: what it runs on each file.
    """

    def __init__(self, framed: Callable[[bytes], Framed]) -> None:
        Image.preinit()  # the other decoders
        self._framed = framed
        self._child: tuple[int, socket.socket] | None = None

    def framed(self, payload: bytes, cpu_s: float, wait_s: float) -> Framed:
        """Return what becomes of an image file's bytes.

        Args:
            payload: the file.
            cpu_s: how much CPU time it may take.
            wait_s: how long it is waited for, where others have the processor.

        Raises:
            BadImage: they are no readable image, or nothing is on it, or the decoder crashed.
            TookTooLong: it would take more CPU time, or may take next to none.
            Busy: others had the processor.
            RuntimeError: what nobody expected; its traceback.
        """
        if min(cpu_s, wait_s) < LEAST_S:
            raise TookTooLong
        connection = self._connection()
        connection.settimeout(wait_s)
        try:
            connection.sendall(PICTURE.pack(cpu_s, len(payload)))
            connection.sendall(payload)
            answer = json.loads(_received(connection, ANSWER.unpack(_received(connection, ANSWER.size))[0]))
        except TimeoutError:
            self.close()
            raise Busy from None
        except (OSError, EOFError):
            ended_by = self.close()
            if ended_by == signal.SIGPROF:
                raise TookTooLong from None
            logger.warning("a picture of %d bytes ended its decoder (signal %d)", len(payload), ended_by)
            raise broke_its_decoder(payload) from None
        except BaseException:
            self.close()  # or this picture's answer would be taken for the next one's
            raise
        if answer["is_full"]:
            self.close()
        if "refused" in answer:
            raise BadImage(answer["refused"])
        if "failed" in answer:
            raise RuntimeError(answer["failed"])
        frame = np.frombuffer(bytes.fromhex(answer["frame"]), np.uint8).reshape(answer["shape"])
        return Framed(frame, lambda: tuple(answer["place"]), answer["reduction"])

    def close(self) -> int:
        """End the process, if there is one, and return the signal that it ended by, 0 if by none."""
        if self._child is None:
            return 0
        (process, connection), self._child = self._child, None
        connection.close()
        with suppress(ProcessLookupError, ChildProcessError):
            # Had it ended by itself, it has its status already, and this does not change it.
            os.kill(process, signal.SIGKILL)
            return os.WTERMSIG(os.waitpid(process, 0)[1])
        return 0

    def _connection(self) -> socket.socket:
        """Return the connection to a process that lives."""
        if self._child is not None:
            process, connection = self._child
            # It may have been ended by somebody else meanwhile, for want of memory: not by this picture.
            with suppress(ChildProcessError):
                if os.waitpid(process, os.WNOHANG) == (0, 0):
                    return connection
            connection.close()
        here, there = socket.socketpair()
        process = os.fork()
        if process == 0:
            _serve(there, self._framed)
        there.close()
        self._child = process, here
        return here


def _serve(connection: socket.socket, framed: Callable[[bytes], Framed]) -> NoReturn:
    """Frame pictures until the worker is gone."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the worker, too
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        # The worker's connections, locks and listening sockets are its own: they end with it.
        mine = socket.socket(fileno=os.dup2(connection.detach(), FIRST_FREE))
        os.closerange(FIRST_FREE + 1, os.sysconf("SC_OPEN_MAX"))
        # A broken TIFF writes a line for each of its thousand tags.
        silence = os.open(os.devnull, os.O_RDWR)
        for standard in range(FIRST_FREE):
            os.dup2(silence, standard)
        most = _limit_memory()
        # One thread a worker.
        AvifImagePlugin.DEFAULT_MAX_THREADS = 1
        while True:
            cpu_s, length = PICTURE.unpack(_received(mine, PICTURE.size))
            payload = _received(mine, length)
            # It counts the CPU time of this process; its signal ends it.
            signal.setitimer(signal.ITIMER_PROF, cpu_s)
            found = _answer(framed, payload)
            # What leaks, and what lies scattered, comes to an end with the process.
            found["is_full"] = most is not None and _memory_bytes() > most - MEMORY_BYTES // 2
            answer = json.dumps(found, default=np.generic.item).encode()
            signal.setitimer(signal.ITIMER_PROF, 0)
            mine.sendall(ANSWER.pack(len(answer)) + answer)
    except (EOFError, OSError):
        os._exit(0)
    finally:
        os._exit(1)


def _limit_memory() -> int | None:
    """Let this process have MEMORY_BYTES more than it has now, and return how much that is in all.

    None on systems that do not say how much it has.
    """
    if not SIZES.exists():
        return None
    most = _memory_bytes() + MEMORY_BYTES
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard == resource.RLIM_INFINITY or most < hard:
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    return most


def _memory_bytes() -> int:
    """Return how much memory this process has, what it shares included."""
    return int(SIZES.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def _answer(framed: Callable[[bytes], Framed], payload: bytes) -> dict[str, object]:
    try:
        found = framed(payload)
    except BadImage as error:
        return {"refused": str(error)}
    except Exception:
        return {"failed": traceback.format_exc()}
    frame = found.frame
    return {
        "frame": frame.tobytes().hex(),
        "shape": frame.shape,
        "place": found.place_decoded(),
        "reduction": found.reduction,
    }


def _received(connection: socket.socket, length: int) -> bytes:
    """Return so many bytes; raise EOFError where the other side is gone."""
    data = bytearray(length)
    view = memoryview(data)
    while view:
        count = connection.recv_into(view)
        if not count:
            raise EOFError
        view = view[count:]
    return bytes(data)
