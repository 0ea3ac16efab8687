import os
import re
import signal
import subprocess
import sys
from contextlib import suppress

import psutil
import pytest
import requests

from bench import tune
from bench.load import Measured
from bench.tune import serve, served, settings_to_try, sweep
from launch.errors import LaunchError
from system.files import PROJECT
from system.processes import until
from tests.bench.tiny_server import needs_wrk
from training.own.setting import Setting

NOW = Setting(2, 16, 1)
UNBATCHED = Setting(2, 1, 1)
LATE = Setting(2, 16, 5)
SMALL = Setting(1, 16, 1)


def pair(rate, alone_ms, failures=None):
    alone = Measured(500, alone_ms, 2 * alone_ms, 100, {}, 0.1, 1.0)
    return alone, Measured(rate, 12.0, 20.0, 1000, failures or {}, 0.1, 1.0)


FOUND = {
    UNBATCHED: [pair(2000, 0.80), pair(2080, 0.84)],
    NOW: [pair(5000, 2.00), pair(5200, 2.10)],
    LATE: [pair(6000, 6.00), pair(6240, 6.30)],
    SMALL: [pair(3000, 1.95), pair(3120, 2.05)],
}


def test_delays_are_one_setting_where_nothing_is_batched():
    found = settings_to_try([1, 2], [1, 8], [1, 5], Setting(2, 8, 5))
    assert found[0] == Setting(2, 8, 5)
    assert found[1:] == [
        *(Setting(1, 1, 1), Setting(1, 8, 1), Setting(1, 8, 5)),
        *(Setting(2, 1, 1), Setting(2, 8, 1)),
    ]


def test_what_is_set_now_is_always_measured_and_first():
    assert settings_to_try([1], [4], [3], NOW) == [NOW, Setting(1, 4, 3)]


def test_the_table_is_sorted_by_throughput_and_marks_what_is_set_now():
    lines = tune.report(FOUND, NOW).splitlines()
    assert lines[2:6] == [
        "| 2 | 16 | 5 | 6,120 | 6,000 to 6,240 | 12.0 | 20.0 | 6.15 | none |  |",
        "| 2 | 16 | 1 | 5,100 | 5,000 to 5,200 | 12.0 | 20.0 | 2.05 | none | now |",
        "| 1 | 16 | 1 | 3,060 | 3,000 to 3,120 | 12.0 | 20.0 | 2.00 | none |  |",
        "| 2 | 1 | - | 2,040 | 2,000 to 2,080 | 12.0 | 20.0 | 0.82 | none |  |",
    ]
    assert {line.count("|") for line in lines[:6]} == {11}


def test_the_best_settings_are_named_as_the_lines_to_write():
    said = tune.report(FOUND, NOW)
    block = "```yaml\nminWorkers: 2\nmaxWorkers: 2\nbatchSize: {}\nmaxBatchDelay: {}\n```"
    assert f"The most requests/s:\n\n{block.format(16, 5)}" in said
    assert f"The shortest wait of one client:\n\n{block.format(1, 1)}" in said
    assert "handler/model-config.yaml" in said
    assert "The most requests/s, as configured now:" in tune.report(FOUND, LATE)


def test_a_setting_that_refused_requests_is_shown_and_not_named():
    refusing = Setting(4, 16, 5)
    said = tune.report({**FOUND, refusing: [pair(9000, 0.1, {503: 7})] * 2}, NOW)
    assert "| 4 | 16 | 5 | 9,000 | 9,000 to 9,000 | 12.0 | 20.0 | 0.10 | 503: 14 |  |" in said
    assert "minWorkers: 4" not in said
    assert "No setting answered every request" in tune.report({refusing: [pair(1, 1, {503: 7})]}, NOW)


@pytest.mark.parametrize("arguments", [["--delay", "0"], ["--workers", "0"], ["--batch", "-1"]])
def test_nonsense_is_refused_before_anything_starts(arguments, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["tune", *arguments])
    with pytest.raises(SystemExit):
        tune.main()
    assert "must be above 0" in capsys.readouterr().err


