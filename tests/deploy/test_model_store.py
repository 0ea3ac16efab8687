"""The model store that containers share: what is put there answers, also after a restart. And the loop."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from system import known_archives
from tests.deploy.host import Host
from tests.served_model import VERSION as OLD
from tests.served_model import as_version

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1500)]

NEW = "9.0.0"
# The driver looks every two seconds, and workers start beside those that answer.
PATIENCE_S = 240
BUILD_S = 900
METRICS = "import urllib.request as r; print(r.urlopen('http://loop-metrics:9189/metrics').read().decode())"
SEVEN = Path(__file__).parents[2] / "docs" / "seven.png"


def psql(host: Host, sql: str) -> list[str]:
    command = ["psql", "--host=/var/run/postgresql", "--username=sketchserve", "-Atc", sql]
    return host.inside("postgres", *command).split()


def wait_until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.5)


def answering(host: Host) -> str:
    """Return the version that answers whoever names none, "" where nobody does."""
    try:
        answer = requests.post(f"{host.address}/predict", data=SEVEN.read_bytes(), timeout=10)
    except requests.RequestException:
        return ""
    return str(answer.json()["version"]) if answer.status_code == 200 else ""


def put(host: Host, archive: Path) -> None:
    """Put an archive into the store, as the documents say."""
    into = ["models", "sh", "-c", f"cat >/models/{archive.name}"]
    with archive.open("rb") as content:
        subprocess.run(
            ["docker", "compose", "run", "--rm", "--no-TTY", *into],
            cwd=host.app,
            stdin=content,
            capture_output=True,
            check=True,
            timeout=120,
        )


def candidate(host: Host, folder: Path) -> Path:
    """Return the release's archive as another version."""
    built = folder / "digits.mar"
    host.compose("cp", "torchserve:/models/digits.mar", str(built))
    return as_version(NEW, built, folder / f"digits-{NEW}.mar")


def test_a_version_that_passed_answers_from_the_shared_store_also_after_a_restart(
    host: Host, tmp_path: Path
) -> None:
    assert answering(host) == OLD
    archive = candidate(host, tmp_path)
    put(host, archive)
    digest = known_archives.digest(archive)
    psql(
        host,
        "INSERT INTO model_versions (model_name, model_version, archive, archive_sha256, made_of)"
        f" VALUES ('digits', '{NEW}', '{archive.name}', '{digest}', '{{\"seed\": 0}}');"
        "INSERT INTO verdicts (model_name, model_version, champion_version, outcome, checks, reason)"
        f" VALUES ('digits', '{NEW}', '{OLD}', 'passed', '[]', 'for a test')",
    )
    host.inside("ui", "python", "-m", "rollout", "promote", NEW)
    try:
        wait_until(lambda: answering(host) == NEW)
        # It is started with the release's own archive, and gets the other one back from the store.
        host.compose("restart", "torchserve")
        wait_until(lambda: answering(host) == NEW)
        # Which the page has noted meanwhile: it is the way back.
        assert psql(host, f"SELECT archive FROM model_versions WHERE model_version = '{OLD}'") == [
            "digits.mar"
        ]
    finally:
        host.inside("ui", "python", "-m", "rollout", "rollback")
    wait_until(lambda: answering(host) == OLD)
    assert "Read-only file system" in host.compose(
        "exec", "-T", "torchserve", "sh", "-c", "rm /models/digits.mar 2>&1 || true"
    )
    host.wait_until_whole()


def test_an_archive_of_ones_own_is_put_into_the_store(host: Host, tmp_path: Path) -> None:
    archive = tmp_path / "shapes.mar"
    archive.write_bytes(b"an archive")
    put(host, archive)
    assert host.inside("torchserve", "cat", "/models/shapes.mar") == "an archive"
    assert host.inside("ui", "stat", "-c", "%U", "/models/shapes.mar").strip() == "sketchserve"
    host.compose("run", "--rm", "models", "rm", "/models/shapes.mar")


def test_the_loop_outlives_a_failure_in_its_container_and_does_a_run_and_a_look(host: Host) -> None:
    def compose(*arguments: str) -> str:
        return host.compose("--profile", "loop", *arguments, timeout_s=BUILD_S)

    compose("build", "--quiet", "loop")
    try:
        host.compose("stop", "postgres")
        try:
            compose("up", "--detach", "--no-deps", "--no-build", "loop")
            wait_until(lambda: "python -m loop ended with 1 (retrying in 60 s)" in compose("logs", "loop"))
            assert len(compose("ps", "--status", "running", "--quiet", "loop").split()) == 1
        finally:
            host.compose("start", "postgres")
        host.wait_until_whole()
        # It would be a minute until it tries again.
        compose("restart", "loop")
        runs = "SELECT state FROM loop_runs WHERE model_name = 'digits'"
        wait_until(lambda: psql(host, runs) == ["refused"])
        done = ('{command="retrain",outcome="undecided"} 1.0', '{command="watch",outcome="passed"} 1.0')
        wait_until(lambda: all(one in compose("exec", "-T", "loop", "python", "-c", METRICS) for one in done))
        # It says so either way, by how many the other tests have drawn.
        assert any(one in compose("logs", "loop") for one in ("200 are needed", "stability index"))
    finally:
        compose("rm", "--stop", "--force", "loop")
