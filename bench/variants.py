"""Changed archives beside the one that is served: `python -m bench.variants --histograms --low-latency`.

All run at the same time, in servers of their own, of which one runs and the others are stopped; they are
measured in turn, round by round, so that a ratio within a round is one under the same conditions. The archive
itself is there twice: what differs between these two is what two servers differ in anyhow.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench import paired
from bench.changed_archive import changed_archive
from bench.load import LoadError
from bench.measured import Measured
from bench.pictures import pictures
from bench.process_group import ServerError
from bench.rounds import Row, measure
from bench.tune_setting import SettingError, present, setting, variant
from bench.turns import Server, load_alone, one_at_a_time
from launch.errors import LaunchError
from launch.settings import PROJECT
from launch.temporary import end_in_order_when_told, running

ARCHIVE = PROJECT / "model_store" / "digits.mar"
WARM_UP_CLIENTS = 64
SERVED, AGAIN = "as served", "as served, a second time"
NOTHING_OBSERVED = Path(__file__).with_name("no_histograms.py")


@dataclass(frozen=True)
class Variant:
    """A change of the archive, and where its effect is looked for.

    Attributes:
        name: as tables have it.
        clients: how many ask at the same time.
        archive: writes the changed archive beside the given one and gives its path.
    """

    name: str
    clients: int
    archive: Callable[[Path], Path]


def without_histograms(archive: Path) -> Path:
    """Give a copy of the archive whose handler counts and observes nothing.

    What is left of the cost in it: some looks at the clock a batch, one header a request, a page of nothing.
    """
    nothing = NOTHING_OBSERVED.read_bytes()
    return changed_archive(
        archive, f"{archive.stem}-no-histograms", {"handler/metrics.py": lambda _: nothing}
    )


def unbatched(archive: Path) -> Path:
    """Give a copy of the archive whose workers answer one request at a time, so that none waits for others.

    Raises:
        SettingError: the archive's configuration cannot be read.
    """
    return variant(archive, setting(present(archive).workers, batch=1, delay_ms=1))


HISTOGRAMS = Variant("without histograms", 64, without_histograms)
LOW_LATENCY = Variant("batchSize: 1", 1, unbatched)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Let a command take which variants are measured, and how often."""
    parser.add_argument(
        "--histograms",
        dest="variants",
        action="append_const",
        const=HISTOGRAMS,
        help="beside an archive without the handler's histograms and counters, at 64 clients",
    )
    parser.add_argument(
        "--low-latency",
        dest="variants",
        action="append_const",
        const=LOW_LATENCY,
        help="beside an archive with batchSize 1, one client",
    )
    parser.add_argument(
        "--pair-rounds", type=int, default=12, help="how often variants are measured (%(default)s)"
    )
    parser.add_argument(
        "--pair-seconds", type=float, default=5, help="of each of these measurements (%(default)s)"
    )


def require_sound(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    """End the command with an error that says so where one of these options is not above 0."""
    if given.pair_rounds < 1 or given.pair_seconds <= 0:
        parser.error("--pair-rounds and --pair-seconds must be above 0")


def compare(
    archive: Path, variants: Sequence[Variant], given: argparse.Namespace, say: Callable[[str], None]
) -> list[list[Row]]:
    """Give for each number of clients the rows of the archive, of the archive again, and of its variants.

    Args:
        archive: what is served.
        variants: what is measured beside it.
        given: warm_up, pair_rounds and pair_seconds.
        say: told of the progress.

    Raises:
        LaunchError, SettingError: a server did not come up.
        LoadError, ServerError: a server answered nothing.
    """
    files = pictures()
    with ExitStack() as started:
        folder = Path(started.enter_context(tempfile.TemporaryDirectory(prefix="variants-")))
        original = Path(shutil.copy(archive, folder))
        servers: dict[str, Server] = {}
        for name, built in _archives(original, variants).items():
            running_one = started.enter_context(running(folder, f"{archive.stem}={built.name}"))
            url = f"{running_one.inference_url}/predictions/{archive.stem}"
            servers[name] = Server(name, url, running_one.pid)
        only = started.enter_context(one_at_a_time(list(servers.values())))
        for server in servers.values():
            say(f"warming up {server.name} for {given.warm_up:g} s")
            load_alone(only, server, files, WARM_UP_CLIENTS, given.warm_up)

        def measured(server: Server, clients: int) -> Measured:
            return load_alone(only, server, files, clients, given.pair_seconds)

        found = []
        for clients in sorted({one.clients for one in variants}):
            names = [SERVED, AGAIN, *(one.name for one in variants if one.clients == clients)]
            taking_part = [servers[name] for name in names]
            found.append(measure(taking_part, [clients], given.pair_rounds, measured, lambda: None, say))
    return found


def _archives(archive: Path, variants: Sequence[Variant]) -> dict[str, Path]:
    return {SERVED: archive, AGAIN: archive, **{one.name: one.archive(archive) for one in variants}}


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.variants", description=(__doc__ or "").split("\n")[0]
    )
    add_options(parser)
    parser.add_argument("--warm-up", type=float, default=60, help="seconds, for each server (%(default)s)")
    given = parser.parse_args()
    if not given.variants:
        parser.error("nothing to compare: give --histograms or --low-latency or both")
    if given.warm_up <= 0:
        parser.error("--warm-up must be above 0")
    require_sound(parser, given)
    end_in_order_when_told()
    before = os.getloadavg()[0]
    try:
        found = compare(ARCHIVE, given.variants, given, lambda said: print(said, file=sys.stderr, flush=True))
    except (LaunchError, LoadError, ServerError, SettingError, OSError) as error:
        sys.exit(f"bench.variants: {error}")
    print(paired.markdown(found, before))


if __name__ == "__main__":
    main()
