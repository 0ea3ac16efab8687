"""The parts start together, and end together, whatever ends them."""

import os
import signal

import pytest

from tests.launch.shell_parts import (
    FAMILY,
    LINUX,
    assert_gone,
    family_of,
    launch,
)

pytestmark = pytest.mark.processes


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
