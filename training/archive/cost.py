"""What a worker with an archive's model takes: its memory, measured in a process like a worker's."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import yaml

from system.environment import IN_WORKERS, PYTHON, passed
from training.archive.contents import Worker

# A worker of TorchServe's, its golden pictures, and one batch. Files that it has in memory it shares with
# others; where nothing tells how much that is (macOS), all counts as its own.
LIKE_A_WORKER = """
import json, sys
from pathlib import Path
import numpy as np
import psutil
import ts.model_service_worker
from handler import model, self_check
network, name, batch = sys.argv[1:]
loaded = model.Model(Path(), network, name)
self_check.check(Path(), loaded)
loaded.read(np.zeros((int(batch), *loaded.frame_shape), np.uint8))
found = psutil.Process().memory_info()
shared = getattr(found, "shared", 0)
print(json.dumps([found.rss - shared, shared]))
"""


def checked(folder: Path, network_file: str, name: str, settings: Path) -> Worker:
    """Let an archive check itself in a process like a worker's; return what such a worker takes.

    That compiles its preprocessing too, and no worker has to.

    Args:
        folder: where the archive's files are collected.
        network_file: the network's place from there.
        name: the model's.
        settings: the archive's model-config.yaml.

    Raises:
        ValueError: the archive does not pass its own check.
    """
    wanted = yaml.safe_load(settings.read_text(encoding="utf-8"))
    count, batch = int(wanted["minWorkers"]), int(wanted["batchSize"])
    done = subprocess.run(
        [sys.executable, "-c", LIKE_A_WORKER, network_file, name, str(batch)],
        cwd=folder,
        # Not NUMBA_CACHE_DIR, which would take the machine code elsewhere.
        env={**passed(os.environ, *PYTHON), "PYTHONPATH": str(IN_WORKERS), "ORT_DISABLE_TELEMETRY": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ValueError(f"the archive does not pass its own check: {done.stderr.strip()[-500:]}")
    own, shared = json.loads(done.stdout.splitlines()[-1])
    return Worker(count, batch, own, shared)


def note(worker: Worker, model_json: Path) -> None:
    """Write what a worker takes into an archive's model.json."""
    facts = json.loads(model_json.read_text(encoding="utf-8"))
    model_json.write_text(json.dumps({**facts, "worker": asdict(worker)}), encoding="utf-8")
