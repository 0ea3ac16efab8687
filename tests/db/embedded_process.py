"""Runs `python -m db.embedded` as its own process, and looks for what it may leave behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from system.files import PROJECT

COMMAND = (sys.executable, "-m", "db.embedded")


def environment(folder: Path) -> dict[str, str]:
    """Return the environment in which `folder` is the server's."""
    assert folder.name == "postgres"
    kept = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "POSTGRES_PORT")}
    return {**kept, "VAR_DIR": str(folder.parent)}


def run(folder: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run it, or another command, to its end and return what came of it."""
    return subprocess.run(
        command or COMMAND,
        cwd=PROJECT,
        env={**environment(folder), **variables},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@contextmanager
def foreground(folder: Path, *before: str) -> Iterator[subprocess.Popen[str]]:
    """Yield the running process, `before` in front of its command; kill it afterwards if it still runs."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [*before, *COMMAND],
        cwd=PROJECT,
        env=environment(folder),
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ready_line(process: subprocess.Popen[str]) -> str:
    """Return the line that says where it answers, or fail with what it says instead."""
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline()
    assert line, process.stderr.read()
    return line


def ends(process: subprocess.Popen[str], name: str, status: int) -> None:
    process.send_signal(signal.Signals[name])
    assert process.wait(10) == status


def no_server_left(folder: Path) -> None:
    """Fail where any process still works for the folder's server."""
    own = str(folder.resolve())
    left = []
    for process in psutil.process_iter(["pid", "name", "cmdline", "cwd"]):
        words = [*(process.info["cmdline"] or []), process.info["cwd"] or ""]
        if process.info["name"] in ("postgres", "initdb") and any(own in word for word in words):
            left.append(process.info)
    assert left == []
