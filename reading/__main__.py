"""`python -m reading`: find pieces for the page, which talks to it over its standard input, a socket.

Each picture is looked at in a process of its own, which the kernel ends when it takes too much time or
memory: what decoders can be made to do is not bounded by a picture's size. It is a copy of this one, in which
everything is loaded and compiled already.
"""

import os
import resource
import signal
import socket
import sys
import traceback
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
from PIL import AvifImagePlugin, Image, MpoImagePlugin, TiffImagePlugin, WebPImagePlugin

from handler.bad_image import BadImage, broke_its_decoder, too_costly
from reading import wire
from reading.parts import Part
from reading.piece import NoNumber, packed
from reading.row import picture, pieces_of

# What a picture may cost: decoding the largest takes a third of it.
CPU_S = 0.6
MEMORY_BYTES = 512 * 1024**2
SIZES = Path("/proc/self/statm")
# Loaded once, and not by each copy.
DECODERS = (AvifImagePlugin, MpoImagePlugin, TiffImagePlugin, WebPImagePlugin)


def main() -> int:
    """Answer until the page is gone; return the exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the page, too
    page = socket.socket(fileno=os.dup(0))
    # A copy has no threads but the one that made it: there must be none.
    cv2.setNumThreads(1)
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    Image.preinit()
    _warm_up()
    wire.send(page, wire.READY)
    with suppress(EOFError, OSError):
        while True:
            _answer_one(page, wire.receive(page)[1])
    return 0


def _warm_up() -> None:
    """Compile and run everything once, on a stroke."""
    ink = np.zeros((60, 40), np.uint8)
    cv2.line(ink, (20, 10), (20, 50), 255, 6)
    assert pieces_of(picture(Part(0, 0, ink)))


def _answer_one(page: socket.socket, payload: bytes) -> None:
    process = os.fork()
    if process == 0:
        _look(page, payload)
    _, status = os.waitpid(process, 0)
    if os.WIFSIGNALED(status):
        ended_by = os.WTERMSIG(status)
        error = too_costly() if ended_by in (signal.SIGPROF, signal.SIGKILL) else broke_its_decoder(payload)
        wire.send(page, wire.REFUSED, str(error).encode())
    elif status:
        raise EOFError  # half an answer may be on its way


def _look(page: socket.socket, payload: bytes) -> None:
    """Send what is found in a picture, in a copy of this process that ends with it."""
    try:
        os.dup2(os.open(os.devnull, os.O_RDWR), 2)  # a broken TIFF writes a line for each of a thousand tags
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, CPU_S)
        _limit_memory()
        kind, found = _found(payload)
        signal.setitimer(signal.ITIMER_PROF, 0)
        wire.send(page, kind, found)
        os._exit(0)
    finally:
        os._exit(1)


def _found(payload: bytes) -> tuple[bytes, bytes]:
    try:
        return wire.PIECES, packed(pieces_of(payload))
    except (BadImage, NoNumber) as error:
        return wire.REFUSED, str(error).encode()
    except MemoryError:
        return wire.REFUSED, str(too_costly()).encode()
    except Exception:
        return wire.FAILED, traceback.format_exc().encode()


def _limit_memory() -> None:
    """Let this process have MEMORY_BYTES more than it has now, where the system says how much that is."""
    if SIZES.exists():
        most = int(SIZES.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE") + MEMORY_BYTES
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        if hard == resource.RLIM_INFINITY or most < hard:
            resource.setrlimit(resource.RLIMIT_AS, (most, hard))


if __name__ == "__main__":
    sys.exit(main())
