"""How a real TorchServe starts, why it does not, and that all of it ends with what is killed of it."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from guard.refusals import FILE
from launch.errors import LaunchError
from launch.settings import read_settings
from launch.temporary import running
from launch.torchserve import LONGEST_TMP, temporary_folder
from system.files import PROJECT
from tests.launch.own_archive import build, predict

BROKEN_HANDLER = """
class Broken:
    def initialize(self, context):
        raise KeyError("no such layer")

    def handle(self, requests, context):
        return []
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("store")
    build(store, "digits.mar", "1.0.0")
    build(store, "broken.mar", "1.0.0", BROKEN_HANDLER)
    (store / "cut.mar").write_bytes((store / "digits.mar").read_bytes()[:300])
    return store


@pytest.mark.integration
def test_a_worker_that_cannot_load_is_told_with_its_reason(store):
    failure = pytest.raises(LaunchError, match=r"died 2 times while loading: KeyError: 'no such layer'")
    with failure, running(store, "digits=broken.mar"):
        pass


@pytest.mark.integration
def test_an_archive_that_torchserve_cannot_read_is_told_with_its_reason(store):
    failure = pytest.raises(LaunchError, match=r"could not load cut: .*Unexpected end of ZLIB")
    with failure, running(store, "cut.mar"):
        pass


@pytest.mark.integration
def test_it_works_in_a_folder_whose_path_is_too_long_for_a_socket(store, tmp_path):
    deep = tmp_path / ("deep" * 30)
    with running(store, VAR_DIR=str(deep)) as server:
        assert predict(server)["label"] == "1.0.0"
    tmp = temporary_folder(read_settings({"VAR_DIR": str(deep)}))
    assert len(str(tmp)) <= LONGEST_TMP
    (tmp / "metrics" / FILE).unlink()  # the guard's
    for left in (tmp / "models", tmp / "metrics", tmp):
        left.rmdir()


@pytest.mark.integration
@pytest.mark.parametrize("killed", ["pid", "java_pid"])
def test_what_is_killed_takes_all_below_it_along(store, killed):
    with running(store) as server:
        below = psutil.Process(getattr(server, killed)).children(recursive=True)
        assert below
        os.kill(getattr(server, killed), signal.SIGKILL)
        _, alive = psutil.wait_procs(below, timeout=20)
        assert alive == []


def test_a_taken_port_is_one_line_and_no_java():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "launch.torchserve"],
            cwd=PROJECT,
            env={**os.environ, "METRICS_PORT": str(port)},
            capture_output=True,
            text=True,
        )
    assert done.returncode == 1
    assert done.stderr.startswith(f"cause: port {port} for TorchServe's metrics is taken by pid")
    assert len(done.stderr.splitlines()) == 1
