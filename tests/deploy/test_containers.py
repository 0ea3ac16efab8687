"""The deployed platform as it runs: what it answers, as whom, and where a password can be read."""

import json
import os
import re
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from tests.deploy.host import Host
from tests.deploy.visitors import Visitor, predict
from tests.served_model import NAMED

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1500)]

# What the page is told: the served models, or that it may not ask.
MANAGES = """
import sys
from pathlib import Path
from client.errors import Denied
from client.management import Management
try:
    token = Path(sys.argv[1]) if sys.argv[1:] else None
    print(*(status.model for status in Management("http://torchserve-management:8081", token).served()[0]))
except Denied as error:
    print(error)
"""
# Who runs what: the ones that have Python inside.
WITH_PYTHON = ("ui", "torchserve", "backup")


def rows(host: Host, sql: str) -> list[str]:
    return host.inside(
        "postgres", "psql", "--host=/var/run/postgresql", "--username=sketchserve", "-Atc", sql
    ).split()


def processes(host: Host) -> dict[str, list[int]]:
    """The ids of each service's processes, but for those by which Docker enters a container."""
    found: dict[str, list[int]] = {}
    for service in host.compose("ps", "--services").split():
        for container in host.containers(service):
            done = subprocess.run(
                ["docker", "top", container, "-eo", "pid,comm"], capture_output=True, text=True, check=True
            )
            table = [line.split() for line in done.stdout.splitlines()[1:]]
            found.setdefault(service, []).extend(
                int(pid) for pid, *name in table if not name[0].startswith("runc")
            )
    return found


def test_the_api_and_the_page_answer_through_the_proxy(host: Host):
    assert predict(requests.Session(), host.address) == "7"
    assert requests.get(f"{host.address}/health", timeout=20).json()["status"] == "ok"
    assert "Sketchserve" in requests.get(f"{host.address}/", timeout=20).text


def test_a_drawing_is_a_row_and_one_id_leads_to_it(host: Host):
    visitor = Visitor(host.address)
    assert visitor.draw() == "7"
    (request_id,) = visitor.request_ids
    deadline = time.monotonic() + 30
    while not (found := rows(host, f"SELECT id FROM predictions WHERE request_id = '{request_id}'")):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert found == visitor.kept
    for service in ("proxy", "ui", "torchserve"):
        assert request_id in host.compose("logs", service), service


