"""What the pods of deploy/kubernetes run, run here: at their start, as probes, and before their end."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import kubernetes_validate
import pytest
import requests

from launch.temporary import running
from system.files import PROJECT
from system.processes import until
from tests.deploy.manifests import main, one, pods
from tests.deploy.proxy import PATH, running_proxy
from tests.deploy.upstream import running_upstream
from tests.docs.documents import read
from training.data.drawing import png

LAPTOP = "overlays/laptop"
ARCHIVE = b"an archive"


def putting(folder: Path, listed: str) -> subprocess.CompletedProcess[str]:
    """Run the init container's script on folders of the test's own."""
    for name in ("store", "expected", "models"):
        (folder / name).mkdir()
    (folder / "store" / "digits.mar").write_bytes(ARCHIVE)
    (folder / "store" / "other.mar").write_bytes(b"not asked for")
    (folder / "expected" / "archives.sha256").write_text(listed)
    (init,) = pods(LAPTOP)["torchserve"]["spec"]["initContainers"]
    *shell, script = init["command"]
    for path, name in (("/app/model_store", "store"), ("/expected", "expected"), ("/models", "models")):
        script = script.replace(path, str(folder / name))
    return subprocess.run(
        [*shell, script], env={**os.environ, "HOSTNAME": "pod"}, capture_output=True, text=True, timeout=60
    )


def test_archives_that_have_the_hash_are_put_into_the_model_store_and_no_others(tmp_path: Path) -> None:
    done = putting(tmp_path, f"{hashlib.sha256(ARCHIVE).hexdigest()}  digits.mar\n")
    assert done.returncode == 0, done.stderr
    assert {path.name: path.read_bytes() for path in (tmp_path / "models").iterdir()} == {
        "digits.mar": ARCHIVE
    }


@pytest.mark.parametrize("listed", [f"{'0' * 64}  digits.mar\n", "", "no hash  digits.mar\n"])
def test_an_archive_of_another_hash_starts_nothing(tmp_path: Path, listed: str) -> None:
    assert putting(tmp_path, listed).returncode != 0
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.parametrize(("ended", "told"), [(0, 0), (3, 0), (4, 0), (1, 1), (137, 137)])
def test_an_answer_of_the_loop_is_no_failure_of_its_job(tmp_path: Path, ended: int, told: int) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\n[ "$*" = "-m loop" ] && exit {ended}\nexit 99\n')
    python.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(main(LAPTOP, "retrain")["command"], env=environment, timeout=60)
    assert done.returncode == told


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is missing: apt-get install jq")
def test_the_pod_that_adds_a_user_is_made_of_the_backups_and_fits_the_published_schema() -> None:
    said = re.search(r"-o json \| jq '(.+?)'\)\"", read("docs/kubernetes.md"), re.DOTALL)
    assert said is not None
    backup = json.dumps(one("overlays/production", "CronJob", "backup"))
    done = subprocess.run(["jq", said[1]], input=backup, capture_output=True, text=True, check=True)
    pod = {"apiVersion": "v1", "kind": "Pod", **json.loads(done.stdout)}
    pod["metadata"]["name"] = "add-user"
    kubernetes_validate.validate(pod, "1.36", strict=True)
    (container,) = pod["spec"]["containers"]
    assert container["command"][:3] == ["python", "-m", "db.users"]
    assert [init["name"] for init in pod["spec"]["initContainers"]] == ["pgpass"]
    admitted = one(LAPTOP, "NetworkPolicy", "postgres")["spec"]["ingress"][0]["from"][0]
    (rule,) = admitted["podSelector"]["matchExpressions"]
    assert pod["metadata"]["labels"][rule["key"]] in rule["values"]


@pytest.mark.integration
def test_torchserve_is_ready_and_answers_until_it_was_told_and_ends_in_time(model_store: Path) -> None:
    container = main(LAPTOP, "torchserve")
    grace_s = pods(LAPTOP)["torchserve"]["spec"]["terminationGracePeriodSeconds"]
    told = threading.Event()
    with running(model_store) as server, ThreadPoolExecutor() as threads:
        environment = {
            **os.environ,
            "MODEL_STORE": str(model_store),
            "MANAGEMENT_PORT": str(urlsplit(server.management_url).port),
            "MANAGEMENT_TOKEN_FILE": str(server.token_file),
        }
        _, *probe = container["readinessProbe"]["exec"]["command"]
        ready = subprocess.run([sys.executable, *probe], cwd=PROJECT, env=environment, timeout=60)
        assert ready.returncode == 0

        def ask() -> int:
            answered, seven = 0, png("7")
            while not told.is_set():
                answer = requests.post(f"{server.inference_url}/predictions/digits", data=seven, timeout=60)
                assert answer.json()["label"] == "7"
                answered += 1
            return answered

        asking = threads.submit(ask)
        started = time.monotonic()
        subprocess.run(container["lifecycle"]["preStop"]["exec"]["command"], check=True, timeout=60)
        told.set()
        assert asking.result() > 10
        os.kill(server.pid, signal.SIGTERM)
        assert until(lambda: not Path(f"/proc/{server.java_pid}").exists(), 60)
        # What it takes here beside other work; the kubelet kills what is not gone by then.
        assert time.monotonic() - started < grace_s


@pytest.mark.integration
def test_the_proxy_answers_what_it_has_begun_before_it_ends() -> None:
    *shell, script = main(LAPTOP, "proxy")["lifecycle"]["preStop"]["exec"]["command"]
    with running_upstream(delay_s=3) as slow, running_proxy(slow.target, slow.target) as proxy:
        assert "/tmp/nginx" in script
        script = script.replace("/tmp/nginx", str(proxy.folder / "run")).replace("sleep 12", "true")
        with ThreadPoolExecutor() as threads:
            stopping = threads.submit(
                subprocess.run, [*shell, script], env={**os.environ, "PATH": PATH}, timeout=60, check=True
            )
            time.sleep(4)  # of preStop's 5 s in which it takes new ones
            answer = requests.post(f"{proxy.url}/predict", b"x", timeout=60)
            stopping.result()
        assert answer.status_code == 200
        assert proxy.process.wait(30) == 0
