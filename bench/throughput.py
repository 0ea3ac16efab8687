"""Measures what the server answers under load: `python -m bench.throughput`.

Writes a table, the same as JSON, and a plot of throughput against latency. All that is compared runs at the
same time and is loaded in turn, so that whatever else the machine does hits all alike.
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

from bench import findings, in_process, overload, plot, rounds
from bench.baseline import server as baseline
from bench.load import LoadError, load
from bench.measured import Measured
from bench.peers import servers as peers
from bench.pictures import pictures
from bench.process_group import ServerError, wait_for_answer
from bench.served_archive import unpack
from launch.errors import LaunchError
from launch.settings import PROJECT
from launch.temporary import end_in_order_when_told, running

ARCHIVE = PROJECT / "model_store" / "digits.mar"


def main() -> None:
    """Run the benchmark and write its results."""
    given = _arguments()
    end_in_order_when_told()
    try:
        found, overloaded = run(given)
    except (LaunchError, LoadError, ServerError, OSError) as error:
        sys.exit(f"bench.throughput: {error}")
    table = findings.markdown(found)
    if overloaded:
        table += f"\nAt {overload.FACTOR} times capacity:\n\n{overload.markdown([overloaded])}"
    print(table)
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "throughput.md").write_text(table, encoding="utf-8")
    everything = {**asdict(found), "overload": asdict(overloaded) if overloaded else None}
    (given.out / "throughput.json").write_text(json.dumps(everything, indent=1), encoding="utf-8")
    plot.draw(found, given.out / "throughput.png")
    _say(f"written: throughput.md, .json and .png in {given.out}")


def run(given: argparse.Namespace) -> tuple[findings.Findings, overload.Overload | None]:
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
        urls = _start(given, started, folder, archive, files[0])
        for name, url in urls.items():
            _say(f"warming up {name} for {given.warm_up:g} s")
            generator = load(url, files, findings.BUSY_CLIENTS, given.warm_up).generator

        def measured(url: str, clients: int) -> Measured:
            # What an earlier round left in a queue must not be waited for in this one.
            wait_for_answer(url, files[0])
            return load(url, files, clients, given.seconds)

        def limit() -> None:
            limits.append(in_process.limit(archive, given.seconds))
            _say(f"in-process limit: {limits[-1]:,.0f} pictures/s")

        rows = rounds.measure(urls, given.clients, given.rounds, measured, limit, _say)
        overloaded = None
        if given.overload:
            _say(f"offering {overload.FACTOR} times its capacity")
            url = urls[findings.OURS]
            busy = load(url, files, findings.BUSY_CLIENTS, given.seconds)
            overloaded = overload.overload(url, files, busy, overload.configured_queue_size(), given.seconds)
    cores = len(os.sched_getaffinity(0))
    machine = (
        f"{cores} cores, which the servers share with the generator ({generator}). Load average before the "
        f"run: {before:.1f}. Medians of {given.rounds} rounds of {given.seconds:g} s."
    )
    return findings.Findings(machine, rows, statistics.median(limits)), overloaded


def _start(
    given: argparse.Namespace, started: ExitStack, folder: Path, archive: Path, picture: bytes
) -> dict[str, str]:
    """Give the URLs of all servers by name, started one after the other."""
    ours = started.enter_context(running(folder, ARCHIVE.name))
    urls = {findings.OURS: f"{ours.inference_url}/predictions/{ARCHIVE.stem}"}
    if given.baseline:
        own = folder / "baseline"
        own.mkdir()
        urls[findings.BASELINE] = started.enter_context(baseline.running(own, picture))
    for peer in peers.PEERS if given.peers else ():
        absent = peers.missing(peer, given.peers_python)
        if absent:
            _say(
                f"{peer.name} is left out: {given.peers_python} has no {', '.join(absent)}; install "
                f"{peers.REQUIREMENTS.relative_to(PROJECT)}"
            )
            continue
        log = folder / f"{peer.needs[0]}.log"
        urls[peer.name] = started.enter_context(
            peers.running(peer, given.peers_python, archive, log, picture)
        )
    return urls


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
    parser.add_argument("--overload", action="store_true", help="and at ten times its capacity")
    parser.add_argument("--out", type=Path, default=PROJECT / "var" / "bench", help="folder for the results")
    given = parser.parse_args()
    if min(given.clients) < 1 or given.rounds < 1 or given.seconds <= 0 or given.warm_up <= 0:
        parser.error("--clients, --rounds, --seconds and --warm-up must be above 0")
    if not ARCHIVE.exists():
        parser.error(f"{ARCHIVE} is not there: build it with `make archive`")
    return given


def _say(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
