import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile

import psutil
import pytest
import requests
import yaml

from bench import tune
from bench.measured import Measured
from bench.process_group import family
from bench.tune_advice import Visit
from bench.tune_setting import Setting, SettingError, check_applied, present, serving, setting, variant
from launch.settings import PROJECT

NOW = Setting(2, 16, 1)
UNBATCHED = Setting(2, 1, 1)
SMALL = Setting(1, 16, 1)


def visit(measured_setting):
    measured = Measured(500, 2.0, 4.0, 100, {}, 0.1, "wrk", 1.0)
    return Visit(measured_setting, measured, measured)


def archive_with(folder, config):
    path = folder / "digits.mar"
    with zipfile.ZipFile(path, "w") as packed:
        model = {"modelName": "digits", "modelVersion": "1.0", "configFile": "model-config.yaml"}
        packed.writestr("MAR-INF/MANIFEST.json", json.dumps({"model": model}))
        packed.writestr("model-config.yaml", config)
        packed.writestr("network.onnx", b"weights")
    return path


def test_delays_are_one_setting_where_nothing_is_batched():
    found = tune.combinations([1, 2], [1, 8], [1, 5], Setting(2, 8, 5))
    assert found[0] == Setting(2, 8, 5)
    assert found[1:] == [
        *(Setting(1, 1, 1), Setting(1, 8, 1), Setting(1, 8, 5)),
        *(Setting(2, 1, 1), Setting(2, 8, 1)),
    ]
    assert setting(2, 1, 50) == UNBATCHED


def test_what_is_set_now_is_always_measured_and_first():
    assert tune.combinations([1], [4], [3], NOW) == [NOW, Setting(1, 4, 3)]


def test_every_other_round_goes_backwards():
    assert tune.in_rounds([SMALL, NOW], 3) == [SMALL, NOW, NOW, SMALL, SMALL, NOW]


def test_the_default_sweep_of_two_cores_is_planned_to_end_within_five_minutes(monkeypatch):
    monkeypatch.setattr(tune, "_cores", lambda: 2)
    monkeypatch.setattr(sys, "argv", ["tune"])
    given = tune._arguments()
    settings = tune.combinations(given.workers, given.batch, given.delay, NOW)
    assert tune.planned_s(len(settings), given) <= 300


def test_the_present_setting_is_read_from_the_archive(tmp_path):
    text = "minWorkers: 3\nmaxWorkers: 3\nbatchSize: 4\nmaxBatchDelay: 7\nresponseTimeout: 30\n"
    assert present(archive_with(tmp_path, text)) == Setting(3, 4, 7)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("minWorkers: 3\nmaxWorkers: 3\nbatchSize: 4\n", "'maxBatchDelay': None"),
        ("minWorkers: 0\nmaxWorkers: 3\nbatchSize: 4\nmaxBatchDelay: 1\n", "'minWorkers': 0"),
        ("- minWorkers", "'minWorkers': None"),
        ("a: [", "is not YAML"),
    ],
)
def test_a_configuration_without_a_setting_is_refused(tmp_path, text, expected):
    with pytest.raises(SettingError, match=expected):
        present(archive_with(tmp_path, text))


def test_a_variant_differs_from_the_archive_in_the_setting_alone(tmp_path):
    archive = archive_with(tmp_path, "minWorkers: 2\nmaxWorkers: 2\nresponseTimeout: 30\n")
    copy = variant(archive, Setting(1, 4, 3))
    assert copy.name == "digits-w1-b4-d3.mar"
    with zipfile.ZipFile(archive) as before, zipfile.ZipFile(copy) as after:
        assert before.namelist() == after.namelist()
        for name in ("MAR-INF/MANIFEST.json", "network.onnx"):
            assert before.read(name) == after.read(name)
        assert yaml.safe_load(after.read("model-config.yaml")) == {
            "minWorkers": 1,
            "maxWorkers": 1,
            "batchSize": 4,
            "maxBatchDelay": 3,
            "responseTimeout": 30,
        }


def test_a_setting_that_was_not_applied_is_an_error():
    applied = {**NOW.entries(), "modelName": "digits"}
    check_applied(applied, NOW)
    with pytest.raises(SettingError, match="'maxBatchDelay': 100"):
        check_applied({**applied, "maxBatchDelay": 100}, NOW)


@pytest.mark.parametrize("arguments", [["--delay", "0"], ["--workers", "0"], ["--seconds", "-1"]])
def test_nonsense_is_refused_before_anything_starts(arguments, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["tune", *arguments])
    with pytest.raises(SystemExit):
        tune.main()
    assert "must be above 0" in capsys.readouterr().err


def test_an_archive_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["tune", "--archive", str(tmp_path / "no.mar")])
    with pytest.raises(SystemExit, match="there is no archive at"):
        tune.main()


