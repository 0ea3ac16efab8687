"""PostgreSQL refuses to run as root: the embedded one finds another way, or says so."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest

from db import cluster, credentials, embedded, unprivileged
from db.embedded import EmbeddedError
from tests.db.embedded_process import ends, foreground, no_server_left, ready_line

NOBODY = 65534
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can become others: run as root to test it"),
]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder in a place that other users may enter."""
    if (
        subprocess.run([*AS_NOBODY, cluster.programs() / "postgres", "--version"], check=False).returncode
        != 0
    ):
        pytest.skip("other users cannot enter the project's folder, or setpriv is absent")
    parent = Path(tempfile.mkdtemp(dir="/tmp"))
    parent.chmod(0o711)
    yield parent / "postgres"
    shutil.rmtree(parent)


@contextmanager
def foreground_without_namespaces(folder: Path):
    """Run it as root where the kernel refuses user namespaces, as in most containers.

    The limit of a user namespace holds for what is below it, so that nothing outside is changed. Root's
    rights come back at the second `exec`, when the identities are mapped.
    """
    inner = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    before = ("unshare", "--user", "sh", "-c", f"read go; exec sh -c '{inner}' sh \"$@\"", "sh")
    with foreground(folder, *before) as process:
        outside = Path("/proc/self/ns/user").readlink()
        while Path(f"/proc/{process.pid}/ns/user").readlink() == outside:
            time.sleep(0.01)
        for kind in ("uid", "gid"):
            Path(f"/proc/{process.pid}/{kind}_map").write_text("0 0 65536")
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
        yield process


def test_root_without_user_namespaces_runs_it_as_another_user(open_folder):
    with foreground_without_namespaces(open_folder) as process:
        ready_line(process)
        assert (open_folder / "data").stat().st_uid != 0
        psycopg2.connect(credentials.running_url(open_folder)).close()
        ends(process, "SIGTERM", status=0)
    no_server_left(open_folder)


def test_data_made_in_a_namespace_can_be_used_without_one_and_with_one_again(open_folder):
    with embedded.start(open_folder):
        assert (open_folder / "data").stat().st_uid == 0
    with foreground_without_namespaces(open_folder) as process:
        ready_line(process)
        ends(process, "SIGTERM", status=0)
    with embedded.start(open_folder) as server:
        psycopg2.connect(server.url).close()


def test_root_runs_an_ordinary_users_folder_as_that_user(open_folder):
    open_folder.mkdir(mode=0o700)
    os.chown(open_folder, NOBODY, NOBODY)
    with embedded.start(open_folder):
        assert (open_folder / "data").stat().st_uid == NOBODY
    assert {path.stat().st_uid for path in open_folder.rglob("*")} == {NOBODY}


def test_an_ordinary_user_needs_no_detour(open_folder):
    open_folder.mkdir(mode=0o700)
    os.chown(open_folder, NOBODY, NOBODY)
    with foreground(open_folder, *AS_NOBODY) as process:
        ready_line(process)
        ends(process, "SIGTERM", status=0)
    no_server_left(open_folder)
    assert {path.stat().st_uid for path in open_folder.rglob("*")} == {NOBODY}


def test_an_ordinary_user_and_a_folder_of_root_is_one_line(open_folder):
    open_folder.mkdir(mode=0o700)
    with foreground(open_folder, *AS_NOBODY) as process:
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "cannot be written (Permission denied): check its owner" in errors
    assert len(errors.splitlines()) == 1


def test_where_nothing_works_the_error_says_what_was_tried(open_folder, monkeypatch):
    open_folder.parent.chmod(0o700)
    monkeypatch.setattr(unprivileged, "_NAMESPACE", ("unshare-is-absent",))
    with pytest.raises(EmbeddedError, match=r"refuses to run as root.*unshare-is-absent.*ordinary user") as e:
        embedded.start(open_folder)
    assert len(str(e.value).splitlines()) == 1
    assert {path.stat().st_uid for path in (open_folder, *open_folder.rglob("*"))} == {0}
