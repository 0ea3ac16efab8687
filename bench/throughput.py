"""Measure what the server answers under load and overload: `python -m bench.throughput`.

All that is compared is started together and loaded in turn, so that whatever else the machine does hits all
alike; whoever's turn it is not is stopped meanwhile.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench import findings, in_process, overload, rounds
from bench.baseline import server as baseline
from bench.load import Measured, allow_clients
from bench.peers import servers as peers
from bench.pictures import pictures
from bench.results import measuring, say, write
from bench.serving import Server
from bench.turns import load_alone, one_at_a_time
from launch.temporary import running
from system.files import PROJECT
from system.processes import cores
from training.options import parser_of
from training.score.answering import unpack

ARCHIVE = PROJECT / "model_store" / "digits.mar"


def main() -> None:
    """Run the benchmark and write its results."""
    given = _arguments()
    with measuring("throughput"):
        table = run(given)
    write("throughput.md", table)


def run(given: argparse.Namespace) -> str:
    """Return the table of what was measured, and that of the overload.

    Raises:
        LaunchError: a server did not come up.
        LoadError: a server answered nothing.
        OSError: this process may not open as many connections.
    """
    files, limits, before = pictures(), [], os.getloadavg()[0]
    size = overload.configured_queue_size()
    # The most come last: they are not to fail after all else was measured.
    allow_clients(max(*given.clients, overload.clients_beyond(size)))
    with ExitStack() as started:
        folder = Path(started.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        # A copy: TorchServe and the peers serve the same bytes, also when somebody builds meanwhile.
        archive = unpack(Path(shutil.copy(ARCHIVE, folder)), folder / "archive")
        servers = _start(given, started, folder, archive, files[0])
        only = started.enter_context(one_at_a_time(servers))
        for server in servers:
            say(f"warming up {server.name} for {given.warm_up:g} s")
            load_alone(only, server, files, findings.BUSY_CLIENTS, given.warm_up)

        def measured(server: Server, clients: int) -> Measured:
            return load_alone(only, server, files, clients, given.seconds)

        def limit() -> None:
            only(None)
            limits.append(in_process.limit(archive, given.seconds))
            say(f"in-process limit: {limits[-1]:,.0f} pictures/s")

        rows = rounds.measure(servers, given.clients, given.rounds, measured, limit)
        only(servers[0])
        pairs = overload.measure(servers[0].url, files, size, given.rounds, given.seconds)
    return (
        f"{findings.markdown(rows, statistics.median(limits))}\n{cores()} cores, which the server under "
        f"test shares with wrk. Load average before the run: {before:.1f}. Medians of {given.rounds} rounds "
        f"of {given.seconds:g} s.\n\nOverload:\n\n{overload.markdown(pairs, size)}"
    )


def _start(
    given: argparse.Namespace, started: ExitStack, folder: Path, archive: Path, picture: bytes
) -> list[Server]:
    """Return all servers, ours first, started one after the other."""
    ours = started.enter_context(running(folder, ARCHIVE.name))
    own = folder / "baseline"
    own.mkdir()
    servers = [
        Server(findings.OURS, f"{ours.inference_url}/predictions/{ARCHIVE.stem}", ours.pid),
        started.enter_context(baseline.running(own, picture)),
    ]
    for peer in peers.PEERS if given.peers else ():
        absent = peers.missing(peer)
        if absent:
            say(
                f"leaving out {peer.name}: {sys.executable} has no {', '.join(absent)}; install "
                f"{peers.REQUIREMENTS.relative_to(PROJECT)}"
            )
            continue
        log = folder / f"{peer.needs[0]}.log"
        servers.append(started.enter_context(peers.running(peer, archive, log, picture)))
    return servers


def _arguments() -> argparse.Namespace:
    parser = parser_of("bench.throughput", __doc__)
    parser.add_argument(
        "--clients", type=int, nargs="+", default=[1, 64], help="clients at once (default: %(default)s)"
    )
    parser.add_argument(
        "--seconds", type=float, default=10, help="length of each measurement (default: %(default)s)"
    )
    parser.add_argument(
        "--rounds", type=int, default=3, help="number of measurements of each (default: %(default)s)"
    )
    parser.add_argument(
        "--warm-up", type=float, default=60, help="seconds of warm-up for each server (default: %(default)s)"
    )
    parser.add_argument(
        "--peers", action="store_true", help="also measure FastAPI, Flask, mosec and LitServe"
    )
    given = parser.parse_args()
    if min([*given.clients, given.rounds, given.seconds, given.warm_up]) <= 0:
        parser.error("--clients, --rounds, --seconds and --warm-up must be above 0")
    if not ARCHIVE.exists():
        parser.error(f"{ARCHIVE} is missing: build it with `make archive`")
    return given


if __name__ == "__main__":
    main()
