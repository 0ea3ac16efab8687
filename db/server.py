"""Starts and stops a PostgreSQL on a folder of its own: `data`, `password`, `server.log` and `lock`."""

import errno
import fcntl
import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from sqlalchemy.exc import OperationalError

from db import cluster, credentials, engine, postmaster, unprivileged
from db.unprivileged import EmbeddedError

# Recovery after a crash has to fit in.
START_TIMEOUT_S = 60
# For clients to finish before they are cut off: the page's writer empties its queue in this time.
CLIENTS_TIMEOUT_S = 2
# For a server whose parent was killed to follow it.
ORPHAN_TIMEOUT_S = 5
# For a port that somebody holds for a moment.
TAKEN_TIMEOUT_S = 2
# For the last checkpoint.
STOP_TIMEOUT_S = 20

# For a machine of 2 cores and little memory that runs a model beside it; durability stays at its default.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "40",
    "shared_buffers": "32MB",
    "max_wal_size": "256MB",
    "autovacuum_max_workers": "1",
    "max_parallel_workers_per_gather": "0",
    "io_method": "sync",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A refused row's values, and the statement with its drawing, do not belong in a log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}


class Server:
    """A running PostgreSQL that ends with `stop()` or at the end of its `with` block.

    Attributes:
        url: Where it answers, password included.
        port: On 127.0.0.1.
        data_dir: Its folder.
        process: The running server.
    """

    def __init__(self, process: subprocess.Popen[bytes], data_dir: Path, port: int, lock: IO[str]) -> None:
        self.url = credentials.url(data_dir, port)
        self.port = port
        self.data_dir = data_dir
        self.process = process
        self._lock = lock

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def stop(self, clients_timeout_s: float = CLIENTS_TIMEOUT_S) -> None:
        """Wait until the clients have left, then cut them off and end the server. Harmless when repeated."""
        _end(self.process, clients_timeout_s)
        self._lock.close()


class _PasswordRefusedError(EmbeddedError):
    """The server answers, and does not know the password in the folder."""


def start(data_dir: Path, port: int = 0) -> Server:
    """Start PostgreSQL on 127.0.0.1 and return it once it answers; an empty folder is filled first.

    On Linux the server also ends when the thread that called this does, killed or not.

    Args:
        data_dir: The server's own folder, made where absent.
        port: 0 for any free one.

    Raises:
        EmbeddedError: It does not start; one line with cause and fix.
    """
    try:
        credentials.make_folder(data_dir)
        lock = _lock(data_dir)
    except OSError as error:
        raise EmbeddedError(f"{data_dir} cannot be written ({error.strerror}): check its owner") from error
    try:
        return _start_locked(data_dir, port or _free_port(), lock)
    except OSError as error:
        lock.close()
        raise EmbeddedError(f"{data_dir} cannot be used: {error}") from error
    except BaseException:
        lock.close()
        raise


def _start_locked(data_dir: Path, port: int, lock: IO[str]) -> Server:
    data = data_dir / "data"
    _refuse_second_server(data)
    _refuse_taken_port(port)
    programs = cluster.programs()
    password = credentials.password(data_dir)
    identity = unprivileged.choose(data_dir, data, programs / "postgres")
    cluster.prepare(data, password, identity)
    postmaster.remove_stale_file(data)
    url = credentials.url(data_dir, port)
    log = data_dir / "server.log"
    options = [f"--{key}={value}" for key, value in _SETTINGS.items()]
    command = [*identity.prefix, str(programs / "postgres"), "-D", str(data), f"--port={port}", *options]
    try:
        process = _answering(command, url, log)
    except _PasswordRefusedError:
        # Its file was lost or replaced. Who may write the folder may set another.
        cluster.set_password(data, password, identity)
        process = _answering(command, url, log)
    for name in ("lock", "password", log.name):
        # What root made in an ordinary user's folder must not keep that user out.
        unprivileged.give(data_dir / name, identity)
    return Server(process, data_dir, port, lock)


def _answering(command: Sequence[str], url: str, log: Path) -> subprocess.Popen[bytes]:
    """Run the server and return its process once a client can log in and read."""
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
    environment = {**os.environ, "LC_ALL": "C"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment
        )
    try:
        _wait_for_answer(process, url, log)
    except BaseException:
        _end(process, clients_timeout_s=0)
        raise
    return process


def _wait_for_answer(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    client = engine.create(url)
    while process.poll() is None:
        try:
            client.connect().close()
            client.dispose()
            return
        except OperationalError as error:
            cause = str(error.orig)
        if "password authentication failed" in cause:
            raise _PasswordRefusedError(f"PostgreSQL refuses the password in {log.parent / 'password'}")
        if time.monotonic() > deadline:
            raise EmbeddedError(f"PostgreSQL did not answer within {START_TIMEOUT_S} s: {log} says why")
        time.sleep(0.02)
    lines = log.read_text(errors="replace").strip().splitlines()
    # Clients that were too early are FATAL too.
    causes = [line for line in lines if "FATAL:" in line and "the database system is" not in line]
    cause = (causes + lines[-1:] + [f"exit status {process.returncode}"])[0]
    raise EmbeddedError(f"PostgreSQL ended while it started: {cause} (more in {log})")


def _end(process: subprocess.Popen[bytes], clients_timeout_s: float) -> None:
    # https://www.postgresql.org/docs/18/server-shutdown.html: wait for clients, cut them off, leave at once.
    steps = (
        (signal.SIGTERM, clients_timeout_s),
        (signal.SIGINT, STOP_TIMEOUT_S),
        (signal.SIGQUIT, STOP_TIMEOUT_S),
        (signal.SIGKILL, STOP_TIMEOUT_S),
    )
    for step, timeout_s in steps:
        if process.poll() is None:
            process.send_signal(step)
            try:
                process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                continue
        return


def _lock(data_dir: Path) -> IO[str]:
    """Return the folder's lock file, locked; the lock ends with this process or with `close()`."""
    lock = (data_dir / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.seek(0)
        owner = lock.read().strip()
        lock.close()
        raise EmbeddedError(
            f"{data_dir} is in use by the PostgreSQL that process {owner} started: stop that one first"
        ) from error
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def _refuse_second_server(data: Path) -> None:
    # Whoever started it is gone, since the lock was free: it may be about to end as well.
    deadline = time.monotonic() + ORPHAN_TIMEOUT_S
    while (owner := postmaster.live(data)) is not None and time.monotonic() < deadline:
        time.sleep(0.05)
    if owner is not None:
        raise EmbeddedError(
            f"{data} is in use by PostgreSQL, process {owner.pid}: `kill -INT {owner.pid}` stops it"
        )


def _refuse_taken_port(port: int) -> None:
    # Clients that try again while the server is away: their own end of a connection gets any free port.
    deadline = time.monotonic() + TAKEN_TIMEOUT_S
    while error := _bind_error(port):
        if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
            raise EmbeddedError(
                f"port {port} on 127.0.0.1 cannot be used ({error.strerror}): "
                "set POSTGRES_PORT to a free one, or to 0"
            ) from error
        time.sleep(0.05)


def _bind_error(port: int) -> OSError | None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error
    return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
