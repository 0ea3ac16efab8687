"""What workers take is said before they are started, and what does not fit is not started."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from launch.errors import LaunchError
from launch.memory import require_memory
from launch.settings import Settings, read_settings
from system.files import PROJECT
from training.archive.contents import SERVING, Worker, read_archive, worker_of

MB = 10**6


def store(folder: Path, **own_mb: int) -> Settings:
    """Return the settings for a store of archives whose two workers take so much each."""
    for name, own in own_mb.items():
        worker = {"count": 2, "batch": 16, "own_bytes": own * MB, "shared_bytes": 90 * MB}
        with zipfile.ZipFile(folder / f"{name}.mar", "w") as archive:
            archive.writestr(SERVING, json.dumps({"framing": "ink", "worker": worker}))
    models = ",".join(f"{name}.mar" for name in own_mb)
    return read_settings({"MODEL_STORE": str(folder), "MODELS": models, "MODEL": next(iter(own_mb))})


def test_what_fits_is_said(tmp_path: Path) -> None:
    said = require_memory(store(tmp_path, small=3, other=4))
    assert said.startswith(
        "2 workers of 3 MB with small.mar and 2 workers of 4 MB with other.mar, and 90 MB shared by all, "
        "out of "
    )
    assert said.endswith("MB free")


def test_what_does_not_fit_is_refused_with_what_to_do(tmp_path: Path) -> None:
    settings = store(tmp_path, small=3, huge=50_000_000)
    with pytest.raises(LaunchError, match=r"2 workers of 50,000,000 MB with huge\.mar") as caught:
        require_memory(settings)
    assert "run `make -B archive MODEL=huge`" in caught.value.fix


@pytest.mark.processes
def test_torchserve_is_not_started_with_what_does_not_fit(tmp_path: Path) -> None:
    store(tmp_path, huge=50_000_000)
    environ = {**os.environ, "MODEL_STORE": str(tmp_path), "MODEL": "huge", "VAR_DIR": str(tmp_path / "var")}
    done = subprocess.run(
        [sys.executable, "-m", "launch.torchserve"], cwd=PROJECT, env=environ, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "the workers do not fit in memory: 2 workers of 50,000,000 MB" in done.stderr


@pytest.mark.parametrize("worker", ["{}", '{"count": "two"}', "[1]", "null"])
def test_archives_that_do_not_say_count_nothing(tmp_path: Path, worker: str) -> None:
    with zipfile.ZipFile(tmp_path / "old.mar", "w") as archive:
        archive.writestr(SERVING, f'{{"worker": {worker}}}')
    (tmp_path / "cut.mar").write_bytes((tmp_path / "old.mar").read_bytes()[:30])
    environ = {"MODEL_STORE": str(tmp_path), "MODELS": "old.mar,cut.mar,absent.mar", "MODEL": "old"}
    assert require_memory(read_settings(environ)) == ""


def test_a_built_archive_says_what_a_worker_takes(model_store: Path) -> None:
    found = worker_of(model_store / "digits.mar")
    assert isinstance(found, Worker)
    assert (found.count, found.batch) == (2, 16)
    assert 50 * MB < found.own_bytes < 2000 * MB
    assert read_archive(model_store / "digits.mar").worker == found
