"""A keeper ends as its command does, and with it all that the command started."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from system.files import PROJECT
from system.keeper import KILLED
from system.processes import kept, lifeline
from tests.launch.shell_parts import LINUX, family_of

pytestmark = pytest.mark.processes

# Deaf to SIGTERM, in a session of its own, and with a parent that is gone at once: nobody's child.
ORPHAN = "(trap '' TERM; setsid sleep 300 & )"


@contextmanager
def keeper(script: str, **options: object) -> Iterator[subprocess.Popen[str]]:
    with lifeline() as stdin:
        process = subprocess.Popen(
            kept(["sh", "-c", script]),
            cwd=PROJECT,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **options,  # type: ignore[call-overload]
        )
        try:
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=30)


def sleepers_of(process: subprocess.Popen[str], count: int) -> list[psutil.Process]:
    """The keeper's descendants, once the script has said so and as many as expected sleep."""
    assert process.stdout is not None
    assert process.stdout.readline() == "there\n"
    return family_of(process, count)


def assert_gone(family: list[psutil.Process]) -> None:
    _, left = psutil.wait_procs(family, timeout=20)
    for process in left:
        process.kill()
    assert left == []


@pytest.mark.parametrize(
    ("end", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", -9), ("kill $$", -15)]
)
def test_it_ends_as_its_command_does(end, code):
    with keeper(end) as process:
        assert process.wait(30) == code


def test_a_command_that_is_not_there_is_one_line():
    with lifeline() as stdin:
        done = subprocess.run(
            kept(["/nowhere/java"]), cwd=PROJECT, stdin=stdin, capture_output=True, text=True, timeout=30
        )
    assert done.returncode == 1
    assert done.stderr == "/nowhere/java cannot be started (No such file or directory)\n"


@LINUX
def test_what_a_killed_command_leaves_is_ended_before_the_keeper_ends():
    with keeper(f"{ORPHAN}; sleep 300 & echo there; wait") as process:
        family = sleepers_of(process, 2)
        next(member for member in family if member.name() == "sh").kill()
        assert process.wait(30) == -9
        assert not any(member.is_running() for member in family)


@LINUX
def test_only_its_own_processes_are_ended():
    with keeper("sleep 300 & echo there; wait") as other:
        others = sleepers_of(other, 1)
        with keeper(f"{ORPHAN}; echo there; exec sleep 300") as process:
            family = sleepers_of(process, 2)
            process.terminate()
            assert process.wait(30) == -15
            assert_gone(family)
        assert all(member.is_running() for member in others)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_being_told_to_stop_lets_the_command_end_in_order(signum):
    with keeper("trap 'echo bye; exit 5' TERM; echo there; sleep 300 & wait") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        process.send_signal(signum)
        assert process.stdout.read() == "bye\n"
        assert process.wait(30) == 5


@LINUX
def test_a_killed_caller_takes_along_what_does_not_want_to_end():
    caller = f"""
import subprocess, time
from system.processes import kept, lifeline
with lifeline() as stdin:
    subprocess.Popen(kept(["sh", "-c", "{ORPHAN}; echo there; exec sleep 300"]), stdin=stdin)
    time.sleep(300)
"""
    with subprocess.Popen(
        [sys.executable, "-c", caller], cwd=PROJECT, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        family = sleepers_of(process, 2)
        assert len(family) == 3  # with the keeper
        process.kill()
        assert_gone(family)


@LINUX
def test_a_killed_keeper_takes_its_command_along():
    with keeper("echo there; exec sleep 300") as process:
        family = sleepers_of(process, 1)
        process.kill()
        assert_gone(family)


def test_a_command_that_does_not_listen_is_killed_and_this_is_said():
    script = "trap '' TERM; echo there; sleep 300"
    with lifeline() as stdin:
        process = subprocess.Popen(
            kept(["sh", "-c", script], stop_s=0.5),
            cwd=PROJECT,
            stdin=stdin,
            stdout=subprocess.PIPE,
            text=True,
        )
        family = sleepers_of(process, 1)
        process.terminate()
        assert process.wait(30) == -9
        assert_gone(family)
        assert process.stdout is not None
        assert process.stdout.read() == f"{KILLED}\n"
        process.stdout.close()


@LINUX
def test_orphans_that_end_do_not_stay_as_zombies():
    with keeper("(true &); (true &); sleep 300 & echo there; wait") as process:
        sleepers_of(process, 1)
        deadline = time.monotonic() + 20
        while len(psutil.Process(process.pid).children()) > 1 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(psutil.Process(process.pid).children()) == 1
        os.kill(process.pid, signal.SIGTERM)
        process.wait(30)
