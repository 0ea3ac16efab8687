"""The passwords and the token of a compose installation: made once, whole, for their readers alone."""

import io
import re
import stat
import sys
from pathlib import Path

import pytest

from deploy import make_secrets


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for passwords, with the folders that the page's image has."""
    for name in ("postgres", "app", "monitor", "grafana", "management"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(make_secrets, "FOLDER", tmp_path)
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str, stdin: str = "") -> None:
    monkeypatch.setattr(sys, "argv", ["make_secrets.py", *arguments])
    monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
    make_secrets.main()


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_all_are_made_random_and_for_their_reader_alone(folder, monkeypatch, capsys):
    run(monkeypatch)
    made = contents(folder)
    assert len(made) == 7
    password = made["postgres/sketchserve"]
    assert made["app/pgpass"] == f"*:*:*:sketchserve:{password}\n"
    assert made["monitor/password"] == made["postgres/monitor"]
    assert re.fullmatch(r"Authorization: Bearer [\w-]{32,}\n", made["management/token"])
    assert len({password, made["postgres/superuser"], made["postgres/monitor"], made["grafana/admin"]}) == 4
    assert all(len(text) >= 32 for text in made.values())
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in made} == {0o600}
    assert not any(text in capsys.readouterr().out for text in made.values())


def test_a_second_run_changes_nothing_and_a_cut_off_one_is_finished(folder, monkeypatch):
    run(monkeypatch)
    made = contents(folder)
    run(monkeypatch)
    assert contents(folder) == made
    (folder / "postgres" / "sketchserve").unlink()
    run(monkeypatch)
    again = contents(folder)
    assert again["app/pgpass"] == f"*:*:*:sketchserve:{again['postgres/sketchserve']}\n"
    assert again["grafana/admin"] == made["grafana/admin"]


def test_one_of_ones_own_is_taken_before_the_first_start_and_not_after(folder, monkeypatch):
    run(monkeypatch, "grafana", stdin="correct horse\n")
    run(monkeypatch)
    assert contents(folder)["grafana/admin"] == "correct horse"
    with pytest.raises(SystemExit, match="grafana already has a password"):
        run(monkeypatch, "grafana", stdin="another")


@pytest.mark.parametrize("password", ["", "a:b", "a\\b", "two\nlines", "\x1b[31m"])
def test_a_password_that_a_file_could_not_hold_is_refused(folder, monkeypatch, password):
    with pytest.raises(SystemExit, match="expected one line of printable characters"):
        run(monkeypatch, "sketchserve", stdin=password)
    assert contents(folder) == {}


def test_an_unknown_name_is_one_line(folder, monkeypatch):
    with pytest.raises(
        SystemExit, match="got redis, expected one of superuser, sketchserve, monitor, grafana, management"
    ):
        run(monkeypatch, "redis")
