"""Start and stop a PostgreSQL in a folder of its own: `data`, `password`, `server.log` and `lock`."""

import errno
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from sqlalchemy.exc import OperationalError

from db import cluster, credentials, engine, postmaster, unprivileged
from db.unprivileged import EmbeddedError
from system.environment import passed
from system.files import HeldError, lock
from system.ports import free_ports, is_free
from system.processes import end, until

# Recovery after a crash has to fit in.
START_TIMEOUT_S = 60
# For clients to finish before they are cut off: the page's writer empties its spool in this time.
CLIENTS_TIMEOUT_S = 2
# For a server whose parent was killed to follow it.
ORPHAN_TIMEOUT_S = 5
# For a port that somebody holds for a moment.
TAKEN_TIMEOUT_S = 2
# For the last checkpoint.
STOP_TIMEOUT_S = 20
POLL_S = 0.02

# What PostgreSQL says of a password that it does not know.
_UNKNOWN = "password authentication failed"
# What it says where another's last processes have not ended yet: one that waits for the disk takes a while.
_ORPHANS = "is still in use"

# For a machine of 2 cores and little memory that runs a model beside it; durability stays at its default.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "40",
    "shared_buffers": "32MB",
    "max_wal_size": f"{cluster.MAX_LOG_BYTES // 1024**2}MB",
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


@dataclass(frozen=True)
class Server(AbstractContextManager["Server"]):
    """A running PostgreSQL that ends with `stop()` or at the end of its `with` block.

    Attributes:
        url: Where it answers, password included.
        port: On 127.0.0.1.
        data_dir: Its folder.
        process: The running server.
        held: The lock on its folder.
    """

    url: str = field(repr=False)
    port: int
    data_dir: Path
    process: subprocess.Popen[bytes]
    held: IO[str]

    def __exit__(self, *_error: object) -> None:
        """Stop."""
        self.stop()

    def stop(self, clients_timeout_s: float = CLIENTS_TIMEOUT_S) -> None:
        """Wait until the clients have left, then cut them off and end the server. Harmless when repeated."""
        _end(self.process, clients_timeout_s)
        self.held.close()


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
        held = lock(data_dir / "lock")
    except HeldError as error:
        raise EmbeddedError(
            f"{data_dir} is in use by the PostgreSQL that process {error.owner} started: stop that process "
            "first"
        ) from error
    except OSError as error:
        raise EmbeddedError(f"{data_dir} cannot be written ({error.strerror}): check its owner") from error
    try:
        return _start_locked(data_dir, port or free_ports(1)[0], held)
    except OSError as error:
        held.close()
        raise EmbeddedError(f"{data_dir} cannot be used: {error}") from error
    except BaseException:
        held.close()
        raise


def _start_locked(data_dir: Path, port: int, held: IO[str]) -> Server:
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
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
    try:
        process = _answering_at_last(command, url, log)
    except _PasswordRefusedError:
        # Its file was lost or replaced. Who may write the folder may set another.
        cluster.set_password(data, password, identity)
        process = _answering(command, url, log)
    for name in ("lock", "password", log.name):
        # What root made in an ordinary user's folder must not keep that user out.
        unprivileged.give(data_dir / name, identity)
    return Server(url, port, data_dir, process, held)


def _answering_at_last(command: Sequence[str], url: str, log: Path) -> subprocess.Popen[bytes]:
    """Run the server, as soon as what a killed one has left over is gone."""
    deadline = time.monotonic() + ORPHAN_TIMEOUT_S
    while True:
        try:
            return _answering(command, url, log)
        except EmbeddedError as error:
            if _ORPHANS not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(POLL_S)


def _answering(command: Sequence[str], url: str, log: Path) -> subprocess.Popen[bytes]:
    """Run the server and return its process once a client can log in and read."""
    environment = {**passed(os.environ), "LC_ALL": "C"}
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
    refusal = ""
    with engine.opened(url, engine.STATEMENT_TIMEOUT_MS) as client:

        def is_decided() -> bool:
            """Return whether it answers, has ended, or does not know the password."""
            nonlocal refusal
            try:
                client.connect().close()
                refusal = ""
            except OperationalError as error:
                refusal = str(error.orig)
            return not refusal or process.poll() is not None or _UNKNOWN in refusal

        if not until(is_decided, START_TIMEOUT_S, POLL_S):
            raise EmbeddedError(f"PostgreSQL did not answer within {START_TIMEOUT_S} s: {log} says why")
    if not refusal:
        return
    if _UNKNOWN in refusal:
        raise _PasswordRefusedError(f"PostgreSQL rejects the password in {log.parent / 'password'}")
    lines = log.read_text(errors="replace").strip().splitlines()
    # Clients that were too early are FATAL too.
    causes = [line for line in lines if "FATAL:" in line and "the database system is" not in line]
    cause = (causes + lines[-1:] + [f"exit status {process.returncode}"])[0]
    raise EmbeddedError(f"PostgreSQL ended while it started: {cause} (more in {log})")


def _end(process: subprocess.Popen[bytes], clients_timeout_s: float) -> None:
    # https://www.postgresql.org/docs/18/server-shutdown.html: wait for clients, cut them off, leave at once.
    end(
        process,
        (signal.SIGTERM, clients_timeout_s),
        (signal.SIGINT, STOP_TIMEOUT_S),
        (signal.SIGQUIT, STOP_TIMEOUT_S),
        (signal.SIGKILL, STOP_TIMEOUT_S),
    )


def _refuse_second_server(data: Path) -> None:
    # Whoever started it is gone, since the lock was free: it may be about to end as well.
    until(lambda: postmaster.live(data) is None, ORPHAN_TIMEOUT_S, POLL_S)
    if (owner := postmaster.live(data)) is not None:
        raise EmbeddedError(
            f"{data} is in use by PostgreSQL, process {owner.pid}: `kill -INT {owner.pid}` stops it"
        )


def _refuse_taken_port(port: int) -> None:
    # Clients that try again while the server is away: their own end of a connection gets any free port.
    try:
        obstacle = (
            "" if until(lambda: is_free(port), TAKEN_TIMEOUT_S, POLL_S) else os.strerror(errno.EADDRINUSE)
        )
    except OSError as error:
        obstacle = str(error.strerror)
    if obstacle:
        raise EmbeddedError(
            f"port {port} on 127.0.0.1 cannot be used ({obstacle}): set POSTGRES_PORT to a free one, or to 0"
        )
