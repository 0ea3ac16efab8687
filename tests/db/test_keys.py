"""Keys of programs on other hosts, from the command to the file that the guard reads."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from db import engine as database
from db import keys
from guard.answers import Refusal
from guard.keys import Keys
from system.files import PROJECT
from tests.docs.documents import blocks

pytestmark = pytest.mark.integration


def is_known(file: Path, key: str) -> bool:
    try:
        Keys(file).check({b"x-api-key": key.encode()})
    except Refusal:
        return False
    return True


def run(url: str, file: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "db.keys", *arguments],
        cwd=PROJECT,
        env={**os.environ, "DATABASE_URL": url, "KEY_FILE": str(file)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def test_keys_are_issued_listed_and_revoked_from_the_command_line(url: str, tmp_path: Path) -> None:
    file = tmp_path / "var" / "keys"
    assert "there are no keys yet" in run(url, file).stdout
    key = run(url, file, "Phone", "--rate", "2.5").stdout.split()[0]
    assert is_known(file, key)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert key not in file.read_text()
    assert "phone  2.5 a second" in run(url, file).stdout
    another = run(url, file, "phone").stdout.split()[0]
    assert (is_known(file, key), is_known(file, another)) == (False, True)
    assert run(url, file, "phone", "--revoke").returncode == 0
    assert not is_known(file, another)
    again = run(url, file, "phone", "--revoke")
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)
    assert "no key 'phone'" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("a b",), "is not a valid name"),
        (("x", "--rate", "0"), "the rate is 0"),
        (("x", "--rate", "nan"), "the rate is nan"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(
    url: str, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = run(url, tmp_path / "keys", *arguments)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert words in done.stderr


@pytest.mark.parametrize("option", ["--revoke", "--rate=5"])
def test_what_is_to_be_done_to_nobodys_key_is_refused_and_not_passed_over(
    option: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["db.keys", option])
    with pytest.raises(SystemExit, match="2"):
        keys.main()
    assert "need the name of a key" in capsys.readouterr().err


def test_the_database_keeps_no_key(engine: Engine, tmp_path: Path) -> None:
    with keys.exported(engine, tmp_path / "keys") as connection:
        key = keys.issue(connection, "kept")
        row = connection.execute(text("SELECT * FROM api_keys WHERE name = 'kept'")).one()
    assert key not in str(row)
    assert is_known(tmp_path / "keys", key)
    with keys.exported(engine, tmp_path / "keys") as connection:
        assert keys.revoke(connection, "kept")


def test_a_key_that_replaces_another_is_as_old_as_itself(engine: Engine) -> None:
    with engine.begin() as connection:
        keys.issue(connection, "renewed")
        long_ago = "UPDATE api_keys SET created_at = now() - interval '1 year' WHERE name = 'renewed'"
        connection.execute(text(long_ago))
        keys.issue(connection, "renewed")
        age = connection.scalar(text("SELECT now() - created_at FROM api_keys WHERE name = 'renewed'"))
        assert age < timedelta(days=1)
        connection.rollback()


def test_where_the_file_cannot_be_written_no_key_is_changed(url: str, tmp_path: Path) -> None:
    file, nowhere = tmp_path / "keys", tmp_path / "keys" / "below"
    key = run(url, file, "printer").stdout.split()[0]
    refused = run(url, nowhere, "printer", "--revoke")
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)
    assert run(url, file).stdout.startswith("printer  10 a second")
    assert is_known(file, key)


def test_a_key_that_is_in_the_file_alone_counts_no_more_once_it_is_revoked(url: str, tmp_path: Path) -> None:
    """As after a backup from before it was restored."""
    file = tmp_path / "keys"
    key = run(url, file, "restored").stdout.split()[0]
    with database.opened(url) as engine, engine.begin() as connection:
        connection.execute(text("DELETE FROM api_keys WHERE name = 'restored'"))
    assert is_known(file, key)
    assert "there is no key 'restored'" in run(url, file, "restored", "--revoke").stderr
    assert not is_known(file, key)


def test_of_two_commands_the_last_file_knows_what_both_did(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "keys"

    def list_them() -> None:
        with keys.exported(engine, file):
            pass

    with keys.exported(engine, file) as connection:
        key = keys.issue(connection, "gone")
    with ThreadPoolExecutor() as threads:
        with keys.exported(engine, file) as connection:
            listing = threads.submit(list_them)
            with suppress(TimeoutError):
                listing.result(0.5)
            assert keys.revoke(connection, "gone")
        listing.result(30)
    assert not is_known(file, key)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root writes for others")
def test_root_leaves_the_file_to_whom_it_belonged(engine: Engine, tmp_path: Path) -> None:
    """As `sudo make key` writes it: the guard, which is another user, has to read it."""
    file = tmp_path / "var" / "keys"

    def exported() -> tuple[int, int]:
        with keys.exported(engine, file):
            pass
        return file.stat().st_uid, file.stat().st_gid

    assert exported() == (0, 0)
    os.chown(file.parent, 1234, 1235)
    assert exported() == (1234, 1235), "the folder's, also where an earlier one was left to root"
    os.chown(file, 2234, 2235)
    assert exported() == (2234, 2235)


def test_the_commands_of_the_documents_work(url: str, tmp_path: Path) -> None:
    script = blocks("docs/keys.md")[0].text.replace("make ", "make SETUP=: ")
    environ = {**os.environ, "DATABASE_URL": url, "KEY_FILE": str(tmp_path / "keys")}
    done = subprocess.run(["sh", "-ec", script], cwd=PROJECT, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with database.opened(url) as engine, engine.connect() as connection:
        assert connection.execute(text("SELECT name, rate_per_s FROM api_keys")).all() == [("scanner", 50.0)]
