"""Who runs a data folder: PostgreSQL's `postmaster.pid`, believed only as far as its process exists."""

from dataclasses import dataclass
from pathlib import Path

import psutil

# Lines of the file, counted from 0: src/include/utils/pidfile.h in PostgreSQL's source.
_PID, _PORT = 0, 3


@dataclass(frozen=True)
class Postmaster:
    """A running server's process id and port (None while it starts)."""

    pid: int
    port: int | None


def live(data: Path) -> Postmaster | None:
    """Return the server that runs on `data`, or None where there is none, whatever a left-over file says."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        pid = abs(int(lines[_PID]))
    except (FileNotFoundError, IndexError, ValueError):
        return None
    if not _runs_on(pid, data):
        return None
    port = lines[_PORT].strip() if len(lines) > _PORT else ""
    return Postmaster(pid, int(port) if port.isdigit() else None)


def remove_stale_file(data: Path) -> None:
    """Remove the `postmaster.pid` of a server that was killed.

    PostgreSQL does so itself unless another program has got the same process id in the meantime, as is
    common after a restart of the machine or in a container.
    """
    if live(data) is None:
        (data / "postmaster.pid").unlink(missing_ok=True)


def _runs_on(pid: int, data: Path) -> bool:
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE or "postgres" not in process.name():
            return False
        # A server works inside its data folder.
        return Path(process.cwd()).samefile(data)
    except psutil.NoSuchProcess:
        return False
    except (psutil.AccessDenied, OSError):
        # A postgres of another user: better to refuse to start than to ruin its data.
        return True
