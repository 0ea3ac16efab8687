"""A connection to PostgreSQL that can be cut and slowed: a proxy between the page and the database."""

import socket
import threading
import time
from contextlib import suppress

SLOW_BYTES, SLOW_S = 512, 0.1


class Wire:
    """Passes on what comes to `port`, until it is closed.

    Args:
        target: The port on 127.0.0.1 to pass it on to.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._is_slow = self._is_cut = False
        self._ends: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End all connections, in the middle of what they carry, and refuse new ones."""
        self._is_cut = True
        for end in list(self._ends):
            _close(end)

    def slow(self) -> None:
        """Let 5 kB a second through."""
        self._is_slow = True

    def mend(self) -> None:
        """Let all through."""
        self._is_cut = self._is_slow = False

    def close(self) -> None:
        """End all."""
        _close(self._listener)
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self._target if not self._is_cut else 0))
                except OSError:
                    client.close()
                    continue
                self._ends |= {client, server}
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=self._pass_on, args=ends, daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(SLOW_BYTES if self._is_slow else 65536):
                time.sleep(SLOW_S if self._is_slow else 0)
                sink.sendall(data)
        for end in (source, sink):
            self._ends.discard(end)
            _close(end)


def _close(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads from it
    end.close()