def test_a_setting_that_fails_is_left_out_and_does_not_end_the_sweep(monkeypatch, capsys):
    sweep, asked = tune.Sweep(), []

    def measure(server, archive, wanted, files, given):
        asked.append(wanted)
        if wanted == SMALL:
            raise SettingError("0 of 1 workers were ready")
        return visit(wanted)

    monkeypatch.setattr(tune, "measure", measure)
    monkeypatch.setattr(tune, "survives", lambda server: True)
    left = tune.in_rounds([UNBATCHED, SMALL, NOW], 2)
    tune._visit(sweep, left, None, None, None)
    assert asked == [UNBATCHED, SMALL, NOW, NOW, UNBATCHED]
    assert [one.setting for one in sweep.visits] == [UNBATCHED, NOW, NOW, UNBATCHED]
    assert sweep.failed == {SMALL: "0 of 1 workers were ready"}
    assert "1 worker, batch 16, delay 1 ms: left out (0 of 1 workers were ready)" in capsys.readouterr().err


def test_what_is_left_waits_for_another_server_where_one_was_brought_down(monkeypatch):
    def measure(server, archive, wanted, files, given):
        raise requests.ConnectionError("refused")

    monkeypatch.setattr(tune, "measure", measure)
    monkeypatch.setattr(tune, "survives", lambda server: False)
    sweep, left = tune.Sweep(), [SMALL, NOW]
    tune._visit(sweep, left, None, None, None)
    assert left == [NOW]
    assert sweep.failed == {SMALL: "refused"}


def workers_of(server):
    children = psutil.Process(server.pid).children(recursive=True)
    return [child for child in children if any("model_service_worker" in word for word in child.cmdline())]


@pytest.mark.integration
def test_the_settings_asked_for_are_those_that_serve(torchserve, model_store):
    archive = model_store / "digits.mar"
    before = len(workers_of(torchserve))
    for wanted in (Setting(1, 4, 3), Setting(2, 1, 1)):
        with serving(torchserve, archive, wanted) as url:
            name = url.rpartition("/")[2]
            described = requests.get(f"{torchserve.management_url}/models/{name}", timeout=10).json()[0]
            assert (described["batchSize"], described["maxBatchDelay"]) == (wanted.batch, wanted.delay_ms)
            assert [worker["status"] for worker in described["workers"]] == ["READY"] * wanted.workers
            assert len(workers_of(torchserve)) == before + wanted.workers
            picture = (PROJECT / "docs" / "seven.png").read_bytes()
            assert requests.post(url, data=picture, timeout=30).json()["label"] == "7"
        assert requests.get(f"{torchserve.management_url}/models/{name}", timeout=10).status_code == 404
        (model_store / f"{name}.mar").unlink()


def started(model_store, tmp_path, *arguments):
    store = tmp_path / "store"
    store.mkdir()
    command = [
        *(sys.executable, "-m", "bench.tune", "--archive", shutil.copy(model_store / "digits.mar", store)),
        *("--workers", "1", "--batch", "4", "--delay", "3", "--clients", "4", "--seconds", "0.3"),
        *("--warm-up", "0.3", "--java-warm-up", "0.3", "--out", str(tmp_path), *arguments),
    ]
    return subprocess.Popen(
        command,
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A test run that was itself started in the background ignores Ctrl-C, and its children would, too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


@pytest.mark.integration
def test_the_command_measures_and_advises(model_store, tmp_path):
    with started(model_store, tmp_path, "--rounds", "1") as command:
        said, progress = command.communicate(timeout=280)
    assert command.returncode == 0, progress
    assert said.strip() == (tmp_path / "tune.md").read_text().strip()
    assert "| 1 | 4 | 3 |" in said
    assert "| 2 | 16 | 1 |" in said
    found = json.loads((tmp_path / "tune.json").read_text())
    settings = [one["setting"] for one in found["visits"]]
    assert settings == [
        {"workers": 2, "batch": 16, "delay_ms": 1},
        {"workers": 1, "batch": 4, "delay_ms": 3},
    ]
    assert all(one["busy"]["requests_per_s"] > 0 and one["lone"]["p50_ms"] > 0 for one in found["visits"])
    assert (found["failed"], found["ended"]) == ([], "")


@pytest.mark.integration
def test_ctrl_c_prints_what_was_measured_and_leaves_nothing_behind(model_store, tmp_path):
    with started(model_store, tmp_path, "--rounds", "50") as command:
        for line in command.stderr:
            if "one client p50" in line:
                break
        # As a terminal does: to the whole group, TorchServe among it.
        os.killpg(command.pid, signal.SIGINT)
        said, progress = command.communicate(timeout=60)
    assert command.returncode == 130, progress
    assert "Ended early (Ctrl-C): 1 of 100 measurements were made." in said
    assert "| 2 | 16 | 1 |" in said
    assert family(command.pid) == []
