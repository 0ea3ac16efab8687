"""Put load on a server of this machine, and report how it answered: `load(url, pictures, clients, seconds)`.

wrk (https://github.com/wg/wrk) makes it, since it takes the least of the CPU that the server needs too.
"""

import json
import math
import resource
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from system.files import allow_open_files
from system.ports import is_loopback

SCRIPT = Path(__file__).with_name("wrk.lua")
TIMEOUT_S = 30
NO_ANSWER = 0  # stands for a status where a connection broke or timed out
SPARE_FILES = 200  # beside a file for each connection


class LoadError(RuntimeError):
    """The load could not be put on the server; the message says why and what to do."""


@dataclass(frozen=True)
class Measured:
    """One round of load.

    Attributes:
        requests_per_s: answers with a status of 2xx, per second.
        p50_ms: half of the answers, whatever their status, took no longer.
        p99_ms: 99 of 100 answers took no longer.
        requests: how many answers came, whatever their status.
        failures: how many came with each status that is not 2xx; NO_ANSWER for broken connections.
        generator_cpu_share: wrk's CPU seconds per second; it takes them from the server.
        seconds: how long it lasted.
    """

    requests_per_s: float
    p50_ms: float
    p99_ms: float
    requests: int
    failures: dict[int, int]
    generator_cpu_share: float
    seconds: float


def load(url: str, pictures: list[bytes], clients: int, seconds: float) -> Measured:
    """Return what so many clients measured that posted the pictures in turn, each waiting for its answer.

    wrk counts a slow answer again for every request that should have gone out while it was waited for
    ("coordinated omission"), so that its 99th percentile is never too good.

    Args:
        url: where to post to, "http://" and an address of this machine.
        pictures: image files, posted one after the other, again and again.
        clients: how many connections ask at the same time.
        seconds: for how long, rounded up.

    Raises:
        ValueError: the URL is not of this machine, or a number is not above 0.
        LoadError: wrk is not installed or failed, or nothing answered.
        OSError: this process may not open as many connections.
    """
    require_loopback(url)
    if not pictures or clients < 1 or seconds <= 0:
        raise ValueError(
            f"got {len(pictures)} pictures, {clients} clients and {seconds:g} seconds, expected at least one "
            "of each"
        )
    require_wrk()
    allow_clients(clients)
    with tempfile.TemporaryDirectory(prefix="wrk-") as folder:
        for index, picture in enumerate(pictures):
            Path(folder, str(index)).write_bytes(picture)
        command = [
            *("wrk", "--threads", "1", "--connections", str(clients), "--timeout", f"{TIMEOUT_S}s"),
            *("--duration", f"{math.ceil(seconds)}s", "--script", str(SCRIPT), url),
            *("--", folder, str(len(pictures))),
        ]
        before_s = _children_cpu_s()
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        cpu_s = _children_cpu_s() - before_s
    if done.returncode != 0 or not done.stdout.endswith("}\n"):
        words = f"{done.stdout}{done.stderr}".strip()[-300:]
        raise LoadError(f"wrk ended with {done.returncode} on {url} ({words})")
    found = json.loads(done.stdout.splitlines()[-1])
    if not found["requests"]:
        raise LoadError(f"{url} answered none of {clients} clients within {seconds:g} s: is it running?")
    failures = {int(status): int(number) for status, number in found["failures"].items()}
    refused = sum(number for status, number in failures.items() if status != NO_ANSWER)
    return Measured(
        requests_per_s=(found["requests"] - refused) / found["seconds"],
        p50_ms=found["p50_ms"],
        p99_ms=found["p99_ms"],
        requests=found["requests"],
        failures=failures,
        generator_cpu_share=cpu_s / found["seconds"],
        seconds=found["seconds"],
    )


def require_wrk() -> None:
    """Check that wrk is installed.

    Raises:
        LoadError: it is not; the message says how to get it.
    """
    if shutil.which("wrk") is None:
        raise LoadError(
            "wrk, which makes the load, is not installed: `apt-get install wrk` or `brew install wrk`"
        )


def require_loopback(url: str) -> None:
    """Check that a URL is plain HTTP to this machine: load on anybody else's is an attack.

    Raises:
        ValueError: it is not.
    """
    parts = urlsplit(url)
    if parts.scheme != "http" or not is_loopback(parts.hostname or ""):
        raise ValueError(f"{url!r} is not a server on this machine, expected http://127.0.0.1:<port>/...")


def allow_clients(count: int) -> None:
    """Let this process, and those that it starts from now on, have so many clients, with a connection each.

    Raises:
        OSError: the system allows fewer.
    """
    wanted = count + SPARE_FILES
    most = allow_open_files(wanted)
    if most < wanted:
        raise OSError(f"{count} connections need {wanted} open files, but `ulimit -Hn` allows only {most}")


def _children_cpu_s() -> float:
    """Return the CPU seconds of all processes that this one has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
