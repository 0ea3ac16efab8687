"""A part that ends is started again, with growing pauses, until it is given up."""

import os
import re
import signal
import sys
import time

import psutil
import pytest

from tests.launch.shell_parts import (
    FAMILY,
    LINUX,
    PAGE,
    assert_gone,
    family_of,
    keeper_of,
    launch,
    said,
    told,
)

pytestmark = pytest.mark.processes


@pytest.mark.parametrize("code", [0, 3])
def test_one_that_ends_later_is_started_again_while_the_others_go_on(tmp_path, code):
    once = (
        f"echo out of paper; test -e {tmp_path}/again || {{ touch {tmp_path}/again; sleep 1; exit {code}; }}"
    )
    launcher = launch(tmp_path, {"ui": PAGE, "other": f"{once}; {FAMILY}"}, whole=True)
    said(launcher, "started")
    page = keeper_of(launcher, "trap")
    assert f'other ended with exit code {code} after "out of paper"' in said(launcher, "other ended")
    assert said(launcher, "launcher").endswith("| restarting other in 0.1 s\n")
    (tmp_path / "other.ready").touch()
    assert re.search(r"\| other is back, \d+\.\d s after it ended$", said(launcher, "is back").strip())
    family = family_of(launcher, 2)
    assert page in family
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
        keeper_of(launcher, "deaf").children()[0].kill()
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
    keeper = keeper_of(launcher, "ready")
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
        'cause: other did not stay up after 3 restarts: it ended with exit code 3 after "out of paper"; '
        f"fix: see {tmp_path}/other.log\n"
    )
    end = 'other ended with exit code 3 after "out of paper"'
    again = [f"restarting other in {pause} s" for pause in ("0.1", "0.2", "0.4")]
    assert told(out) == [end, again[0], end, again[1], end, again[2]]
    assert_gone(family)


def test_one_that_is_given_up_with_a_cause_is_told_with_its_fix(tmp_path):
    says = "sleep 0.2; echo 'cause: no paper; fix: buy some'; exit 2"
    launcher = launch(tmp_path, {"ui": FAMILY, "other": says}, whole=True, pace=(0.1, 1, 60.0))
    _, errors = launcher.communicate(timeout=60)
    assert (launcher.returncode, errors) == (
        1,
        "cause: other did not stay up after 1 restarts: no paper; fix: buy some\n",
    )


def test_one_that_was_ready_for_long_enough_begins_anew_with_the_pauses(tmp_path):
    (tmp_path / "other.ready").touch()
    launcher = launch(
        tmp_path, {"ui": PAGE, "other": "sleep 2; exit 3"}, whole=True, pace=(0.1, 2, 0.5), ready_s=60
    )
    for _ in range(4):
        assert "in 0.1 s" in said(launcher, "restarting")
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
    assert errors.startswith("cause: other did not stay up after 1 restarts: it ended with SIGTERM; fix: ")
    assert_gone(family)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_during_a_pause_leaves_nothing_and_does_not_wait(tmp_path, stop):
    launcher = launch(tmp_path, {"ui": PAGE, "other": "sleep 1; exit 3"}, whole=True, pace=(60.0, 3, 60.0))
    said(launcher, "restarting other in 60 s")
    family = family_of(launcher, 1)
    os.killpg(launcher.pid, stop)
    _, errors = launcher.communicate(timeout=30)
    assert (launcher.returncode, errors) == (0, "")
    assert_gone(family)


@pytest.mark.parametrize("delay_s", [0, 0.1, 0.3])
def test_a_stop_during_a_restart_leaves_nothing(tmp_path, delay_s):
    once = f"test -e {tmp_path}/again || {{ touch {tmp_path}/again; sleep 1; exit 3; }}"
    launcher = launch(tmp_path, {"ui": PAGE, "other": f"{once}; {FAMILY}"}, whole=True)
    said(launcher, "restarting other in 0.1 s")
    time.sleep(0.1 + delay_s)
    family = psutil.Process(launcher.pid).children(recursive=True)
    launcher.send_signal(signal.SIGTERM)
    _, errors = launcher.communicate(timeout=30)
    assert (launcher.returncode, errors) == (0, "")
    assert_gone(family)


@LINUX
@pytest.mark.parametrize(("pause_s", "words"), [(60.0, "restarting other in 60 s"), (0.1, "| again")])
def test_a_killed_launcher_takes_all_along_in_a_pause_and_after_a_restart(tmp_path, pause_s, words):
    once = f"test -e {tmp_path}/again || {{ touch {tmp_path}/again; sleep 1; exit 3; }}"
    other = f"{once}; echo again; {FAMILY}"
    launcher = launch(tmp_path, {"ui": PAGE, "other": other}, whole=True, pace=(pause_s, 3, 60.0))
    said(launcher, words)
    family = psutil.Process(launcher.pid).children(recursive=True)
    launcher.kill()
    assert_gone(family)
    launcher.communicate(timeout=30)
