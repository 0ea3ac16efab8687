"""Where TorchServe's APIs listen: an address of this machine, found by a name that others share."""

import socket
import subprocess
import sys

import pytest
import requests

from launch import ports
from launch.errors import LaunchError
from launch.settings import read_settings
from launch.temporary import TorchServe
from launch.torchserve import at_own_addresses, environment
from system.files import PROJECT
from tests.management import manage


@pytest.mark.parametrize(
    ("host", "address"), [("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1"), ("0.0.0.0", "0.0.0.0")]
)
def test_a_host_is_the_address_that_this_machine_has(host, address):
    assert ports.own_address("INFERENCE_HOST", host) == address


def test_of_a_name_that_containers_share_the_own_address_is_taken(monkeypatch):
    def shared(host, port, *_):
        kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*kind, (address, port)) for address in ("192.0.2.1", "127.0.0.3", "192.0.2.2")]

    with monkeypatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", shared)
        # What binds the probe asks again, for one address.
        patched.setattr(ports, "try_to_bind", bind_own)
        assert ports.own_address("METRICS_HOST", "torchserve-metrics") == "127.0.0.3"


def bind_own(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.bind((host, port))


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-name.invalid", "x" * 300])
def test_a_host_that_is_not_of_this_machine_is_one_line_that_names_its_key(host):
    with pytest.raises(LaunchError, match=r"MANAGEMENT_HOST is .* expected an IPv4 address of this machine"):
        at_own_addresses(read_settings({"MANAGEMENT_HOST": host}))


def test_java_is_told_where_each_api_listens_and_workers_do_not_report_to_the_makers_of_their_libraries(
    tmp_path,
):
    settings = read_settings(
        {"INFERENCE_HOST": "127.0.0.2", "MANAGEMENT_HOST": "127.0.0.3", "METRICS_HOST": "127.0.0.4"}
    )
    told = environment(settings, tmp_path, {})
    assert told["TS_INFERENCE_ADDRESS"] == f"unix:{tmp_path}/inference"
    assert told["TS_MANAGEMENT_ADDRESS"] == f"unix:{tmp_path}/management"
    assert told["TS_METRICS_ADDRESS"] == "http://127.0.0.4:8082"
    assert told["ORT_DISABLE_TELEMETRY"] == "1"


def ask(server: TorchServe, model: str) -> subprocess.CompletedProcess[str]:
    port = server.management_url.rpartition(":")[2]
    return subprocess.run(
        [sys.executable, "-m", "launch.readiness"],
        cwd=PROJECT,
        env={"MODEL": model, "MANAGEMENT_PORT": port, "VAR_DIR": str(server.log_dir.parent)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.integration
def test_the_health_check_asks_for_a_worker_and_not_for_a_ping(torchserve: TorchServe):
    well = ask(torchserve, "digits")
    assert (well.returncode, well.stderr) == (0, "")
    manage(torchserve, "PUT", "/digits", min_worker=0, synchronous="true").raise_for_status()
    try:
        assert requests.get(f"{torchserve.inference_url}/ping", timeout=10).json()["status"] == "Healthy"
        ill = ask(torchserve, "digits")
        assert ill.returncode == 1
        assert ill.stderr.startswith("launch.readiness: digits has no ready worker at http://127.0.0.1:")
    finally:
        two = {"min_worker": 2, "max_worker": 2, "synchronous": "true"}
        manage(torchserve, "PUT", "/digits", **two).raise_for_status()
    assert ask(torchserve, "no-such-model").returncode == 1
