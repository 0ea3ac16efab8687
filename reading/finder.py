"""The process that finds pieces, as the page sees it: started for the first number, anew when it ended."""

import logging
import os
import socket
import subprocess
import sys
import threading

from client.errors import Busy, Unreachable
from reading import wire
from reading.piece import NoNumber, Piece, unpacked
from system.environment import PYTHON, passed
from system.files import PROJECT

logger = logging.getLogger(__name__)

# For imports, and for compiling where nothing is compiled yet.
START_S = 60.0
# For one picture, where others have the processor; its own time is bounded there.
ANSWER_S = 5.0


class Finder:
    """Finds pieces, one picture after the other; may be used by many threads.

    Image libraries and their decoders stay out of the page's own process: whatever a picture does to them
    ends with the process beside it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None

    def pieces(self, payload: bytes) -> list[Piece]:
        """Return the pieces of a body, as `reading.row.pieces_of` does.

        Raises:
            NoNumber: there are none to be asked for; its message says why.
            Busy: others had the processor.
            Unreachable: the process does not start, ends, or failed.
        """
        with self._lock:
            kind, body = self._ask(payload)
        if kind == wire.PIECES:
            return unpacked(body)
        if kind == wire.REFUSED:
            raise NoNumber(body.decode())
        logger.error("could not look at a number of %d bytes:\n%s", len(payload), body.decode())
        raise Unreachable("The picture could not be processed.")

    def close(self) -> None:
        """End the process, if there is one."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._connection = self._process = None

    def _ask(self, payload: bytes) -> tuple[bytes, bytes]:
        try:
            return self._asked_once(payload)
        except TimeoutError as error:
            raise Busy("The picture was not processed in time: the machine is too busy.") from error
        except (OSError, EOFError) as error:
            # It may have been ended while nobody asked, for want of memory.
            logger.info("restarting the process that finds pieces: %s", type(error).__name__)
        try:
            return self._asked_once(payload)
        except (OSError, EOFError) as error:
            logger.warning("found no pieces in a picture of %d bytes: %s", len(payload), type(error).__name__)
            raise Unreachable("The picture could not be processed.") from error

    def _asked_once(self, payload: bytes) -> tuple[bytes, bytes]:
        try:
            connection = self._connected()
            connection.settimeout(ANSWER_S)
            wire.send(connection, wire.PAYLOAD, payload)
            return wire.receive(connection)
        except BaseException:
            self.close()  # or this picture's answer would be taken for the next one's
            raise

    def _connected(self) -> socket.socket:
        """Return the connection to a process that is ready."""
        if self._connection is not None and self._process is not None and self._process.poll() is None:
            return self._connection
        self.close()
        here, there = socket.socketpair()
        with there:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "reading"],
                stdin=there.fileno(),
                cwd=PROJECT,
                env=passed(os.environ, *PYTHON),
            )
        self._connection = here
        here.settimeout(START_S)
        wire.receive(here)
        return here
