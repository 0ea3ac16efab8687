"""PyTorch is loaded late where system/in_workers is on the path, and then is as it always is."""

import os
import subprocess
import sys

import pytest

from system.environment import IN_WORKERS

pytestmark = pytest.mark.processes


def said(code: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(IN_WORKERS)}
    command = [sys.executable, "-c", f"import sys; {code}"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_to_import_it_loads_nothing_of_it():
    assert said("import torch; print({name for name in sys.modules if 'torch' in name})") == "{'torch'}"


def test_torchserves_worker_loads_nothing_of_it():
    assert said("import ts.model_service_worker; print('torch._C' in sys.modules)") == "False"


@pytest.mark.parametrize(
    "code",
    [
        "import torch; print(torch.ones(2).sum().item())",
        "from torch import nn, tensor; print(nn.ReLU()(tensor(2.0)).item())",
        "import torch; import torch.nn.functional as F; print(F.relu(torch.tensor(2.0)).item())",
    ],
)
def test_whatever_is_used_of_it_is_there(code):
    assert said(code) == "2.0"
