import os
import re
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import save_file

from launch import doctor
from launch.doctor import Finding, report
from launch.locks import LOCKS, pins
from launch.settings import read_settings
from system.files import PROJECT


def test_the_report_shows_each_advice_and_what_is_needed():
    text = report(
        [
            Finding("Python", "ok", "3.11.7"),
            Finding("Java", "need", "none", "make setup"),
            Finding("browser", "optional", "none", "apt install chromium"),
        ]
    )
    assert text.splitlines() == [
        "ok   Python       3.11.7",
        "NEED Java         none",
        "                  -> make setup",
        " -   browser      none",
        "                  -> apt install chromium",
        "",
        "`make run` needs: Java",
    ]


def test_with_everything_there_it_says_so():
    assert report([Finding("Python", "ok", "3.11.7")]).endswith("`make run` has all it needs")


def test_it_runs_before_anything_is_installed(tmp_path):
    # -S: without site-packages, as on a machine before `make setup`.
    done = subprocess.run(
        [sys.executable, "-S", "-m", "launch.doctor"],
        cwd=PROJECT,
        env={"PATH": "", "VAR_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    assert done.returncode == 1
    # The environment is there, without what it should hold.
    assert "NEED Java         no Java 17 or newer was found" in done.stdout
    assert "NEED database     no DATABASE_URL and no embedded PostgreSQL" in done.stdout
    assert len(done.stdout.splitlines()) <= 24


def test_before_setup_make_run_installs_what_is_absent(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "VENV", tmp_path)
    assert doctor.environment() == Finding("environment", "optional", "no .venv", "make run installs it")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert doctor.database(read_settings({})).advice == "make run installs it"


def test_with_an_unsupported_python_nothing_can_be_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "VENV", tmp_path)
    monkeypatch.setattr(doctor, "PYTHONS", ("2.7",))
    assert doctor.python().state == "need"
    assert doctor.environment() == Finding("environment", "need", "no .venv", "make setup")


def test_a_reader_that_has_enough_is_no_error():
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "launch.doctor"],
            cwd=PROJECT,
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("UI_HOST", "garbage"),
        ("TS_INFERENCE_ADDRESS", "http://0.0.0.0:80"),
        ("TS_CONFIG_FILE", "elsewhere.properties"),
        ("ANSWER_TIMEOUT_S", "abc"),
        ("IDLE_MINUTES", "abc"),
    ],
)
@pytest.mark.parametrize("program", ["launch.doctor", "launch.run"])
def test_what_make_run_refuses_is_one_line_in_both(program, key, value):
    done = subprocess.run(
        [sys.executable, "-m", program],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], key: value},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(rf"make \w+: cause: {key} is '{value}', expected .*; fix: .*\n", done.stderr)


def test_the_python_of_make_setup_is_found_or_told(tmp_path):
    find = ["sh", str(PROJECT / "launch" / "find_python.sh")]
    found = subprocess.run(find, env={**os.environ, "PYTHON": sys.executable}, capture_output=True, text=True)
    assert found.stdout.strip() == sys.executable
    none = subprocess.run(
        find, env={"PATH": "/usr/bin:/bin", "PYTHON": "nope"}, capture_output=True, text=True
    )
    assert (none.returncode, none.stdout) == (1, "")
    assert none.stderr == "no Python 3.11, 3.12 or 3.13 (looked for: nope)\n"


def test_a_wrong_setting_is_one_line():
    done = subprocess.run(
        [sys.executable, "-m", "launch.doctor"],
        cwd=PROJECT,
        env={"UI_PORT": "abc"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("make doctor: cause: UI_PORT is 'abc'")
    assert len(done.stderr.splitlines()) == 1


def test_an_environment_that_differs_from_the_lock_is_needed(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "VENV", tmp_path)
    assert doctor.environment().seen == "no .venv"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").touch()
    (tmp_path / "installed.lock").write_text("torch==1.0\n")
    assert doctor.environment().seen == ".venv does not match requirements/run.lock"


@pytest.mark.parametrize(("group", "groups"), [("run", "run"), ("dev", "run, train, dev")])
def test_an_environment_says_whose_lock_it_is_in_step_with(tmp_path, monkeypatch, group, groups):
    monkeypatch.setattr(doctor, "VENV", tmp_path)
    (tmp_path / "installed.lock").write_text("\n".join(pins(LOCKS[group])))
    found = doctor.environment()
    assert (found.state, found.seen) == ("ok", f".venv matches the locks of: {groups}")


def test_room_is_needed_for_what_is_not_installed_yet(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "VENV", tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=3e9))
    assert doctor.disk().seen == "3.0 GB free, expected at least 7 GB"
    assert "TORCH_INDEX" in doctor.disk().advice
    (tmp_path / "installed.lock").write_text("torch==1.0\n")
    assert doctor.disk().state == "ok"


@pytest.mark.parametrize(("made", "state"), [(["digits.safetensors"], "ok"), ([], "need")])
def test_a_missing_archive_is_needed_only_without_weights(tmp_path, made, state):
    for name in made:
        save_file({"weight": np.zeros(3, np.float32)}, tmp_path / name)
    settings = read_settings({"MODEL_STORE": str(tmp_path)})
    assert doctor.archive(settings).state == doctor.weights(settings).state == state


def test_weights_that_are_cut_off_are_needed_again(tmp_path):
    (tmp_path / "digits.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}")
    found = doctor.weights(read_settings({"MODEL_STORE": str(tmp_path)}))
    assert (found.state, "not a complete safetensors file" in found.seen) == ("need", True)


def test_mnist_is_found_where_the_variable_says(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_DIR", str(tmp_path))
    assert doctor.mnist().state == "optional"
    file = tmp_path / doctor.MNIST
    file.parent.mkdir(parents=True)
    file.touch()
    assert doctor.mnist() == Finding("MNIST", "ok", str(tmp_path))
