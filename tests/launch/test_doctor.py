import subprocess
import sys

import pytest

from launch import doctor
from launch.doctor import Finding, report
from launch.settings import PROJECT, read_settings


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
    assert "NEED Java         no Java 17 or newer was found" in done.stdout
    assert "NEED database     no DATABASE_URL and no embedded PostgreSQL" in done.stdout
    assert len(done.stdout.splitlines()) <= 24


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
    assert doctor.environment().state == "need"
    (tmp_path / "installed.lock").write_bytes(doctor.LOCK.read_bytes())
    assert doctor.environment().state == "ok"


@pytest.mark.parametrize(("made", "state"), [(["digits.safetensors"], "ok"), ([], "need")])
def test_a_missing_archive_is_needed_only_without_weights(tmp_path, made, state):
    for name in made:
        (tmp_path / name).write_bytes(b"weights")
    assert doctor.archive(read_settings({"MODEL_STORE": str(tmp_path)})).state == state


def test_mnist_is_found_where_the_variable_says(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_DIR", str(tmp_path))
    assert doctor.mnist().state == "optional"
    file = tmp_path / doctor.MNIST
    file.parent.mkdir(parents=True)
    file.touch()
    assert doctor.mnist() == Finding("MNIST", "ok", str(tmp_path))
