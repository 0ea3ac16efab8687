"""Two real processes, started by torchrun, against one."""

import importlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from tests.training.fitting.test_train import settings
from training.fitting import train
from training.fitting.distributed import Processes, joined
from training.models import weights
from training.models.networks import MODELS

PROJECT = Path(__file__).resolve().parents[3]

PLAIN = """
from torch import nn
from training.models import networks as models
from training.fitting import train
from training.fitting.distributed import leave

class Plain(nn.Sequential):
    def __init__(self, classes):
        super().__init__(nn.Flatten(), nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, classes))

if __name__ == "__main__":
    models.MODELS["plain"] = Plain
    leave(train.main())
"""

pytestmark = [
    pytest.mark.training,
    pytest.mark.processes,  # and not under coverage, with which PyTorch takes 1.4 times as long to import
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def started(out: Path, program: tuple[str, ...] = ("-m", "training.fitting.train")) -> subprocess.Popen[str]:
    """Start three epochs on optdigits in two processes."""
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *program),
        *("--dataset", "optdigits", "--device", "cpu", "--batch", "64"),
        *("--precision", "float32", "--data", "nowhere", "--out", str(out), "--epochs", "3"),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(PROJECT)}
    return subprocess.Popen(
        command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finished(out: Path, program: tuple[str, ...] = ("-m", "training.fitting.train")) -> str:
    """Train in two processes to the end; return what they printed."""
    run = started(out, program)
    printed, errors = run.communicate(timeout=240)
    assert run.returncode == 0, errors
    return printed


@pytest.fixture(scope="module")
def by_two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run of two processes: its folder, and what it printed."""
    out = tmp_path_factory.mktemp("run") / "two"
    return out, finished(out)


def test_two_processes_take_the_steps_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly, up to rounding, with a network that neither drops out nor looks at its batch."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "plain.py").write_text(PLAIN)
    out = {name: tmp_path / name for name in ("one", "two")}
    finished(out["two"], (str(tmp_path / "plain.py"), "--model", "plain"))
    monkeypatch.setitem(MODELS, "plain", importlib.import_module("plain").Plain)
    train.train(settings(out["one"], precision="float32", model="plain"))
    one, two = (weights.load(path / "model.safetensors")[0].state_dict() for path in out.values())
    assert all(torch.allclose(one[key], two[key], rtol=1e-3, atol=1e-5) for key in one)
    curves = [json.loads((path / "metrics.json").read_text())["curves"] for path in out.values()]
    for row, other in zip(*curves, strict=True):
        assert row == pytest.approx(other, rel=1e-4)


def test_one_process_speaks_for_both(by_two: tuple[Path, str]) -> None:
    out, printed = by_two
    lines = [line for line in printed.splitlines() if line.startswith("epoch ")]
    assert len(lines) == 3
    assert "2 processes" in printed
    assert json.loads((out / "metrics.json").read_text())["processes"] == 2
    assert weights.load(out / "model.safetensors")[1].data_set == "optdigits"


def test_two_processes_that_were_stopped_end_as_if_they_had_not_been(
    tmp_path: Path, by_two: tuple[Path, str]
) -> None:
    out = tmp_path / "run"
    run = started(out)
    assert run.stdout is not None
    while not (out / "last.pt").exists() and run.poll() is None:
        time.sleep(0.02)
    run.terminate()  # torchrun ends both processes
    run.communicate(timeout=60)
    assert torch.load(out / "last.pt", weights_only=True)["epoch"] < 3
    assert not (out / "model.safetensors").exists()
    assert "resuming after epoch" in finished(out)
    one, two = (weights.load(path / "model.safetensors")[0].state_dict() for path in (by_two[0], out))
    assert all(torch.equal(one[key], two[key]) for key in one)


def test_one_process_takes_up_what_two_began(tmp_path: Path, by_two: tuple[Path, str]) -> None:
    shutil.copytree(by_two[0], tmp_path / "run")
    metrics = train.train(settings(tmp_path / "run", precision="float32"))
    before = json.loads((by_two[0] / "metrics.json").read_text())
    assert metrics["processes"] == 1
    assert metrics["tests"] == before["tests"]


@pytest.mark.parametrize(("variables", "printed"), [({"WORLD_SIZE": "2"}, "done\n"), ({}, "done\nlast\n")])
def test_one_of_several_leaves_without_the_interpreters_end(variables: dict[str, str], printed: str) -> None:
    program = (
        "import atexit; atexit.register(print, 'last')\n"
        "from training.fitting.distributed import leave; print('done'); leave(3)"
    )
    environment = {key: value for key, value in os.environ.items() if key != "WORLD_SIZE"} | variables
    left = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, env=environment, capture_output=True, text=True
    )
    assert (left.returncode, left.stdout) == (3, printed)


def test_a_batch_that_cannot_be_shared_is_refused() -> None:
    assert Processes(rank=1, count=4).part_of(64) == slice(16, 32)
    with pytest.raises(ValueError, match="multiple of 3"):
        Processes(count=3).part_of(64)


def test_without_torchrun_a_process_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined() as processes:
        assert processes == Processes()
    for key, value in {"RANK": "0", "WORLD_SIZE": "two", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(key, value)
    with pytest.raises(ValueError, match="torchrun"), joined():
        pass
