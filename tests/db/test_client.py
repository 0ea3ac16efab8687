import subprocess
import sys
from pathlib import Path

import pytest

from db import cluster
from db.client import main
from db.unprivileged import EmbeddedError
from system.files import PROJECT


def client(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "db.client", *arguments]
    return subprocess.run(command, cwd=PROJECT, env=environ, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("program", ["dropdb", "initdb", "../bin/psql", "/bin/sh", "nope", ""])
def test_only_the_three_programs_for_one_database_are_offered(program):
    done = client(program, "--version")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"db.client: got {program!r}, expected one of psql, pg_dump, pg_restore\n"


def test_where_the_programs_are_not_installed_it_is_one_line(monkeypatch):
    def absent() -> Path:
        raise EmbeddedError("PostgreSQL's programs are not installed")

    monkeypatch.setattr(cluster, "programs", absent)
    monkeypatch.setattr(sys, "argv", ["db.client", "psql"])
    with pytest.raises(SystemExit, match=r"^db\.client: PostgreSQL's programs are not installed$"):
        main()


@pytest.mark.parametrize(
    ("program", "said"), [("psql", "failed"), ("pg_dump", "failed"), ("pg_restore", "too short")]
)
def test_each_of_the_three_runs_with_the_database_of_the_url(program, said):
    # Nothing listens on port 1. pg_restore reads its file first.
    files = ["/dev/null"] if program == "pg_restore" else []
    done = client(program, *files, DATABASE_URL="postgresql://user:secret@127.0.0.1:1/name")
    assert done.returncode != 0
    assert done.stderr.startswith(f"{program}: error: ")
    assert said in done.stderr
    assert "secret" not in done.stderr
