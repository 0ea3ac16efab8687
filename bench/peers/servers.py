"""How each peer is started."""

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.served_archive import FOLDER_VARIABLE
from bench.serving import Server, serving
from system.ports import free_ports

REQUIREMENTS = Path(__file__).with_name("requirements.txt")


@dataclass(frozen=True)
class Peer:
    """Another server.

    Attributes:
        name: as tables have it.
        needs: the packages to import it with.
        path: where it answers.
        options: its command after `python -m`, for a port.
    """

    name: str
    needs: tuple[str, ...]
    path: str
    options: Callable[[str], list[str]]


PEERS = (
    Peer(
        "FastAPI + uvicorn, 2 workers",
        ("fastapi", "uvicorn", "uvloop", "httptools"),
        "/predict",
        lambda port: [
            *("uvicorn", "bench.peers.fastapi_app:app", "--factory", "--workers", "2"),
            # Both in C; chosen by themselves where they are installed, named here so that they must be.
            *("--loop", "uvloop", "--http", "httptools"),
            *("--host", "127.0.0.1", "--port", port, "--log-level", "warning", "--no-access-log"),
            # Its supervisor kills a worker that does not answer it for 5 s; bench/turns.py stops both.
            *("--timeout-worker-healthcheck", "3600"),
        ],
    ),
    Peer(
        "Flask + gunicorn, 2 workers",
        ("flask", "gunicorn"),
        "/predict",
        lambda port: [
            *("gunicorn", "bench.peers.flask_app:app()", "--workers", "2"),
            # The default worker closes the connection after each answer; this one keeps it.
            *("--worker-class", "gthread", "--threads", "4", "--keep-alive", "60"),
            *("--bind", f"127.0.0.1:{port}", "--log-level", "warning"),
            # By default a worker without a heartbeat for 30 s is killed, one that is stopped as well.
            *("--timeout", "0"),
        ],
    ),
    Peer(
        "mosec, 2 workers, batches of 16",
        ("mosec",),
        "/inference",
        lambda port: [
            *("bench.peers.mosec_app", "--address", "127.0.0.1", "--port", port),
            # Its default of 3 s would end requests of a slow machine.
            *("--timeout", "30000", "--log-level", "warning"),
        ],
    ),
    Peer(
        "LitServe, 2 workers, batches of 16",
        ("litserve",),
        "/predict",
        lambda port: ["bench.peers.litserve_app", port],
    ),
)


def missing(peer: Peer) -> list[str]:
    """Return which of the packages that the peer needs are not installed."""
    return [name for name in peer.needs if importlib.util.find_spec(name) is None]


@contextmanager
def running(peer: Peer, archive: Path, log: Path, picture: bytes) -> Iterator[Server]:
    """Yield the peer while it runs.

    Args:
        peer: which one.
        archive: the folder of the unpacked archive.
        log: the file for what it says.
        picture: an image file that it is asked until it answers.

    Raises:
        LaunchError: it did not come up.
    """
    port = str(free_ports(1)[0])
    # As in TorchServe's workers: there are several, and one's threads would take the cores from another.
    environ = {FOLDER_VARIABLE: str(archive), "OMP_NUM_THREADS": "1"}
    url = f"http://127.0.0.1:{port}{peer.path}"
    command = [sys.executable, "-m", *peer.options(port)]
    with serving(peer.name, command, url, picture, log, environ) as server:
        yield server
