"""What happens when far more is asked than can be answered: `python -m bench.overload`.

Clients that fill the queue, and a thousand more that ask again as soon as they are refused: the surplus is as
large as server and generator together can pass on. In each round the server's capacity is measured as well,
with the same picture, so that the ratio is one under the same conditions. The generator runs on the server's
own cores, so that the report says who used them.

The queue bounds the latency of what is accepted: a full one takes job_queue_size / capacity to work off.
"""

import argparse
import re
import sys
from collections.abc import Callable

from bench.load import LoadError, load
from bench.overload_report import Overload, markdown
from bench.pictures import pictures
from bench.pressure import RAMP_S, Pressure, press
from bench.process_group import ServerError, wait_for_answer
from bench.turns import Server
from launch.errors import LaunchError
from launch.settings import PROJECT
from launch.temporary import end_in_order_when_told, running
from launch.torchserve import CONFIG

BUSY_CLIENTS = 64
# More than any queue that is measured, so that there is always somebody left to be refused.
SURPLUS_CLIENTS = 1000


def measure(
    server: Server,
    files: list[bytes],
    queue_size: int,
    rounds: int,
    seconds: float,
    say: Callable[[str], None],
) -> Overload:
    """Give how a server behaved at its capacity and beyond it.

    Args:
        server: a warm TorchServe.
        files: pictures, of which the smallest is posted: the surplus should cost the generator little.
        queue_size: its job_queue_size.
        rounds: how often both are measured.
        seconds: of each measurement; at least twice RAMP_S.
        say: told of the progress.

    Raises:
        LoadError, OSError: it answered nothing, or took no connections.
        ServerError: it did not recover.
    """
    picture = min(files, key=len)
    found: list[tuple[Pressure, Pressure]] = []
    for turn in range(1, rounds + 1):
        pair = []
        for clients in (BUSY_CLIENTS, queue_size + SURPLUS_CLIENTS):
            wait_for_answer(server.url, picture)
            pair.append(press(server, picture, clients, max(seconds, 2 * RAMP_S)))
            say(
                f"overload, round {turn} of {rounds}, {clients} clients: {pair[-1].accepted_per_s:,.0f} "
                f"accepted/s, {pair[-1].refused_per_s:,.0f} refused/s"
            )
        found.append((pair[0], pair[1]))
    wait_for_answer(server.url, picture)
    at_capacity, beyond = zip(*found, strict=True)
    return Overload(queue_size, len(picture), tuple(at_capacity), tuple(beyond))


def configured_queue_size() -> int:
    """Give the job_queue_size of config.properties.

    Raises:
        ValueError: it has none.
    """
    found = re.search(r"^job_queue_size=(\d+)", CONFIG.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise ValueError(f"{CONFIG} sets no job_queue_size: add a line such as job_queue_size=1000")
    return int(found[1])


def main() -> None:
    """Measure each queue size with a server of its own and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.overload", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument(
        "--queue-sizes", type=int, nargs="+", default=[configured_queue_size()], help="(%(default)s)"
    )
    parser.add_argument("--seconds", type=float, default=10, help="of each measurement (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="for each size (%(default)s)")
    parser.add_argument("--warm-up", type=float, default=60, help="seconds of load before (%(default)s)")
    parser.add_argument(
        "--set",
        dest="settings",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        help="of config.properties, for this run only: number_of_netty_threads=4",
    )
    given = parser.parse_args()
    if min([*given.queue_sizes, given.seconds, given.rounds, given.warm_up]) <= 0:
        parser.error("--queue-sizes, --seconds, --rounds and --warm-up must be above 0")
    settings = _environment(parser, given.settings)
    files, found = pictures(), []
    end_in_order_when_told()
    try:
        for size in given.queue_sizes:
            with running(PROJECT / "model_store", **{**settings, "TS_JOB_QUEUE_SIZE": str(size)}) as ours:
                server = Server("Sketchserve", f"{ours.inference_url}/predictions/digits", ours.pid)
                _say(f"warming up with job_queue_size {size} for {given.warm_up:g} s")
                load(server.url, files, BUSY_CLIENTS, given.warm_up)
                found.append(measure(server, files, size, given.rounds, given.seconds, _say))
    except (LaunchError, LoadError, ServerError, OSError) as error:
        sys.exit(f"bench.overload: {error}")
    print("\n".join(markdown(one) for one in found))


def _environment(parser: argparse.ArgumentParser, settings: list[str]) -> dict[str, str]:
    """Give TorchServe's environment variables for settings such as "number_of_netty_threads=4"."""
    found = {}
    for entry in settings:
        key, equals, value = entry.partition("=")
        if not (key and equals and value):
            parser.error(f"--set got {entry!r}: it takes KEY=VALUE, such as number_of_netty_threads=4")
        found[f"TS_{key.upper()}"] = value
    return found


def _say(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
