"""The workers' metrics at one address: each writes files of its own, and one of them serves the sums of all.

TorchServe would pass a handler's histograms on as counters, and clients that go by the type drop them. Where
PROMETHEUS_MULTIPROC_DIR names a folder, prometheus_client keeps values in files there, which outlive their
worker; HANDLER_METRICS_PORT, and METRICS_HOST (127.0.0.1 by default), say where they are served. Without the
folder metrics stay in the process, and nothing is served.
"""

import fcntl
import itertools
import logging
import os
import socket
import socketserver
import sys
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
PORT_VARIABLE, HOST_VARIABLE = "HANDLER_METRICS_PORT", "METRICS_HOST"
# A scraper that hangs is cut off after so long; of more at a time the surplus is at once.
LONGEST_S, MOST_SCRAPERS = 5.0, 8
RETRY_S = 1.0


def join() -> IO[bytes] | None:
    """Let this worker's metrics, those made from now on, be served with the other workers'.

    Returns:
        The worker's seat, to be held as long as it lives; None where there is no folder for metrics.
    """
    if not os.environ.get(FOLDER_VARIABLE):
        return None
    folder = Path(os.environ[FOLDER_VARIABLE])
    try:
        number, seat = take_seat(folder)
    except OSError as error:
        logging.warning("metrics stay in this worker: %s cannot be used (%s)", folder, error)
        values.ValueClass = values.MutexValue
        return None
    values.ValueClass = values.MultiProcessValue(lambda: number)
    if os.environ.get(PORT_VARIABLE):
        address = (os.environ.get(HOST_VARIABLE) or "127.0.0.1", int(os.environ[PORT_VARIABLE]))
        threading.Thread(target=_serve, args=(folder, address), name="exporter", daemon=True).start()
    return seat


def take_seat(folder: Path) -> tuple[int, IO[bytes]]:
    """Return the lowest number that no living worker has, and the file whose lock says so.

    Whoever comes after a dead worker goes on with its files: no sum ever falls, and there are no more files
    than there were workers at the same time. With process ids, as prometheus_client names files by itself,
    those of every worker that ever died would be read at each scrape.

    Raises:
        OSError: the folder cannot be written.
    """
    for number in itertools.count():
        seat = _locked(folder / f"{number}.seat")
        if seat is not None:
            mark_process_dead(number, str(folder))
            return number, seat
    raise AssertionError("counting does not end")


def _locked(path: Path) -> IO[bytes] | None:
    """Return the file with its lock, which ends with the process; None while another has it."""
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


class Server(ThreadingHTTPServer):
    """Answers GET /metrics with the sums of all files in a folder.

    Args:
        folder: where workers keep their metrics.
        address: host and port.

    Raises:
        OSError: the address cannot be bound.
    """

    daemon_threads = True

    def __init__(self, folder: Path, address: tuple[str, int]) -> None:
        self._folder, self._address = folder, address
        self._registry = CollectorRegistry()
        MultiProcessCollector(self._registry, str(folder))
        self._one_at_a_time = threading.Lock()
        self._places = threading.BoundedSemaphore(MOST_SCRAPERS)
        self.address_family = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0][0]
        super().__init__(address, _Scrape)

    def server_bind(self) -> None:
        """Bind without asking the name service who this machine is, as HTTPServer does, for seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self._address

    def page(self) -> bytes:
        """Return the metrics in Prometheus's text format."""
        with self._one_at_a_time:
            for path in self._folder.glob("*.seat"):
                seat = _locked(path)
                if seat is not None:  # nobody's, and not to be taken before the gauges are gone
                    with seat:
                        mark_process_dead(int(path.stem), str(self._folder))
            return generate_latest(self._registry)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own, unless there are too many."""
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread came to be
            self._places.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and make room for another."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a scraper that went away."""
        if not isinstance(sys.exception(), OSError):
            logging.exception("metrics could not be given")


class _Scrape(BaseHTTPRequestHandler):
    server: Server
    server_version, sys_version = "metrics", ""
    timeout = LONGEST_S

    def setup(self) -> None:
        """Set an end to the whole of it: the time-out alone begins anew with every byte that comes."""
        super().setup()
        self._end = threading.Timer(LONGEST_S, self._hang_up)
        self._end.daemon = True
        self._end.start()

    def finish(self) -> None:
        """Take the end back, and close."""
        self._end.cancel()
        super().finish()

    def do_GET(self) -> None:
        """Answer with the metrics."""
        if urlsplit(self.path).path != "/metrics":
            self.send_error(404, "metrics are at /metrics")
            return
        page = self.server.page()
        self.send_response(200)
        self.send_header("Content-Type", CONTENT_TYPE_LATEST)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: what is logged here goes through Java."""

    def _hang_up(self) -> None:
        with suppress(OSError):  # it is gone
            self.connection.shutdown(socket.SHUT_RDWR)


def _serve(folder: Path, address: tuple[str, int]) -> None:
    """Wait until the worker that serves is gone, without looking at it, and take its place."""
    with (folder / "serving.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = ""
        while True:
            try:
                server = Server(folder, address)
            except OSError as error:
                if str(error) != said:
                    said = str(error)
                    logging.warning("metrics are not served at %s:%d: %s", *address, said)
                time.sleep(RETRY_S)
            else:
                # Nobody ends it, so there is nothing to look for.
                server.serve_forever(poll_interval=3600)
