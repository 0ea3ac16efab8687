"""`make versions`, `make promote` and `make rollback`, in a database of the test's own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from db import embedded, migrate
from db import engine as database
from db.serving import ServingRows
from db.versions import Version, Versions
from rollout.__main__ import main
from system.files import PROJECT
from tests.docs.documents import blocks
from tests.rollout.conftest import NEW, OLD, passes
from tests.services.postgres import empty_database
from tests.ui.managing import Managing, managing
from tests.ui.several_models import put_archive

pytestmark = pytest.mark.integration


@pytest.fixture
def url(postgres_server: embedded.Server) -> Iterator[str]:
    with empty_database(postgres_server.url) as url:
        migrate.upgrade(url)
        yield url


@pytest.fixture
def torchserve(tmp_path: Path) -> Iterator[Managing]:
    put_archive(tmp_path, "digits.mar", "digits", OLD)
    with managing(tmp_path, loaded=["digits.mar"]) as server:
        yield server


def environ(url: str, torchserve: Managing, var: Path) -> dict[str, str]:
    addresses = {"DATABASE_URL": url, "TORCHSERVE_MANAGEMENT_URL": torchserve.url}
    return {**os.environ, **addresses, "VAR_DIR": str(var), "MODEL": "digits"}


@pytest.mark.parametrize("arguments", [["rollback", "1.0.0"], ["rollback", "--force"], ["versions", "1.0.0"]])
def test_a_version_that_a_verb_would_pass_over_is_refused(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["rollout", *arguments])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert "takes neither a version nor --force" in capsys.readouterr().err


def test_the_commands_of_the_documents_work(url: str, torchserve: Managing, tmp_path: Path) -> None:
    with database.opened(url) as engine:
        for version in ("1.2.0", "1.3.0"):
            Versions(engine).note(Version("digits", version, f"{version}.mar", "0" * 64))
        passes(engine, "digits", "1.2.0")
        (block,) = blocks("docs/rollout.md")
        done = subprocess.run(
            ["sh", "-e", "-c", block.text],
            cwd=PROJECT,
            env=environ(url, torchserve, tmp_path),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        for expected in (
            "2 of 2 workers ready  default",
            "digits 1.2.0 becomes the default as soon as it is ready; 1.0.0 stays for a day",
            "digits 1.3.0 becomes the default as soon as it is ready; 1.2.0 stays for a day",
            "digits 1.2.0 is the default; 1.3.0 will be removed within minutes",
        ):
            assert expected in done.stdout
        serving = ServingRows(engine).find("digits")
        assert serving is not None
        assert (serving.version, serving.candidate, serving.share) == ("1.2.0", "1.3.0", 0)
        forced = [one.reason for one in ServingRows(engine).looks("digits", 9) if "forced" in one.reason]
        assert len(forced) == 1
        assert forced[0].endswith(": forced, although the gate has not seen it.")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["promote"], "rollout: promote which one? make promote VERSION=1.1.0"),
        (["promote", "1.1.0"], "rollout: digits 1.1.0 cannot be promoted: the gate has not seen it"),
        (
            ["promote", "9.9.9"],
            "rollout: there is no known archive of digits 9.9.9: `make versions` lists those",
        ),
        (["rollback"], "rollout: no version of digits is being tried, and no earlier version is kept"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    url: str, torchserve: Managing, tmp_path: Path, arguments: list[str], says: str
) -> None:
    with database.opened(url) as engine:
        Versions(engine).note(Version("digits", "1.1.0", "new.mar", "0" * 64))
    done = subprocess.run(
        [sys.executable, "-m", "rollout", *arguments],
        cwd=PROJECT,
        env=environ(url, torchserve, tmp_path),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(says)
    assert len(done.stderr.splitlines()) == 1


def test_what_torchserve_has_is_promoted_though_nobody_has_decided_on_its_model(
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = {version: f"digits-{version}.mar" for version in (OLD, NEW)}
    for version, file in files.items():
        put_archive(tmp_path, file, "digits", version)
    monkeypatch.setattr("sys.argv", ["rollout", "promote", NEW, "--force"])
    with managing(tmp_path, loaded=[*files.values()]) as torchserve:
        told = {"DATABASE_URL": url, "TORCHSERVE_MANAGEMENT_URL": torchserve.url, "MODEL": "digits"}
        for name, value in {**told, "MODEL_STORE": str(tmp_path), "VAR_DIR": str(tmp_path)}.items():
            monkeypatch.setenv(name, value)
        assert main() == 0
    assert capsys.readouterr().out.startswith(
        "digits 1.1.0 becomes the default as soon as it is ready; 1.0.0 "
    )


def test_where_torchserve_is_away_promoting_says_why_it_cannot(
    url: str, torchserve: Managing, tmp_path: Path
) -> None:
    told = environ(url, torchserve, tmp_path) | {"TORCHSERVE_MANAGEMENT_URL": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-m", "rollout", "promote", "1.1.0"],
        cwd=PROJECT,
        env=told,
        capture_output=True,
        text=True,
    )
    assert done.stderr.startswith("rollout: cannot tell which version of digits is the default: TorchServe")
