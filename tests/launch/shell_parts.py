"""A launcher whose parts are shell commands: the supervision itself, small enough for unit tests."""

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from system.files import PROJECT

# Runs the given commands as launch/run.py does; a part is ready once `<name>.ready` is there.
LAUNCHER = """
import os, sys
from pathlib import Path
from launch import processes
from launch.errors import LaunchError
from launch.processes import Part, Platform

folder = Path(sys.argv[1])
processes.FIRST_PAUSE_S, processes.MOST_RESTARTS, processes.STEADY_S = {pace!r}

def started(platform):
    if {failing!r}:
        raise LaunchError("a part is not ready", "wait")
    if {whole!r}:
        platform.restart_from_now_on()
    print("started", flush=True)

parts = [
    Part(name, ["sh", "-c", command], os.environ, (folder / (name + ".ready")).exists, {ready_s!r}, stop_s=4)
    for name, command in {commands!r}.items()
]
try:
    Platform(folder, parts, started).run()
except LaunchError as error:
    sys.exit(str(error))
"""
# A shell with a child of its own.
FAMILY = "sleep 300 & echo child; wait"


PAGE = f"trap 'exit 0' TERM; {FAMILY}"
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets orphans be adopted")


def launch(
    folder: Path,
    commands: dict[str, str],
    *,
    failing: bool = False,
    whole: bool = False,
    pace: tuple[float, int, float] = (0.1, 3, 60.0),
    ready_s: float = 60,
) -> subprocess.Popen[str]:
    """Start the launcher; `pace`: its first pause, how many restarts, and when they are forgotten."""
    program = LAUNCHER.format(commands=commands, failing=failing, whole=whole, pace=pace, ready_s=ready_s)
    return subprocess.Popen(
        [sys.executable, "-c", program, str(folder)],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def said(launcher: subprocess.Popen[str], words: str) -> str:
    """Read the launcher's lines until one has the words, and return it."""
    assert launcher.stdout is not None
    for line in launcher.stdout:
        if words in line:
            return line
    raise AssertionError(f"the launcher ended and did not say {words!r}")


def told(out: str) -> list[str]:
    """What the launcher itself said, without times."""
    return [line.partition(" | ")[2] for line in out.splitlines() if " launcher " in line]


def family_of(process: subprocess.Popen[str], count: int) -> list[psutil.Process]:
    """The launcher's descendants, once there are as many as expected."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        family = psutil.Process(process.pid).children(recursive=True)
        if sum(map(sleeping, family)) == count:
            return family
        time.sleep(0.05)
    raise AssertionError(f"expected {count} sleeping grandchildren, got {family}")


def sleeping(process: psutil.Process) -> bool:
    try:
        return process.name() == "sleep" and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def keeper_of(launcher: subprocess.Popen[str], words: str) -> psutil.Process:
    """The keeper whose command has the words, once it runs."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for process in psutil.Process(launcher.pid).children():
            with suppress(psutil.NoSuchProcess):
                if words in " ".join(process.cmdline()) and runs(process):
                    return process
        time.sleep(0.02)
    raise AssertionError(f"no keeper has {words!r}")


def assert_gone(family: list[psutil.Process]) -> None:
    deadline = time.monotonic() + 25
    while (left := [process for process in family if runs(process)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    for process in left:
        process.kill()
    assert left == []


def runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
