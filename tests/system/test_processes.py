"""A program is waited for, and ended with all that it started."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from system.files import PROJECT
from system.processes import cores, end, running, until
from tests.launch.shell_parts import LINUX, assert_gone, sleeping

pytestmark = pytest.mark.processes

# SIGINT is ignored from the start where the tests run in a shell's background.
DEAF = """
from signal import *
signal(SIGTERM, SIG_IGN)
signal(SIGINT, SIG_DFL)
print("on", flush=True)
pause()
"""


def test_where_the_system_does_not_say_which_cores_are_its_own_it_has_all(monkeypatch):
    assert 1 <= cores() <= os.cpu_count()
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)  # as on macOS
    assert cores() == os.cpu_count()


def test_what_runs_is_ended_with_the_block_and_its_children_too(tmp_path):
    with running(["sh", "-c", "sleep 300 & echo there; wait"], os.environ, tmp_path / "log") as server:
        family = until(lambda: [one for one in server.family() if sleeping(one)] and server.family(), 20)
        assert [one.name() for one in family] == ["sh", "sleep"]
        assert server.how_it_ended() is None
    assert_gone(family)
    assert server.family() == []
    assert (tmp_path / "log").read_text() == "there\n"


def test_what_is_stopped_is_ended_as_well(tmp_path):
    with running(["sleep", "300"], os.environ, tmp_path / "log") as server:
        family = until(server.family, 20)
        until(lambda: sleeping(family[0]), 20)
        family[0].suspend()
        began = time.monotonic()
    assert time.monotonic() - began < 5
    assert_gone(family)


@pytest.mark.parametrize(
    ("script", "how"),
    [
        ("echo no such module >&2; exit 3", "ended with 3 (no such module)"),
        ("kill -9 $$", "ended with -9 (it said nothing)"),
    ],
)
def test_one_that_ends_by_itself_says_how(tmp_path, script, how):
    with running(["sh", "-c", script], os.environ, tmp_path / "log") as server:
        assert until(server.how_it_ended, 20) == how


CALLER = """
import os, sys, time
from pathlib import Path
from system import stopping
from system.processes import running
stopping.raise_on_signals()
with running(["sleep", "300"], os.environ, Path(sys.argv[1])) as server:
    print(server.keeper.pid, flush=True)
    time.sleep(300)
"""


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_who_runs_it_ends_it_in_order(tmp_path, signum):
    command = [sys.executable, "-c", CALLER, str(tmp_path / "log")]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as caller:
        assert caller.stdout is not None
        keeper = int(caller.stdout.readline())
        caller.send_signal(signum)
        _, errors = caller.communicate(timeout=30)
    assert (caller.returncode, errors) == (128 + signum, b"")
    assert not psutil.pid_exists(keeper)


PATIENT = """
from system import stopping
stopping.raise_on_signals()
print("on", flush=True)
print(input())
"""


def test_what_nohup_has_started_goes_on_when_the_terminal_closes():
    command = ["nohup", sys.executable, "-c", PATIENT]
    piped = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=PROJECT, text=True, **piped) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "on\n"
        program.send_signal(signal.SIGHUP)
        assert program.communicate("done\n", timeout=30)[0] == "done\n"
    assert program.returncode == 0


@LINUX
def test_the_end_of_who_runs_it_ends_it_too(tmp_path):
    command = [sys.executable, "-c", CALLER, str(tmp_path / "log")]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE) as caller:
        assert caller.stdout is not None
        keeper = psutil.Process(int(caller.stdout.readline()))
        family = [keeper, *keeper.children(recursive=True)]
        caller.kill()
        assert_gone(family)


def test_until_gives_the_first_answer_that_is_true_and_the_last_one_in_vain():
    answers = iter(["", "", "yes", "later"])
    assert until(lambda: next(answers), 20, every_s=0) == "yes"
    began = time.monotonic()
    assert until(lambda: 0, 0.1, every_s=0.01) == 0
    assert 0.1 <= time.monotonic() - began < 5
    assert until(lambda: None, 0) is None


def test_one_signal_after_another_until_it_ends():
    deaf = subprocess.Popen([sys.executable, "-c", DEAF], stdout=subprocess.PIPE)
    assert deaf.stdout is not None
    deaf.stdout.readline()
    end(deaf, (signal.SIGTERM, 0.2), (signal.SIGINT, 20), (signal.SIGKILL, 20))
    assert deaf.returncode == -signal.SIGINT
    end(deaf, (signal.SIGKILL, 0))
    deaf.stdout.close()