def test_it_tells_how_many_workers_to_try_where_the_system_does_not_say_which_cores_are_its_own(
    monkeypatch, capsys
):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)  # as on macOS
    monkeypatch.setattr(sys, "argv", ["tune", "--help"])
    with pytest.raises(SystemExit, match="0"):
        tune.main()
    assert str(sorted({1, os.cpu_count()})) in capsys.readouterr().out


def test_every_other_round_goes_backwards_and_a_setting_that_fails_is_left_out(monkeypatch, capsys):
    class Nowhere:
        inference_url = "http://127.0.0.1:1"

    asked, found = [], {}

    def serve(server, setting):
        asked.append(setting)
        if setting == SMALL:
            raise LaunchError("0 of 1 workers were ready", "see its logs")

    monkeypatch.setattr(tune, "serve", serve)
    monkeypatch.setattr(tune, "load", lambda *_: pair(1, 1)[0])
    monkeypatch.setattr(tune, "wait_for_answer", lambda *_: None)
    sweep(Nowhere(), [UNBATCHED, SMALL, NOW], 3, found)
    assert asked == [UNBATCHED, SMALL, NOW, NOW, UNBATCHED, UNBATCHED, NOW]
    assert {setting: len(pairs) for setting, pairs in found.items()} == {UNBATCHED: 3, NOW: 3}
    assert f"left out: {SMALL} (cause: 0 of 1 workers were ready" in capsys.readouterr().err


def workers_of(server):
    found = []
    for child in psutil.Process(server.pid).children(recursive=True):
        with suppress(psutil.Error):  # those of the setting before are ending
            found += [child] if any("model_service_worker" in word for word in child.cmdline()) else []
    return found


@pytest.mark.alone
@pytest.mark.integration
def test_the_settings_asked_for_are_those_that_serve(torchserve):
    before = served(torchserve)
    try:
        for wanted in (Setting(1, 4, 3), Setting(2, 1, 1)):
            serve(torchserve, wanted)
            assert served(torchserve) == wanted
            assert until(lambda: len(workers_of(torchserve)) == wanted.workers, 10)  # noqa: B023
            picture = (PROJECT / "docs" / "seven.png").read_bytes()
            url = f"{torchserve.inference_url}/predictions/digits"
            assert requests.post(url, data=picture, timeout=30).json()["label"] == "7"
    finally:
        serve(torchserve, before)


# The command with a warm-up of Java that is enough for a test.
QUICK = """
import sys
from bench import tune
tune.JAVA_WARM_UP_S = tune.SECONDS = tune.ROUNDS = 1
sys.exit(tune.main())
"""


def started(tmp_path):
    command = [sys.executable, "-c", QUICK, "--workers", "1", "--batch", "4", "--delay", "3"]
    return subprocess.Popen(
        command,
        cwd=PROJECT,
        env={**os.environ, "VAR_DIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A test run that was itself started in the background ignores Ctrl-C, and its children would, too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


@needs_wrk
@pytest.mark.alone
@pytest.mark.integration
def test_the_command_measures_and_names_the_best(tmp_path):
    with started(tmp_path) as command:
        said, progress = command.communicate(timeout=280)
    assert command.returncode == 0, progress
    assert said.strip() == (tmp_path / "bench" / "tune.md").read_text().strip()
    assert len(re.findall(r"^\| (1 \| 4 \| 3|2 \| 16 \| 1) \|", said, re.MULTILINE)) == 2
    assert said.count("```yaml") == 2


def in_session(leader):
    found = []
    for process in psutil.process_iter():
        try:
            found += [process] if os.getsid(process.pid) == leader else []
        except OSError:
            continue
    return found


@needs_wrk
@pytest.mark.alone
@pytest.mark.integration
def test_ctrl_c_prints_what_was_measured_and_leaves_nothing_behind(tmp_path):
    with started(tmp_path) as command:
        for line in command.stderr:
            if "one client p50" in line:
                break
        # As a terminal does: to the whole group, TorchServe among it.
        os.killpg(command.pid, signal.SIGINT)
        said, progress = command.communicate(timeout=60)
    assert command.returncode == 130, progress
    assert "| 2 | 16 | 1 |" in said
    assert "| 1 | 4 | 3 |" not in said
    assert in_session(command.pid) == []
