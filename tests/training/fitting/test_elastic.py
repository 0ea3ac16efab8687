"""The training Job of deploy/kubernetes, here: a torchrun for each of its two pods, one of which dies."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
import yaml

from system.files import PROJECT
from system.ports import free_ports
from system.processes import until
from training.models import weights

pytestmark = [pytest.mark.training, pytest.mark.processes, pytest.mark.timeout(900)]

# For three programs that import torch while the machine has other work.
LONG_S = 240
# Who finds the other gone waits so long for one in its place: 30 s unless it is told otherwise.
WAITS_S = 5


def container() -> dict[str, Any]:
    """Return the container of the manifest's Job."""
    manifests = yaml.safe_load_all((PROJECT / "deploy/kubernetes/training/train.yaml").read_text())
    job = next(manifest for manifest in manifests if manifest["kind"] == "Job")
    found: dict[str, Any] = job["spec"]["template"]["spec"]["containers"][0]
    return found


def command(out: Path, port: int, epochs: int, is_host: bool) -> list[str]:
    """Return the manifest's command with a small data set, and with one address for both pods.

    Whose address it is, torchrun cannot tell here: whether they meet at this pod is said.
    """
    torchrun, *words = container()["command"]
    assert torchrun == "torchrun"
    module = words.index("-m")
    meeting = [word.replace("train-0.train:29400", f"localhost:{port}") for word in words[:module]]
    assert f"--rdzv-endpoint=localhost:{port}" in meeting
    return [
        *(sys.executable, "-m", "torch.distributed.run", *meeting),
        f"--rdzv-conf=last_call_timeout={WAITS_S},is_host={is_host}",
        *(*words[module : module + 2], "--dataset=optdigits", "--data=nowhere", f"--out={out}"),
        *("--device=cpu", "--precision=float32", "--batch=64", f"--epochs={epochs}", "--patience=0"),
    ]


@contextmanager
def pod(log: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """Yield one pod's torchrun; what is left of it ends with the block."""
    said = {variable["name"]: variable["value"] for variable in container()["env"]}
    with log.open("wb") as file:
        process = subprocess.Popen(
            words, cwd=PROJECT, env={**os.environ, **said, "OMP_NUM_THREADS": "1"}, stdout=file, stderr=file
        )
    try:
        yield process
    finally:
        die(process)


def die(process: subprocess.Popen[bytes]) -> None:
    """Kill a pod, its torchrun and what that has started, without a word."""
    if process.poll() is None:
        first = psutil.Process(process.pid)
        for one in [*first.children(recursive=True), first]:
            one.kill()
    process.wait(LONG_S)


def epoch(out: Path) -> int:
    """Return the last epoch that is kept, 0 before the first."""
    path = out / "last.pt"
    return int(torch.load(path, weights_only=True)["epoch"]) if path.exists() else 0


def beginnings(out: Path) -> list[int]:
    """Return how many processes trained each time that training began, or went on; rank 0 alone says so."""
    said = "".join(path.read_text() for path in sorted(out.parent.glob("*.log")))
    return [int(count) for count in re.findall(r", (\d+) process", said)]


def trained(out: Path, processes: int, host: subprocess.Popen[bytes]) -> bool:
    """Return whether so many train now, and something is kept; or whether the host has ended."""
    return ((out / "last.pt").exists() and beginnings(out)[-1:] == [processes]) or host.poll() is not None


def test_a_pod_that_dies_does_not_end_the_training(tmp_path: Path) -> None:
    out, (port,) = tmp_path / "run", free_ports(1)
    first, second = (command(out, port, 10, is_host) for is_host in (True, False))
    with pod(tmp_path / "0.log", *first) as host, pod(tmp_path / "1.log", *second) as guest:
        assert until(lambda: trained(out, 2, host), LONG_S)
        die(guest)
        assert host.wait(LONG_S) == 0, (tmp_path / "0.log").read_text()
    assert beginnings(out)[-1] == 1
    assert "resuming after epoch" in (tmp_path / "0.log").read_text()
    assert json.loads((out / "metrics.json").read_text())["processes"] == 1
    assert weights.load(out / "model.safetensors")[1].data_set == "optdigits"


def test_one_in_its_place_joins_and_without_the_first_both_end(tmp_path: Path) -> None:
    out, (port,) = tmp_path / "run", free_ports(1)
    first, second = (command(out, port, 10_000, is_host) for is_host in (True, False))
    with pod(tmp_path / "0.log", *first) as host:
        with pod(tmp_path / "1.log", *second) as guest:
            assert until(lambda: trained(out, 2, host), LONG_S)
            die(guest)
        assert until(lambda: trained(out, 1, host), LONG_S)
        with pod(tmp_path / "2.log", *second) as again:
            assert until(lambda: trained(out, 2, host), LONG_S)
            assert (host.poll(), again.poll()) == (None, None)
            die(host)
            assert again.wait(LONG_S) != 0
    assert torch.load(out / "last.pt", weights_only=True)["epoch"] > 0, "from which the same two go on"
