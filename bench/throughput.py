"""Measures what the server answers under load: `python -m bench.throughput`.

Writes a table, the same as JSON, and a plot of throughput against latency. All that is compared is started
together and loaded in turn, so that whatever else the machine does hits all alike; whoever's turn it is not
is stopped meanwhile.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from bench import findings, in_process, overload, overload_report, paired, plot, rounds, variants
from bench.baseline import server as baseline
from bench.load import LoadError
from bench.measured import Measured
from bench.peers import servers as peers
from bench.pictures import pictures
from bench.process_group import ServerError
from bench.served_archive import unpack
from bench.tune_setting import SettingError
from bench.turns import Server, load_alone, one_at_a_time
from launch.errors import LaunchError
from launch.settings import PROJECT
from launch.temporary import end_in_order_when_told, running

ARCHIVE = PROJECT / "model_store" / "digits.mar"


def main() -> None:
    """Run the benchmark and write its results."""
    given, before = _arguments(), os.getloadavg()[0]
    end_in_order_when_told()
    try:
        found, overloaded = run(given)
        compared = variants.compare(ARCHIVE, given.variants, given, _say) if given.variants else []
    except (LaunchError, LoadError, ServerError, SettingError, OSError) as error:
        sys.exit(f"bench.throughput: {error}")
    table = findings.markdown(found)
    if overloaded:
        table += f"\nOverload:\n\n{overload_report.markdown(overloaded)}"
    if compared:
        table += f"\nBeside changed archives:\n\n{paired.markdown(compared, before)}"
    print(table)
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "throughput.md").write_text(table, encoding="utf-8")
    everything = {
        **asdict(found),
        "overload": asdict(overloaded) if overloaded else None,
        "variants": [[asdict(row) for row in rows] for rows in compared],
    }
    (given.out / "throughput.json").write_text(json.dumps(everything, indent=1), encoding="utf-8")
    plot.draw(found, given.out / "throughput.png")
    _say(f"written: throughput.md, .json and .png in {given.out}")


def run(given: argparse.Namespace) -> tuple[findings.Findings, overload_report.Overload | None]:
    """Give what was measured, and how it behaved under overload where that was asked for.

    Raises:
        LaunchError, ServerError: a server did not come up.
        LoadError: a server answered nothing.
    """
    files, limits, before = pictures(), [], os.getloadavg()[0]
    with ExitStack() as started:
        folder = Path(started.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        # A copy: TorchServe and the peers serve the same bytes, also when somebody builds meanwhile.
        archive = unpack(Path(shutil.copy(ARCHIVE, folder)), folder / "archive")
        servers = _start(given, started, folder, archive, files[0])
        only = started.enter_context(one_at_a_time(servers))
        for server in servers:
            _say(f"warming up {server.name} for {given.warm_up:g} s")
            generator = load_alone(only, server, files, findings.BUSY_CLIENTS, given.warm_up).generator

        def measured(server: Server, clients: int) -> Measured:
            return load_alone(only, server, files, clients, given.seconds)

        def limit() -> None:
            only(None)
            limits.append(in_process.limit(archive, given.seconds))
            _say(f"in-process limit: {limits[-1]:,.0f} pictures/s")

        rows = rounds.measure(servers, given.clients, given.rounds, measured, limit, _say)
        overloaded = None
        if given.overload:
            only(servers[0])
            size = overload.configured_queue_size()
            overloaded = overload.measure(servers[0], files, size, given.rounds, given.seconds, _say)
    cores = len(os.sched_getaffinity(0))
    machine = (
        f"{cores} cores, which the one server that runs shares with the generator ({generator}). Load "
        f"average before the run: {before:.1f}. Medians of {given.rounds} rounds of {given.seconds:g} s."
    )
    return findings.Findings(machine, rows, statistics.median(limits)), overloaded


def _start(
    given: argparse.Namespace, started: ExitStack, folder: Path, archive: Path, picture: bytes
) -> list[Server]:
    """Give all servers, ours first, started one after the other."""
    ours = started.enter_context(running(folder, ARCHIVE.name))
    servers = [Server(findings.OURS, f"{ours.inference_url}/predictions/{ARCHIVE.stem}", ours.pid)]
    if given.baseline:
        own = folder / "baseline"
        own.mkdir()
        servers.append(started.enter_context(baseline.running(own, picture)))
    for peer in peers.PEERS if given.peers else ():
        absent = peers.missing(peer, given.peers_python)
        if absent:
            _say(
                f"{peer.name} is left out: {given.peers_python} has no {', '.join(absent)}; install "
                f"{peers.REQUIREMENTS.relative_to(PROJECT)}"
            )
            continue
        log = folder / f"{peer.needs[0]}.log"
        servers.append(started.enter_context(peers.running(peer, given.peers_python, archive, log, picture)))
    return servers


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.throughput", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64, 256])
    parser.add_argument("--seconds", type=float, default=10, help="of each measurement (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (%(default)s)")
    parser.add_argument("--warm-up", type=float, default=60, help="seconds, for each server (%(default)s)")
    parser.add_argument("--baseline", action="store_true", help="beside TorchServe as it comes")
    parser.add_argument("--peers", action="store_true", help="beside FastAPI, Flask, mosec and LitServe")
    parser.add_argument("--peers-python", default=sys.executable, help="the interpreter that has them")
    parser.add_argument(
        "--overload", action="store_true", help="and with far more clients than fit its queue"
    )
    variants.add_options(parser)
    parser.add_argument("--out", type=Path, default=PROJECT / "var" / "bench", help="folder for the results")
    given = parser.parse_args()
    if min([*given.clients, given.rounds, given.seconds, given.warm_up]) <= 0:
        parser.error("--clients, --rounds, --seconds and --warm-up must be above 0")
    variants.require_sound(parser, given)
    if not ARCHIVE.exists():
        parser.error(f"{ARCHIVE} is not there: build it with `make archive`")
    return given


def _say(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
