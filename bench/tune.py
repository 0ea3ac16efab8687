"""Finds the best workers, batch size and batch delay for this machine: `python -m bench.tune`.

Each setting is measured under one client and under many, in several rounds. Every other round goes backwards,
so that a server that grows faster and a machine that grows busier favour none. Writes the table with its
advice, and every measurement as JSON. Ctrl-C ends the sweep; what was measured so far is written.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import requests

from bench.load import LoadError, load
from bench.pictures import pictures
from bench.process_group import ServerError, wait_for_answer
from bench.tune_advice import Visit, advice, markdown, tuned
from bench.tune_setting import Setting, SettingError, death, present, serving, setting, survives
from launch.errors import LaunchError
from launch.readiness import local_session
from launch.settings import PROJECT
from launch.temporary import TorchServe, end_in_order_when_told, running

ARCHIVE = PROJECT / "model_store" / "digits.mar"
# Seconds to register a setting, start its workers and take it away again: for the first estimate only.
START_S = 4
INTERRUPTED = 130  # 128 + SIGINT, as shells have it


@dataclass
class Sweep:
    """What a sweep has found out so far.

    Attributes:
        visits: the measurements, in the order in which they were made.
        failed: why a setting could not be measured; it is not tried again.
        ended: why the sweep ended early; empty where it did not.
    """

    visits: list[Visit] = field(default_factory=list)
    failed: dict[Setting, str] = field(default_factory=dict)
    ended: str = ""


def main() -> int:
    """Sweep, print and write; give the exit status: 1 where nothing was measured, 130 after Ctrl-C."""
    given = _arguments()
    end_in_order_when_told()
    try:
        now = present(given.archive)
    except (LaunchError, SettingError) as error:
        sys.exit(f"bench.tune: {error}")
    settings = combinations(given.workers, given.batch, given.delay, now)
    order, minutes = in_rounds(settings, given.rounds), _minutes(planned_s(len(settings), given))
    _say(f"{len(settings)} settings, {given.rounds} rounds: about {minutes}; Ctrl-C prints what there is")
    sweep, before, status = Sweep(), os.getloadavg()[0], 0
    try:
        run(sweep, order, given)
    except KeyboardInterrupt:
        sweep.ended, status = "Ctrl-C", INTERRUPTED
    except (LaunchError, LoadError, ServerError, OSError) as error:
        sweep.ended, status = str(error), 1
    if not sweep.visits:
        _say(f"bench.tune: nothing was measured ({sweep.ended or 'every setting failed'})")
        return status or 1
    report = _report(sweep, now, len(order), given, before)
    print(report)
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "tune.md").write_text(report, encoding="utf-8")
    (given.out / "tune.json").write_text(
        json.dumps(_everything(sweep, now, given), indent=1), encoding="utf-8"
    )
    _say(f"written: tune.md and tune.json in {given.out}")
    return status


def combinations(
    workers: Sequence[int], batches: Sequence[int], delays_ms: Sequence[int], now: Setting
) -> list[Setting]:
    """Give what is set now, which all others are compared with, and then every other combination in order."""
    found = {setting(w, b, d) for w in workers for b in batches for d in delays_ms}
    return [now, *sorted(found - {now})]


def in_rounds(settings: Sequence[Setting], rounds: int) -> list[Setting]:
    """Give the settings once a round, every other round backwards."""
    forth, back = list(settings), list(reversed(settings))
    return [one for turn in range(rounds) for one in (back if turn % 2 else forth)]


def planned_s(settings: int, given: argparse.Namespace) -> float:
    """Give about how many seconds a sweep over so many settings takes."""
    each_s = START_S + given.warm_up + 2 * given.seconds
    return given.java_warm_up + given.rounds * settings * each_s


def run(sweep: Sweep, order: Sequence[Setting], given: argparse.Namespace) -> None:
    """Measure the settings in order and note the results; one that fails is noted, said and left out.

    All run in the same Java, which takes a minute of load to reach its speed; only where a setting brought it
    down is another started.

    Raises:
        LaunchError: TorchServe did not start, or did not end.
        LoadError, ServerError: it does not answer with the archive as it is.
    """
    left = list(order)
    while left:
        with tempfile.TemporaryDirectory(prefix="tune-") as folder:
            # A copy: all settings serve the same bytes, also when somebody builds meanwhile.
            archive = Path(shutil.copy(given.archive, folder))
            with running(Path(folder), archive.name) as server:
                _warm_java_up(server, archive.stem, given)
                _visit(sweep, left, server, archive, given)


def _visit(
    sweep: Sweep, left: list[Setting], server: TorchServe, archive: Path, given: argparse.Namespace
) -> None:
    """Measure what is left, taking it from the list, until nothing is or the server is gone."""
    files, started, before = pictures(), time.monotonic(), len(left)
    while left:
        wanted = left.pop(0)
        try:
            sweep.visits.append(measure(server, archive, wanted, files, given))
        except (SettingError, LoadError, ServerError, requests.RequestException) as error:
            sweep.failed[wanted] = " ".join(str(error).split())
            left[:] = [one for one in left if one != wanted]
            _say(f"{wanted}: left out ({sweep.failed[wanted]})")
            if not survives(server):
                return
        else:
            each_s = (time.monotonic() - started) / (before - len(left))
            _say(f"{_in_words(sweep.visits[-1])}; {_minutes(each_s * len(left))} left")


def measure(
    server: TorchServe, archive: Path, wanted: Setting, files: list[bytes], given: argparse.Namespace
) -> Visit:
    """Give what one client and many measured while TorchServe served the archive with the setting.

    Raises:
        SettingError: it could not be served so.
        LoadError, ServerError, requests.RequestException: it does not answer.
    """
    with serving(server, archive, wanted) as url:
        load(url, files, given.clients, given.warm_up)
        wait_for_answer(url, files[0], lambda: death(server))
        lone = load(url, files, 1, given.seconds)
        busy = load(url, files, given.clients, given.seconds)
        wait_for_answer(url, files[0], lambda: death(server))
    return Visit(wanted, lone, busy)


def _warm_java_up(server: TorchServe, model: str, given: argparse.Namespace) -> None:
    """Load the archive as it is, then take it away, so that only what is measured runs."""
    _say(f"warming up TorchServe for {given.java_warm_up:g} s")
    url, files = f"{server.inference_url}/predictions/{model}", pictures()
    load(url, files, given.clients, given.java_warm_up)
    wait_for_answer(url, files[0])
    with local_session() as session:
        session.delete(f"{server.management_url}/models/{model}", timeout=60).raise_for_status()


def _report(sweep: Sweep, now: Setting, planned: int, given: argparse.Namespace, before: float) -> str:
    rows = tuned([visit for visit in sweep.visits if visit.setting not in sweep.failed])
    parts = [markdown(rows, now, given.clients), advice(rows, now, given.clients)]
    if sweep.failed:
        parts.append("\n".join([*(f"- Left out: {one}: {why}" for one, why in sweep.failed.items()), ""]))
    if sweep.ended:
        parts.append(
            f"Ended early ({sweep.ended}): {len(sweep.visits)} of {planned} measurements were made.\n"
        )
    parts.append(
        f"{_cores()} cores, which the server shares with the generator ({sweep.visits[0].busy.generator}). "
        f"Load average before: {before:.1f}. Medians of {given.rounds} rounds of {given.seconds:g} s.\n"
    )
    return "\n".join(parts)


def _everything(sweep: Sweep, now: Setting, given: argparse.Namespace) -> dict[str, object]:
    """Give all that was measured, in order, for JSON."""
    return {
        "clients": given.clients,
        "present": asdict(now),
        "visits": [asdict(visit) for visit in sweep.visits],
        "failed": [{"setting": asdict(one), "why": why} for one, why in sweep.failed.items()],
        "ended": sweep.ended,
    }


def _in_words(visit: Visit) -> str:
    return (
        f"{visit.setting}: {visit.busy.requests_per_s:,.0f} requests/s, p50 {visit.busy.p50_ms:.1f} ms, p99 "
        f"{visit.busy.p99_ms:.1f} ms; one client p50 {visit.lone.p50_ms:.2f} ms"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.tune", description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--workers", type=int, nargs="+", default=sorted({1, _cores()}), help="numbers to try (%(default)s)"
    )
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8, 16, 32], help="sizes (%(default)s)")
    parser.add_argument("--delay", type=int, nargs="+", default=[1, 5], help="milliseconds (%(default)s)")
    parser.add_argument("--clients", type=int, default=64, help="that ask at the same time (%(default)s)")
    parser.add_argument("--seconds", type=float, default=2, help="of each measurement (%(default)s)")
    parser.add_argument("--rounds", type=int, default=2, help="how often each is measured (%(default)s)")
    parser.add_argument("--warm-up", type=float, default=1, help="seconds, of each setting (%(default)s)")
    parser.add_argument("--java-warm-up", type=float, default=20, help="seconds, at the start (%(default)s)")
    parser.add_argument("--archive", type=Path, default=ARCHIVE, help="what is served (%(default)s)")
    parser.add_argument("--out", type=Path, default=PROJECT / "var" / "bench", help="folder for the results")
    given = parser.parse_args()
    counts = [*given.workers, *given.batch, *given.delay, given.clients, given.rounds]
    if min(counts) < 1 or min(given.seconds, given.warm_up, given.java_warm_up) <= 0:
        parser.error("all numbers must be above 0 (TorchServe ignores a delay of 0; batch 1 has none)")
    return given


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


def _say(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
