"""The supervision itself, on real processes small enough for a unit test."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from launch.settings import PROJECT
from tests.launch.test_keeper import sleeping

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
    Part(name, ["sh", "-c", command], os.environ, (folder / (name + ".ready")).exists, {ready_s!r})
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


@LINUX
@pytest.mark.parametrize("command", ["exec sleep 300", FAMILY, "trap '' TERM; setsid sleep 300 & wait"])
def test_sigkill_of_the_launcher_takes_its_processes_along(tmp_path, command):
    launcher = launch(tmp_path, {"ui": command, "other": command})
    family = family_of(launcher, 2)
    launcher.kill()
    assert_gone(family)
    launcher.communicate(timeout=30)


def test_one_that_ends_during_the_start_ends_all_and_is_named_with_its_last_words_and_log(tmp_path):
    launcher = launch(tmp_path, {"ui": FAMILY, "other": "sleep 1; echo out of paper; exit 3"})
    out, errors = launcher.communicate(timeout=30)
    assert launcher.returncode == 1
    assert (
        errors == f'cause: other ended with exit code 3 after "out of paper"; fix: see {tmp_path}/other.log\n'
    )
    assert "out of paper" in out
    assert "out of paper" in (tmp_path / "other.log").read_text()


def test_a_start_that_is_refused_with_a_cause_is_told_with_its_fix(tmp_path):
    launcher = launch(tmp_path, {"ui": FAMILY, "other": "echo 'cause: no paper; fix: buy some'; exit 1"})
    _, errors = launcher.communicate(timeout=30)
    assert (launcher.returncode, errors) == (1, "cause: other could not start: no paper; fix: buy some\n")


@pytest.mark.parametrize("code", [0, 143])  # java's own code after a SIGTERM from elsewhere is 143
def test_one_that_ends_during_the_start_is_a_failure_whatever_its_code(tmp_path, code):
    launcher = launch(tmp_path, {"ui": FAMILY, "other": f"exit {code}"})
    _, errors = launcher.communicate(timeout=30)
    assert launcher.returncode == 1
    assert f"other ended with exit code {code}" in errors


@pytest.mark.parametrize("code", [0, 3])
def test_one_that_ends_later_is_started_again_while_the_others_go_on(tmp_path, code):
    once = (
        f"echo out of paper; test -e {tmp_path}/again || {{ touch {tmp_path}/again; sleep 1; exit {code}; }}"
    )
    launcher = launch(tmp_path, {"ui": PAGE, "other": f"{once}; {FAMILY}"}, whole=True)
    said(launcher, "started")
    page = list(filter(sleeping, family_of(launcher, 1)))
    assert f'other ended with exit code {code} after "out of paper"' in said(launcher, "other ended")
    assert said(launcher, "launcher").endswith("| other is started again after 0.1 s\n")
    (tmp_path / "other.ready").touch()
    assert re.search(r"\| other is back \d+\.\d s after its end$", said(launcher, "is back").strip())
    family = family_of(launcher, 2)
    assert page[0] in family
    launcher.send_signal(signal.SIGTERM)
    _, errors = launcher.communicate(timeout=30)
    assert (launcher.returncode, errors) == (0, "")
    assert_gone(family)
    log = (tmp_path / "launcher.log").read_text()
    assert log.count("\n") == 3
    assert "other is back" in log


@LINUX
def test_what_a_killed_one_left_is_gone_before_it_is_started_again(tmp_path):
    deaf = "import signal as s; s.signal(s.SIGTERM, s.SIG_IGN); print('deaf', flush=True); s.pause()"
    (tmp_path / "deaf.py").write_text(deaf)
    look = f"kill -0 $(cat {tmp_path}/pid) && touch {tmp_path}/left"
    start = f"{sys.executable} {tmp_path}/deaf.py & echo $! > {tmp_path}/pid; wait"
    launcher = launch(tmp_path, {"ui": PAGE, "other": f"{look}; {start}"}, whole=True)
    for _ in range(2):
        said(launcher, "| deaf")
        keepers = psutil.Process(launcher.pid).children()
        keeper = next(one for one in keepers if "deaf" in " ".join(one.cmdline()))
        keeper.children()[0].kill()
        said(launcher, "other ended with SIGKILL")
    said(launcher, "| deaf")
    launcher.send_signal(signal.SIGTERM)
    launcher.communicate(timeout=30)
    assert not (tmp_path / "left").exists()


@LINUX
def test_a_killed_keeper_is_as_the_end_of_its_part(tmp_path):
    launcher = launch(tmp_path, {"ui": PAGE, "other": f"echo ready; {FAMILY}"}, whole=True)
    said(launcher, "ready")
    family = family_of(launcher, 2)
    keeper = next(
        one for one in psutil.Process(launcher.pid).children() if "ready" in " ".join(one.cmdline())
    )
    old = [keeper, *keeper.children(recursive=True)]
    keeper.kill()
    said(launcher, "other ended with SIGKILL")
    said(launcher, "ready")
    assert_gone(old)
    family += family_of(launcher, 2)
    launcher.send_signal(signal.SIGTERM)
    launcher.communicate(timeout=30)
    assert_gone(family)


def test_a_loop_of_failures_is_given_up_with_one_line_after_growing_pauses(tmp_path):
    launcher = launch(tmp_path, {"ui": FAMILY, "other": "sleep 0.5; echo out of paper; exit 3"}, whole=True)
    family = family_of(launcher, 1)
    out, errors = launcher.communicate(timeout=60)
    assert launcher.returncode == 1
    assert errors == (
        'cause: other is given up after 3 restarts: it ended with exit code 3 after "out of paper"; '
        f"fix: see {tmp_path}/other.log\n"
    )
    end = 'other ended with exit code 3 after "out of paper"'
    again = [f"other is started again after {pause} s" for pause in ("0.1", "0.2", "0.4")]
    assert told(out) == [end, again[0], end, again[1], end, again[2]]
    assert_gone(family)


def test_one_that_was_ready_for_long_enough_begins_anew_with_the_pauses(tmp_path):
    (tmp_path / "other.ready").touch()
    launcher = launch(
        tmp_path, {"ui": PAGE, "other": "sleep 2; exit 3"}, whole=True, pace=(0.1, 2, 0.5), ready_s=60
    )
    for _ in range(4):
        assert "after 0.1 s" in said(launcher, "started again")
    launcher.send_signal(signal.SIGTERM)
    _, errors = launcher.communicate(timeout=30)
    assert (launcher.returncode, errors) == (0, "")


def test_one_that_runs_again_but_does_not_get_ready_is_a_failure_too(tmp_path):
    deaf = f"test -e {tmp_path}/again || {{ touch {tmp_path}/again; sleep 1; exit 3; }}; exec sleep 300"
    launcher = launch(tmp_path, {"ui": FAMILY, "other": deaf}, whole=True, pace=(0.1, 1, 60.0), ready_s=0.5)
    family = family_of(launcher, 2)
    out, errors = launcher.communicate(timeout=60)
    assert launcher.returncode == 1
    assert "other was not ready within 0.5 s" in told(out)
    assert errors.startswith("cause: other is given up after 1 restarts: it ended with SIGTERM; fix: ")
    assert_gone(family)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_during_a_pause_leaves_nothing_and_does_not_wait(tmp_path, stop):
    launcher = launch(tmp_path, {"ui": PAGE, "other": "sleep 1; exit 3"}, whole=True, pace=(60.0, 3, 60.0))
    said(launcher, "started again after 60 s")
    family = family_of(launcher, 1)
    os.killpg(launcher.pid, stop)
    _, errors = launcher.communicate(timeout=30)
    assert (launcher.returncode, errors) == (0, "")
    assert_gone(family)


@pytest.mark.parametrize("delay_s", [0, 0.1, 0.3])
def test_a_stop_during_a_restart_leaves_nothing(tmp_path, delay_s):
    once = f"test -e {tmp_path}/again || {{ touch {tmp_path}/again; sleep 1; exit 3; }}"
    launcher = launch(tmp_path, {"ui": PAGE, "other": f"{once}; {FAMILY}"}, whole=True)
    said(launcher, "started again after 0.1 s")
    time.sleep(0.1 + delay_s)
    family = psutil.Process(launcher.pid).children(recursive=True)
    launcher.send_signal(signal.SIGTERM)
    _, errors = launcher.communicate(timeout=30)
    assert (launcher.returncode, errors) == (0, "")
    assert_gone(family)


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
