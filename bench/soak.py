"""Measure whether memory stays flat under load: `python -m bench.soak --requests 200000`.

Writes the memory of the guard, of java and of each worker over time as a table, and a verdict by one rule:
between the third and the last quarter of the run, no process's median grows by more than GROWTH_ALLOWED.
"""

import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import psutil

from bench.load import load
from bench.pictures import pictures
from bench.results import measuring, say, write
from launch.temporary import running
from system.files import PROJECT
from training.options import parser_of, positive

CLIENTS, LOOK_S = 64, 5
GROWTH_ALLOWED = 0.02
LEAST_SAMPLES = 8
MIB = 2**20


@dataclass(frozen=True)
class Sample:
    """The server's memory at one time.

    Attributes:
        seconds: since the start.
        answered: requests so far.
        rss_mib: resident memory of each process by name.
    """

    seconds: float
    answered: int
    rss_mib: dict[str, float]


def main() -> int:
    """Soak, write, judge; give 0 where memory is flat and 1 where it is not."""
    parser = parser_of("bench.soak", __doc__)
    parser.add_argument(
        "--requests", type=positive, default=200_000, help="number of requests (default: %(default)s)"
    )
    given = parser.parse_args()
    with measuring("soak"), running(PROJECT / "model_store") as server:
        samples = soak(f"{server.inference_url}/predictions/digits", server.pid, given.requests)
    said = verdict(samples)
    write("soak.md", f"{markdown(samples)}\n{said}\n")
    return 0 if said.startswith("flat") else 1


def soak(url: str, pid: int, requests: int) -> list[Sample]:
    """Return a sample before the load and one after each LOOK_S of it, until so many are answered.

    Args:
        url: where to post to.
        pid: the guard's process, the parent of TorchServe's java, which is that of its workers.
        requests: how many answers are enough.
    """
    files, started, answered = pictures(), time.monotonic(), 0
    samples = [Sample(0.0, 0, memory_mib(pid))]
    while answered < requests:
        answered += load(url, files, CLIENTS, LOOK_S).requests
        samples.append(Sample(time.monotonic() - started, answered, memory_mib(pid)))
        say(f"{answered:,} of {requests:,} requests answered")
    return samples


def memory_mib(pid: int) -> dict[str, float]:
    """Return the resident memory of guard, java and each worker in MiB, workers named by process id."""
    guard = psutil.Process(pid)
    (java,) = guard.children()
    found = {"guard": guard.memory_info().rss / MIB, "java": java.memory_info().rss / MIB}
    for child in java.children():
        # Not the only ones: a script that reads the machine's state runs for a moment every minute, and may
        # have ended by now.
        with suppress(psutil.NoSuchProcess):
            if any(word.endswith("model_service_worker.py") for word in child.cmdline()):
                found[f"worker {child.pid}"] = child.memory_info().rss / MIB
    return found


def growth(values: Sequence[float]) -> float:
    """Return how much the last quarter's median is above the third quarter's, as a share of it."""
    quarter = len(values) // 4
    third, last = values[-2 * quarter : -quarter], values[-quarter:]
    return statistics.median(last) / statistics.median(third) - 1


def verdict(samples: Sequence[Sample]) -> str:
    """Return one sentence that begins with "flat", "grows" or "cannot tell"."""
    names = list(samples[0].rss_mib)
    if any(list(sample.rss_mib) != names for sample in samples):
        return "cannot tell: a worker ended and another took its place; see TorchServe's logs."
    if len(samples) < LEAST_SAMPLES:
        return f"cannot tell: {len(samples)} samples, expected at least {LEAST_SAMPLES}: send more requests."
    growths = {name: growth([sample.rss_mib[name] for sample in samples]) for name in names}
    said = ", ".join(f"{name} {share:+.1%}" for name, share in growths.items())
    word = "flat" if max(growths.values()) <= GROWTH_ALLOWED else "grows"
    return (
        f"{word}: from the third to the last quarter of {samples[-1].answered:,} requests {said} (allowed: "
        f"{GROWTH_ALLOWED:+.0%})."
    )


def markdown(samples: Sequence[Sample], rows: int = 12) -> str:
    """Return a table of at most so many samples, the first and the last among them."""
    names = list(samples[-1].rss_mib)
    step = max(1, -(-(len(samples) - 1) // (rows - 1)))
    shown = [*samples[:-1:step], samples[-1]]
    lines = [
        "| requests | seconds | " + " | ".join(f"{name}, MiB" for name in names) + " |",
        "|--:" * (len(names) + 2) + "|",
    ]
    for sample in shown:
        cells = (f"{sample.rss_mib[name]:.0f}" if name in sample.rss_mib else "" for name in names)
        lines.append(f"| {sample.answered:,} | {sample.seconds:.0f} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())
