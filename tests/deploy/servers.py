"""Servers that tests run beside the platform: started, waited for, ended by their process id."""

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import requests

READY_S = 90
STOP_S = 20


@contextmanager
def running(
    command: list[str], is_ready: Callable[[], bool], log: Path, environ: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the end of the `with`; it prints to `log`."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=environ, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + READY_S
        while not is_ready():
            assert process.poll() is None, f"{command[0]} ended: {log.read_text(errors='replace')[-2000:]}"
            assert time.monotonic() < deadline, f"{command[0]} is not ready after {READY_S} s: see {log}"
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(url: str) -> bool:
    """Return whether GET gives a 200; a certificate may be anyone's."""
    try:
        return requests.get(url, timeout=10, verify=False).status_code == 200
    except requests.RequestException:
        return False
