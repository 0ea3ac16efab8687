"""What others wait for while visitors have drawings read under the moving pen: `python -m bench.live`.

64 clients ask TorchServe alone; beside visitors who draw; and beside as many whose pads ask while the pen
moves. Then nobody but the visitors is there. All go in turns, so that whatever else the machine does hits
all alike.
"""

import argparse
import base64
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import playwright

from bench.load import LoadError, Measured, load, require_wrk
from bench.pictures import pictures
from training.options import positive

PADS_JS = Path(__file__).with_name("live_pads.js")
CLIENTS, PADS, WATCHED = 64, 20, 5
ALONE, DRAWING, LIVE = "alone", "beside drawing", "beside live drawing"
SETTLED_S = 2  # the pads have begun, and heard that others ask


def main() -> int:
    """Measure and print; return 2 when nothing was measured."""
    parser = argparse.ArgumentParser(prog="python -m bench.live", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--url", default="http://127.0.0.1:7860", help="the page (%(default)s)")
    parser.add_argument("--torchserve", default="http://127.0.0.1:8080", help="its TorchServe (%(default)s)")
    parser.add_argument("--rounds", type=positive, default=5, help="how often each is measured (%(default)s)")
    parser.add_argument("--seconds", type=positive, default=10, help="of each measurement (%(default)s)")
    given = parser.parse_args()
    try:
        require_wrk()
        for line in measure(given.url, given.torchserve, given.rounds, given.seconds):
            print(line, flush=True)
    except (LoadError, OSError) as error:
        print(f"bench.live: {error}. Does the page run there (`make run`)?", file=sys.stderr)
        return 2
    return 0


def measure(url: str, torchserve: str, rounds: int, seconds: int) -> Iterator[str]:
    """Yield lines that say what was measured.

    Raises:
        LoadError: TorchServe answered nothing, or no page did.
    """
    files = pictures()
    predict = f"{torchserve}/predictions/digits"
    loads: dict[str, list[Measured]] = defaultdict(list)
    visits: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for turn in range(rounds):
        kinds = (ALONE, DRAWING, LIVE) if turn % 2 == 0 else (LIVE, DRAWING, ALONE)
        for kind in kinds:
            with drawing(url, files, kind, seconds + SETTLED_S) as visited:
                time.sleep(SETTLED_S)
                loads[kind].append(load(predict, files, CLIENTS, seconds))
            visits["loaded", kind] += visited
        for kind in (kind for kind in kinds if kind != ALONE):
            with drawing(url, files, kind, seconds) as visited:
                pass
            visits["quiet", kind] += visited
    for kind, measured in loads.items():
        yield f"{CLIENTS} clients, {kind}: {_of_load(measured)}{_beside(measured, loads[DRAWING])}"
    for (load_kind, kind), told in visits.items():
        if told:
            yield f"{load_kind}, {PADS} pads, {kind.removeprefix('beside ')}: {_of_visits(told)}"


@contextmanager
def drawing(url: str, files: list[bytes], kind: str, seconds: int) -> Iterator[list[dict[str, Any]]]:
    """Have visitors draw until the end of the `with`, and put what they saw into the list."""
    told: list[dict[str, Any]] = []
    if kind == ALONE:
        yield told
        return
    node = shutil.which("node") or str(Path(playwright.__file__).parent / "driver" / "node")
    said = (url, str(PADS), str(WATCHED), str(seconds), "yes" if kind == LIVE else "no")
    process = subprocess.Popen(
        [node, str(PADS_JS), *said], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    process.stdin.writelines(f"data:image/png;base64,{base64.b64encode(one).decode()}\n" for one in files)
    process.stdin.close()
    process.stdin = None
    try:
        yield told
        written = process.communicate(timeout=seconds + 60)[0]
    finally:
        process.kill()
    if process.returncode != 0:
        raise LoadError(f"the visitors' program ended with {process.returncode} on {url}")
    told.append(json.loads(written))


def _of_load(measured: list[Measured]) -> str:
    rate, p50_ms, p99_ms = (
        statistics.median(getattr(one, name) for one in measured)
        for name in ("requests_per_s", "p50_ms", "p99_ms")
    )
    return f"{rate:,.0f} requests/s, p50 {p50_ms:.0f} ms, p99 {p99_ms:.0f} ms"


def _beside(measured: list[Measured], drawn: list[Measured]) -> str:
    """Return what became of the rate, as the median over the rounds of its ratio to that beside drawing."""
    if measured is drawn:
        return ""
    ratios = [one.requests_per_s / other.requests_per_s for one, other in zip(measured, drawn, strict=True)]
    rounds = f"rounds: {min(ratios):.2f} to {max(ratios):.2f}"
    return f"; {statistics.median(ratios):.2f} of what it is {DRAWING} ({rounds})"


def _of_visits(told: list[dict[str, Any]]) -> str:
    waits_ms = [wait for one in told for wait in one["waits_ms"]]
    p50_ms, p99_ms = np.percentile(waits_ms, [50, 99])
    count = {name: sum(one[name] for one in told) for name in ("live", "dropped", "strokes", "failures")}
    return (
        f"{count['strokes']} strokes, {count['live']} questions under the pen, {count['dropped']} put off, "
        f"{count['failures']} failures; "
        f"{len(waits_ms)} strokes of others: p50 {p50_ms:.0f} ms, p99 {p99_ms:.0f} ms"
    )


if __name__ == "__main__":
    sys.exit(main())
