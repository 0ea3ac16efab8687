"""A file is there whole or not at all, and a lock belongs to one process."""

import os
import subprocess
import sys

import pytest

from system.files import PROJECT, HeldError, lock, written_aside


def test_what_was_there_stays_until_the_new_is_complete(tmp_path):
    path = tmp_path / "new" / "file"
    with written_aside(path) as draft:
        draft.write_text("first")
        assert not path.exists()
    with written_aside(path) as draft:
        draft.write_text("second")
        assert path.read_text() == "first"
    assert path.read_text() == "second"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_fails_leaves_no_draft_and_what_was_there(tmp_path, error):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(error), written_aside(path) as draft:
        draft.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_lock_is_refused_with_its_owner_until_that_one_lets_go(tmp_path):
    path = tmp_path / "lock"
    path.write_text("123456789\n")
    held = lock(path)
    for _ in range(2):
        with pytest.raises(HeldError) as raised:
            lock(path)
        assert raised.value.owner == str(os.getpid())
    held.close()
    lock(path).close()


HOLDER = """
import sys
from pathlib import Path
from system.files import lock
held = lock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_lock_ends_with_its_process(tmp_path):
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(HeldError, match=f"process {other.pid}$"):
            lock(path)
        other.kill()
    lock(path).close()
