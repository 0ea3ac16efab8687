"""The limit that no server can pass: the handler's functions in a loop, one process a core, no HTTP at all.

Batches are as large as the archive asks for, and always full.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from bench.pictures import pictures
from bench.served_archive import BATCH, answers, load_handler

WARM_UP_BATCHES = 30


def limit(folder: Path, seconds: float, processes: int | None = None) -> float:
    """Give how many pictures a second all cores together answer.

    Args:
        folder: the unpacked archive.
        seconds: how long each process loops.
        processes: how many; one for each core that this process may use where it is None.

    Raises:
        RuntimeError: one of them failed; its last words are in the message.
    """
    count = processes or len(os.sched_getaffinity(0))
    command = [sys.executable, "-m", "bench.in_process", str(folder), str(seconds)]
    environ = {**os.environ, "OMP_NUM_THREADS": "1"}
    loops = [
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environ,
        )
        for _ in range(count)
    ]
    try:
        for loop in loops:
            assert loop.stdout
            loop.stdout.readline()
        for loop in loops:  # all are warm: start together
            assert loop.stdin
            loop.stdin.write("\n")
            loop.stdin.flush()
        said = [loop.communicate() for loop in loops]
    finally:
        for loop in loops:
            if loop.poll() is None:
                loop.kill()
                loop.wait()
    for loop, (_, error) in zip(loops, said, strict=True):
        if loop.returncode != 0:
            raise RuntimeError(f"the in-process loop ended with {loop.returncode}: {error.strip()[-300:]}")
    return sum(float(figure) for figure, _ in said)


def main() -> None:
    """Say "ready", wait for a line, loop, print pictures per second; `limit` is what talks to this."""
    parser = argparse.ArgumentParser(prog="python -m bench.in_process", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the unpacked archive")
    parser.add_argument("seconds", type=float)
    given = parser.parse_args()
    handler, files = load_handler(given.folder), pictures()
    batches = [files[start : start + BATCH] for start in range(0, len(files), BATCH)]
    for index in range(WARM_UP_BATCHES):
        answers(handler, batches[index % len(batches)])
    print("ready", flush=True)
    sys.stdin.readline()
    print(_pictures_per_s(handler, batches, given.seconds))


def _pictures_per_s(handler: object, batches: list[list[bytes]], seconds: float) -> float:
    answered, started = 0, time.perf_counter()
    while True:
        for batch in batches:
            answers(handler, batch)
            answered += len(batch)
        elapsed_s = time.perf_counter() - started
        if elapsed_s >= seconds:
            return answered / elapsed_s


if __name__ == "__main__":
    main()