def test_prometheus_gets_the_page_as_visitors_do(host: Host):
    address = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    command = ["docker", "inspect", "--format", address, *host.containers("prometheus")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    url = f"http://{done.stdout.strip()}:9090/api/v1/query?query=max(probe_success)"
    deadline = time.monotonic() + 60
    while (found := requests.get(url, timeout=20).json()["data"]["result"]) == [] or found[0]["value"][
        1
    ] != "1":
        assert time.monotonic() < deadline, found
        time.sleep(1)


def test_no_process_is_root_or_can_become_it(host: Host):
    for service, found in processes(host).items():
        for pid in found:
            try:
                lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            except (FileNotFoundError, ProcessLookupError):  # a health check that has ended
                continue
            status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
            assert "0" not in status["Uid"].split(), f"{service}: {status['Name']}"
            for kind in ("CapPrm", "CapEff", "CapBnd", "CapAmb"):
                assert int(status[kind], 16) == 0, f"{service}: {status['Name']} has {kind}"
            assert status["NoNewPrivs"] == "1", f"{service}: {status['Name']}"


def test_root_file_systems_cannot_be_written(host: Host):
    for service in WITH_PYTHON:
        done = host.compose("exec", "-T", service, "sh", "-c", "touch /app/x 2>&1; touch /x 2>&1; true")
        assert done.count("Read-only file system") == 2, f"{service}: {done}"


def test_init_runs_the_guard_and_that_runs_java(host: Host):
    container = host.containers("torchserve")[0]
    done = subprocess.run(
        ["docker", "top", container, "-eo", "pid,ppid,comm"], capture_output=True, text=True
    )
    table = [line.split() for line in done.stdout.splitlines()[1:]]
    (init,) = [pid for pid, _, name in table if name == "docker-init"]
    (guard,) = [pid for pid, parent, _ in table if parent == init]
    assert [name for _, parent, name in table if parent == guard] == ["java"]


def test_models_are_managed_with_the_token_that_the_page_has_and_not_without_it(host: Host):
    assert host.inside("ui", "python", "-c", MANAGES, "/secrets/management/token").split() == ["digits"]
    assert "TorchServe answers 401" in host.inside("ui", "python", "-c", MANAGES)
    assert host.inside("torchserve", "stat", "-c", "%a %u", "/secrets/management/token").split() == [
        "600",
        "10001",
    ]


def test_a_new_token_counts_at_once_for_all(host: Host):
    former = host.inside("ui", "cat", "/secrets/management/token")
    renew = "rm /secrets/management/token && python deploy/make_secrets.py"
    host.compose("run", "--rm", "--no-TTY", "secrets", "sh", "-c", renew)
    assert host.inside("ui", "cat", "/secrets/management/token") != former
    assert host.inside("ui", "python", "-c", MANAGES, "/secrets/management/token").split() == ["digits"]
    assert "has a ready worker" in host.inside("torchserve", "python", "-m", "launch.readiness")


def test_a_password_is_in_no_environment_command_line_log_image_or_container_setting(host: Host):
    passwords = {
        name: host.inside(service, "cat", path).split(":")[-1].split()[-1]
        for name, service, path in (
            ("sketchserve", "ui", "/secrets/app/pgpass"),
            ("monitor", "postgres", "/secrets/postgres/monitor"),
            ("management", "torchserve", "/secrets/management/token"),
        )
    }
    assert all(len(password) >= 20 for password in passwords.values())
    seen = {"logs": host.compose("logs"), ".env": (host.app / ".env").read_text()}
    for service, found in processes(host).items():
        for pid in found:
            for kind in ("environ", "cmdline"):
                with suppress(FileNotFoundError, ProcessLookupError):  # a health check that has ended
                    shown = Path(f"/proc/{pid}/{kind}").read_bytes()
                    seen[f"{service} {pid} {kind}"] = shown.decode("utf-8", "replace")
        for container in host.containers(service):
            done = subprocess.run(
                ["docker", "inspect", container], capture_output=True, text=True, check=True
            )
            seen[f"{service} settings"] = done.stdout
            image = json.loads(done.stdout)[0]["Image"]
            done = subprocess.run(["docker", "history", "--no-trunc", image], capture_output=True, text=True)
            seen[f"{service} image"] = done.stdout
    for where, text in seen.items():
        for name, password in passwords.items():
            assert password not in text, f"the password of {name} is in {where}"
    assert host.inside("ui", "stat", "-c", "%a %u", "/secrets/app/pgpass").split() == ["600", "10001"]


def test_the_password_that_postgres_image_leaves_in_its_environment_opens_nothing(host: Host):
    told = host.inside(
        "postgres", "sh", "-c", "tr '\\0' '\\n' </proc/1/environ | grep -c ^POSTGRES_PASSWORD_FILE="
    )
    assert told.strip() == "1"
    psql = ["psql", "--host=/var/run/postgresql", "--username=postgres", "-Atc"]
    sql = "SELECT count(*) FROM pg_authid WHERE rolname = 'postgres' AND rolpassword IS NULL"
    assert host.inside("postgres", *psql, sql).strip() == "1"


def test_three_torchserves_serve_and_killing_one_loses_no_request(host: Host):
    host.compose(
        "up", "--detach", "--wait", "--no-build", "--no-recreate", "--scale", "torchserve=3", "torchserve"
    )
    try:
        session = requests.Session()
        for index in range(150):
            if index == 50:
                subprocess.run(["docker", "kill", host.containers("torchserve")[0]], check=True)
            # Not asked again by us: that is the proxy's to do.
            assert predict(session, host.address) == "7", index
        time.sleep(1)
        # compose begins lines with a sequence for terminals, whatever it is told.
        lines = re.findall(r"\{.*\}", host.compose("logs", "--no-log-prefix", "proxy"))[-150:]
        asked = {one["upstream"].split(",")[0] for one in map(json.loads, lines) if one["route"] == "predict"}
        assert len(asked) == 3, "the proxy asks all of them in turn"
    finally:
        host.compose("up", "--detach", "--wait", "--no-build", "--scale", "torchserve=1")
    host.wait_until_whole()


def test_make_status_says_what_runs_and_what_is_wrong(host: Host):
    def status() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["make", "--no-print-directory", "status"],
            cwd=host.app,
            capture_output=True,
            text=True,
            timeout=120,
        )

    well = status()
    assert well.returncode == 0, well.stdout
    for words in (
        "torchserve",
        "healthy",
        f"{NAMED}, 2 ready workers",
        "newest backup",
        "nothing is wrong",
    ):
        assert words in well.stdout
    host.compose("stop", "backup")
    try:
        ill = status()
        assert ill.returncode != 0
        assert "backup-1 is exited" in ill.stdout
    finally:
        host.compose("start", "backup")
    host.wait_until_whole()


def test_make_verbs_wrap_compose(host: Host):
    def make(*arguments: str) -> str:
        environ = {key: value for key, value in os.environ.items() if not key.startswith("COMPOSE")}
        return subprocess.run(
            ["make", "--no-print-directory", *arguments],
            cwd=host.app,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        ).stdout

    assert "torchserve" in make("ps")
    assert "the page" in make("logs", "ARGS=ui")
    assert "predictions" in make("db-shell", "ARGS=-c '\\dt'")
