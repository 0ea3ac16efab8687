"""The supervision itself, on real processes small enough for a unit test."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from launch.settings import PROJECT

# Runs the given commands under `Platform`, as launch/run.py does.
LAUNCHER = """
import sys, time
from pathlib import Path
from launch.errors import LaunchError
from launch.processes import Platform

def started(platform):
    print("started", flush=True)
    if {failing!r}:
        raise LaunchError("a part is not ready", "wait")

platform = Platform(Path(sys.argv[1]), started)
for name, command in {commands!r}.items():
    platform.add_process(name, command)
try:
    platform.run()
except LaunchError as error:
    sys.exit(str(error))
"""
# A shell with a child of its own.
FAMILY = "sleep 300 & echo child; wait"


def launch(log_dir: Path, commands: dict[str, str], failing: bool = False) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", LAUNCHER.format(commands=commands, failing=failing), str(log_dir)],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def family_of(process: subprocess.Popen[str], count: int) -> list[psutil.Process]:
    """The launcher's descendants, once there are as many as expected."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        family = psutil.Process(process.pid).children(recursive=True)
        if sum(member.name() == "sleep" for member in family) == count:
            return family
        time.sleep(0.05)
    raise AssertionError(f"expected {count} sleeping grandchildren, got {family}")


def assert_gone(family: list[psutil.Process]) -> None:
    deadline = time.monotonic() + 10
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


def test_sigterm_leaves_neither_children_nor_grandchildren(tmp_path):
    launcher = launch(tmp_path, {"ui": FAMILY, "other": FAMILY})
    family = family_of(launcher, 2)
    launcher.send_signal(signal.SIGTERM)
    _, errors = launcher.communicate(timeout=30)
    assert (launcher.returncode, errors) == (0, "")
    assert_gone(family)


def test_ctrl_c_to_the_whole_group_leaves_nothing(tmp_path):
    launcher = launch(tmp_path, {"ui": FAMILY, "other": FAMILY})
    family = family_of(launcher, 2)
    os.killpg(launcher.pid, signal.SIGINT)
    _, errors = launcher.communicate(timeout=30)
    assert (launcher.returncode, errors) == (0, "")
    assert_gone(family)


def test_sigkill_of_the_launcher_takes_its_processes_along(tmp_path):
    launcher = launch(tmp_path, {"ui": "exec sleep 300", "other": "exec sleep 300"})
    family = family_of(launcher, 2)
    launcher.kill()
    launcher.communicate(timeout=30)
    assert_gone(family)


def test_one_that_ends_by_itself_ends_all_and_is_named_with_its_last_words_and_log(tmp_path):
    launcher = launch(tmp_path, {"ui": FAMILY, "other": "sleep 1; echo out of paper; exit 3"})
    out, errors = launcher.communicate(timeout=30)
    assert launcher.returncode == 1
    assert (
        errors == f'cause: other ended with exit code 3 after "out of paper"; fix: see {tmp_path}/other.log\n'
    )
    assert "out of paper" in out
    assert "out of paper" in (tmp_path / "other.log").read_text()


@pytest.mark.parametrize("code", [0, 143])  # java's own code after a SIGTERM from elsewhere is 143
def test_one_that_ends_by_itself_is_a_failure_whatever_its_code(tmp_path, code):
    launcher = launch(tmp_path, {"ui": FAMILY, "other": f"exit {code}"})
    _, errors = launcher.communicate(timeout=30)
    assert launcher.returncode == 1
    assert f"other ended with exit code {code}" in errors


def test_what_is_not_ready_ends_all_with_its_own_line(tmp_path):
    launcher = launch(tmp_path, {"ui": FAMILY, "other": FAMILY}, failing=True)
    _, errors = launcher.communicate(timeout=30)
    assert (launcher.returncode, errors) == (1, "cause: a part is not ready; fix: wait\n")


def test_the_page_is_stopped_before_the_rest(tmp_path):
    last = "trap 'echo bye; exit' TERM; sleep 300 & wait"
    ui = f"trap 'sleep 1; date +%s%N > {tmp_path}/ui; exit' TERM; sleep 300 & wait"
    other = f"trap 'date +%s%N > {tmp_path}/other; exit' TERM; sleep 300 & wait"
    launcher = launch(tmp_path, {"other": other, "ui": ui, "third": last})
    family = family_of(launcher, 3)
    launcher.send_signal(signal.SIGTERM)
    launcher.communicate(timeout=30)
    assert int((tmp_path / "ui").read_text()) < int((tmp_path / "other").read_text())
    assert_gone(family)


def test_a_closed_terminal_is_an_orderly_stop(tmp_path):
    talker = f"trap 'echo done > {tmp_path}/stopped; exit' TERM; while :; do echo talk; sleep 0.1; done"
    launcher = launch(tmp_path, {"ui": talker})
    assert launcher.stdout is not None
    assert launcher.stderr is not None
    launcher.stdout.readline()
    launcher.stdout.close()
    assert launcher.wait(timeout=30) == 0
    assert launcher.stderr.read() == ""
    launcher.stderr.close()
    assert (tmp_path / "stopped").read_text() == "done\n"
