"""Compare a photograph model with a hand-written server for it: `python -m bench.photographs NAME PICTURES`.

Both serve the same weights, run in turn, and are loaded with the same files.
"""

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench import findings, rounds
from bench.load import Measured
from bench.peers.torchvision_app import WEIGHTS_VARIABLE
from bench.results import measuring, say, write
from bench.serving import Server, serving
from bench.turns import load_alone, one_at_a_time
from launch.temporary import running
from system.files import PROJECT
from system.ports import free_ports
from system.processes import cores
from training.names import run_folders, trained_file

PLAIN = "FastAPI + uvicorn + torchvision, 2 workers"
STORE, CLIENTS, FILES = PROJECT / "model_store", (1, 64), 256
SECONDS, ROUNDS = 10, 3


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.photographs", description=(__doc__ or "").split(":")[0] + "."
    )
    parser.add_argument("name", help="name of the model: model_store/NAME.mar, with its run in runs/")
    parser.add_argument("pictures", type=Path, help="a folder of photographs")
    given = parser.parse_args()
    weights = next(
        (file for folder in run_folders(given.name) if (file := trained_file(folder)).is_file()), None
    )
    archive, files = STORE / f"{given.name}.mar", _files(given.pictures)
    if weights is None or not archive.is_file():
        parser.error(f"no weights in runs/, or no {archive}: train the model, and build its archive")
    if not files:
        parser.error(f"{given.pictures} has no JPEG or PNG file")
    with measuring("photographs"):
        table = run(archive, weights, files)
    write("photographs.md", table)


def run(
    archive: Path, weights: Path, files: list[bytes], seconds: float = SECONDS, turns: int = ROUNDS
) -> str:
    """Return the table of both servers, each measured for so many seconds, so many times.

    Raises:
        LaunchError: a server did not come up.
        LoadError: a server answered nothing.
    """
    with ExitStack() as started:
        ours = started.enter_context(running(archive.parent, archive.name))
        port = str(free_ports(1)[0])
        command = [
            *(sys.executable, "-m", "uvicorn", "bench.peers.torchvision_app:app", "--factory"),
            *("--workers", "2", "--host", "127.0.0.1", "--port", port),
            *("--log-level", "warning", "--no-access-log", "--timeout-worker-healthcheck", "3600"),
        ]
        log = Path(started.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))) / "plain.log"
        environ = {WEIGHTS_VARIABLE: str(weights.resolve()), "OMP_NUM_THREADS": "1"}
        url = f"http://127.0.0.1:{port}/predict"
        servers = [
            Server(findings.OURS, f"{ours.inference_url}/predictions/{archive.stem}", ours.pid),
            started.enter_context(serving(PLAIN, command, url, files[0], log, environ)),
        ]
        only = started.enter_context(one_at_a_time(servers))

        def measured(server: Server, clients: int) -> Measured:
            return load_alone(only, server, files, clients, seconds)

        for server in servers:
            say(f"warming up {server.name}")
            measured(server, max(CLIENTS))
        rows = rounds.measure(servers, CLIENTS, turns, measured, lambda: None)
    return f"{findings.table(rows)}\n\n{cores()} cores, shared with wrk.\n"


def _files(folder: Path) -> list[bytes]:
    """Return some of a folder's photographs, evenly from all of its folders."""
    endings = (".jpg", ".jpeg", ".png")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in endings and path.is_file())
    return [path.read_bytes() for path in paths[:: max(1, len(paths) // FILES)][:FILES]]


if __name__ == "__main__":
    main()
