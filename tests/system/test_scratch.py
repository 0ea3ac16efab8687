"""Temporary files lie in one folder, which the next program of the name removes if its owner was killed."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from system.files import PROJECT
from system.scratch import scratch

KILLED = """
import os, signal, tempfile
from system.scratch import scratch
with scratch("program") as folder:
    open(os.path.join(tempfile.mkdtemp(prefix="gate-"), "archive"), "w").write("half")
    print(folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_it_is_where_temporary_files_are_made_and_is_gone_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = os.environ.get("TMPDIR")
    with scratch("program") as folder:
        assert Path(tempfile.mkdtemp()).parent == folder
        print_it = [sys.executable, "-c", "import tempfile; print(tempfile.gettempdir())"]
        assert subprocess.run(print_it, capture_output=True, text=True, check=True).stdout.strip() == str(
            folder
        )
    assert (os.environ.get("TMPDIR"), tempfile.tempdir) == (before, str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_one_left_is_removed_and_what_is_used_or_anothers_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    killed = subprocess.run(
        [sys.executable, "-c", KILLED], cwd=PROJECT, env=environ, capture_output=True, text=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    left = Path(killed.stdout.strip())
    assert len(list(left.glob("gate-*"))) == 1
    (tmp_path / "program-of-somebody").mkdir()
    (tmp_path / "program-link").symlink_to(left)
    with scratch("program") as first:
        tempfile.tempdir = str(tmp_path)
        with scratch("program") as second:
            assert first.is_dir()
            assert {path.name for path in tmp_path.iterdir()} == {
                *(first.name, second.name, "program-of-somebody", "program-link")
            }
