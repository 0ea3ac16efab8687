"""Load made by wrk (https://github.com/wg/wrk), which takes the least CPU from the server."""

import json
import math
import os
import subprocess
import tempfile
import time
from pathlib import Path

from bench.measured import NO_ANSWER, LoadError, Measured

SCRIPT = Path(__file__).with_name("wrk.lua")
TIMEOUT_S = 30


def load(url: str, pictures: list[bytes], clients: int, seconds: float) -> Measured:
    """Give what wrk measured; the arguments are those of `bench.load.load`, seconds are rounded up.

    wrk counts a slow answer again for every request that should have gone out while it was waited for
    ("coordinated omission"), so that its 99th percentile is never too good.

    Raises:
        LoadError: wrk failed, or no request was answered.
    """
    with tempfile.TemporaryDirectory(prefix="wrk-") as folder:
        for index, picture in enumerate(pictures):
            Path(folder, str(index)).write_bytes(picture)
        command = [
            *("wrk", "--threads", "1", "--connections", str(clients), "--timeout", f"{TIMEOUT_S}s"),
            *("--duration", f"{math.ceil(seconds)}s", "--script", str(SCRIPT), url),
            *("--", folder, str(len(pictures))),
        ]
        with tempfile.TemporaryFile() as said:
            started = time.perf_counter()
            process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
            try:
                # Unlike subprocess's own wait, this one tells what the process used.
                _, status, used = os.wait4(process.pid, 0)
            except BaseException:
                process.kill()
                process.wait()
                raise
            wall_s = time.perf_counter() - started
            process.returncode = os.waitstatus_to_exitcode(status)
            said.seek(0)
            words = said.read().decode("utf-8", "replace")
    last = (words.strip().splitlines() or [""])[-1]
    if process.returncode != 0 or not last.startswith("{"):
        raise LoadError(f"wrk ended with {process.returncode} on {url} ({words.strip()[-300:]})")
    found = json.loads(last)
    failures = {int(status): int(number) for status, number in found["failures"].items()}
    if not found["requests"]:
        raise LoadError(f"{url} answered none of {clients} clients within {seconds:g} s: does it run?")
    refused = sum(number for code, number in failures.items() if code != NO_ANSWER)
    return Measured(
        requests_per_s=(found["requests"] - refused) / found["seconds"],
        p50_ms=found["p50_ms"],
        p99_ms=found["p99_ms"],
        requests=found["requests"],
        failures=failures,
        generator_cpu_share=(used.ru_utime + used.ru_stime) / wall_s,
        generator="wrk",
        seconds=found["seconds"],
    )
