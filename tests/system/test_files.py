"""A file is there whole or not at all, and a lock belongs to one process."""

import os
import stat
import subprocess
import sys

import pytest

from system.files import (
    PROJECT,
    HeldError,
    IrregularError,
    lock,
    open_regular,
    private_folder,
    written_aside,
)


def modes(folder):
    """Return who may do what with a folder and all below it, by path within it."""
    return {
        str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode)
        for path in (folder, *folder.rglob("*"))
        if not path.is_symlink()
    }


def test_a_folder_from_before_is_closed_to_others_with_its_files(tmp_path):
    log = tmp_path / "log"
    private_folder(log)
    assert modes(log) == {".": 0o700}
    (log / "ui.log").touch(0o644)
    (log / "below").mkdir()
    outside = tmp_path / "outside"
    outside.touch(0o644)
    (log / "link").symlink_to(outside)
    for path in (log, log / "below"):
        path.chmod(0o755)
    private_folder(log)
    assert modes(log) == {".": 0o700, "ui.log": 0o600, "below": 0o755}
    assert stat.S_IMODE(outside.stat().st_mode) == 0o644


@pytest.mark.parametrize(("uid", "folder_mode"), [(0, 0o711), (1000, 0o700)])
def test_what_is_written_is_for_its_owner_alone_and_roots_folders_can_be_passed(tmp_path, uid, folder_mode):
    program = (
        "import os, pathlib; from system import files\n"
        f"os.geteuid = lambda: {uid}\n"
        f"files.keep_private(); pathlib.Path({str(tmp_path)!r}, 'var/log').mkdir(parents=True)\n"
        f"pathlib.Path({str(tmp_path)!r}, 'var/log/ui.log').touch()"
    )
    subprocess.run([sys.executable, "-c", program], cwd=PROJECT, check=True)
    assert modes(tmp_path / "var") == {".": folder_mode, "log": folder_mode, "log/ui.log": 0o600}


@pytest.mark.timeout(20)
def test_only_a_regular_file_is_opened(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "device").symlink_to("/dev/zero")
    for path in (tmp_path / "fifo", tmp_path / "device", tmp_path):
        with pytest.raises(IrregularError):
            open_regular(path)
    (tmp_path / "file").write_bytes(b"whole")
    with open_regular(tmp_path / "file") as file:
        assert file.read() == b"whole"


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
