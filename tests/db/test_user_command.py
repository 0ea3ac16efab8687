"""`make user`: users from the command line, in a database of the test's own."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from db import engine as database
from db import passwords, users
from db.user_rows import Users
from system.files import PROJECT
from tests.docs.documents import blocks

pytestmark = pytest.mark.integration

PASSWORD = "correct horse battery"


def run(url: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "db.users", *arguments],
        cwd=PROJECT,
        env={**os.environ, "DATABASE_URL": url, **more},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    return file


@pytest.fixture
def known(url: str) -> Iterator[Users]:
    """The users of a database of the test's own."""
    with database.opened(url) as opened:
        yield Users(opened)


def test_users_are_listed_added_changed_and_deleted_from_the_command_line(
    url: str, known: Users, password_file: Path
) -> None:
    assert "there are no users yet" in run(url).stdout
    file = f"--password-file={password_file}"
    assert run(url, "Ada", file).stdout.startswith("ada, visitor, can sign in")
    (ada, kept) = known.find("ada")
    assert passwords.is_right(kept, PASSWORD)
    assert run(url, "ada", "--role=operator").stdout == "ada is now operator; the password is unchanged\n"
    assert run(url, "grace", file, "--role=operator").returncode == 0
    assert run(url).stdout.startswith(f"ada  operator  (session_id user:{ada.id})\ngrace  operator")
    assert run(url, "ada", "--delete").stdout.startswith("ada is deleted, and signed out within seconds")
    assert [user.name for user in known.all()] == ["grace"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["a b"], "'a b' is not a valid name: expected 1 to 64 characters of a-z"),
        (["ada"], "there is no terminal to ask for the password on: use --password-file FILE"),
        (["ada", "--role=operator"], "there is no terminal to ask"),
        (["ada", "--password-file=/nowhere"], "/nowhere cannot be read as text"),
        (["ada", "--password-file=/dev/null"], "the password has 0 characters, expected 12 to 200"),
        (["ada", "--delete"], "there is no user 'ada'"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_changes_nothing(
    url: str, known: Users, arguments: list[str], says: str
) -> None:
    done = run(url, *arguments)
    assert done.returncode == 1
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert known.is_empty()


@pytest.mark.parametrize(
    "content", [b"correct horse battery", b"\xef\xbb\xbfcorrect horse battery\r\n# of ada"]
)
def test_a_password_file_is_read_as_editors_write_it(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "password").write_bytes(content)
    assert users._password(tmp_path / "password") == PASSWORD


@pytest.mark.parametrize("option", ["--delete", "--role=operator", "--password-file=password.txt"])
def test_what_is_to_be_done_to_nobody_is_refused_and_not_passed_over(
    option: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["db.users", option])
    with pytest.raises(SystemExit, match="2"):
        users.main()
    assert "need the name of a user" in capsys.readouterr().err


@pytest.mark.parametrize(("again", "status"), [(PASSWORD, 0), ("another password", 1)])
def test_a_password_is_typed_twice_on_the_terminal_and_not_shown(
    url: str, known: Users, again: str, status: int
) -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.environ["DATABASE_URL"] = url
        os.chdir(PROJECT)
        os.execv(sys.executable, [sys.executable, "-m", "db.users", "ada"])
    shown = b""
    try:
        for asks, typed in ((b"more): ", PASSWORD), (b"Again: ", again)):
            while asks not in shown:
                shown += os.read(terminal, 1024)
            os.write(terminal, f"{typed}\n".encode())
        while True:
            shown += os.read(terminal, 1024)
    except OSError:  # the terminal's other end is closed
        pass
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == status, shown
    assert PASSWORD.encode() not in shown
    assert known.is_empty() == bool(status)


def test_the_embedded_postgresql_is_started_for_it_where_it_does_not_run(
    tmp_path: Path, password_file: Path
) -> None:
    var = {"VAR_DIR": str(tmp_path / "var")}
    done = run("", "ada", f"--password-file={password_file}", **var)
    assert done.returncode == 0, done.stderr
    assert run("", **var).stdout.startswith("ada  visitor")


def test_the_commands_of_the_documents_work(url: str, known: Users, password_file: Path) -> None:
    script = next(block.text for block in blocks("docs/sign-in.md") if block.section == "Users")
    environ = {**os.environ, "DATABASE_URL": url}
    # The test's own Python is there already.
    script = script.replace("password.txt", str(password_file)).replace("make ", "make SETUP=: ")
    done = subprocess.run(
        ["sh", "-ec", script],
        cwd=PROJECT,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^ada +operator", done.stdout, re.MULTILINE)
    assert [(user.name, user.role) for user in known.all()] == [("ada", "operator")]


def test_what_the_first_command_of_all_writes_is_for_its_owner_alone(tmp_path: Path) -> None:
    var = tmp_path / "var"
    command = [sys.executable, "-m", "db.users"]
    env = {**os.environ, "DATABASE_URL": "", "VAR_DIR": str(var)}
    subprocess.run(command, cwd=PROJECT, env=env, umask=0o022, stdout=subprocess.DEVNULL, check=True)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (var, *(var / "postgres").iterdir())}
    # Root's PostgreSQL may run as another user, who passes through.
    passed = 0o711 if os.geteuid() == 0 else 0o700
    assert modes == {"var": passed, "data": 0o700, "lock": 0o600, "password": 0o600, "server.log": 0o600}
