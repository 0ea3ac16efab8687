"""What deploy/roll.sh says to its operator, with a program of the test's own in place of docker."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from system.files import PROJECT

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(shutil.which("rsync") is None, reason="no rsync: apt-get install rsync"),
]

# In place of the page's image, the environment's Python, told what compose would tell it.
DOCKER = """#!/bin/sh
case "$*" in
*" is_loopback; "*)
    for last in "$@"; do :; done
    PUBLISHED_AT=$(sed -n 's/^PUBLISHED_AT=//p' .env) exec "$PYTHON" -c "$last" ;;
*"python -m ui.check") exit "${CHECK:-0}" ;;
*"python -m db.users"*) echo "$PWD $TAG $COMPOSE_FILE" ;;
"compose ps --all --quiet") echo one ;;
"compose ps "*" torchserve" | "compose ps "*" ui") [ -z "$RUNNING" ] || echo one ;;
"compose exec -T proxy "*) echo "$*" ;;
"inspect --format {{.Config.Image}}"*) echo "sketchserve/page:older running" ;;
"inspect --format {{(index"*) echo "$3" ;;
"compose up --detach --wait --wait-timeout 300") exit "${UP:-0}" ;;
"inspect --format {{.Id}} {{.State.Status}}"*) printf '%s\\n' "$STATES" ;;
"inspect --format {{.Name}}"*) echo "$4" ;;
esac
"""
RUNS = ("first running 0 healthy", "second running 0 ", "third exited 0 unhealthy", "fourth created 0 ")
FAILED = ("fifth running 0 starting", "sixth exited 1 ", "seventh restarting 2 unhealthy")


def roll(folder: Path, **told: str) -> subprocess.CompletedProcess[str]:
    programs = folder.parent / "bin"
    programs.mkdir()
    (programs / "docker").write_text(DOCKER)
    (programs / "docker").chmod(0o755)
    return subprocess.run(
        ["bash", str(PROJECT / "deploy" / "roll.sh"), str(folder), "newer"],
        env={
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHON": sys.executable,
            "PYTHONPATH": str(PROJECT),
            **told,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )


def place(folder: Path, settings: str = "", former: str | None = None) -> Path:
    """Prepare a host's folder: what is to come, and the compose file of what runs, if anything does."""
    for part in ("app", "incoming"):
        (folder / part).mkdir(parents=True)
    (folder / "incoming" / "docker-compose.yml").write_text("volumes: {secrets-keys: }\n")
    (folder / "app" / ".env").write_text(f"TAG=older\n{settings}")
    if former is not None:
        (folder / "app" / "docker-compose.yml").write_text(former)
        (folder / "taken").write_text("older\n")
    return folder


@pytest.mark.parametrize(
    ("former", "settings", "is_said"),
    [
        ("volumes: {database: }", "PUBLISHED_AT=sketch.example\n", True),
        ("volumes: {database: }", "PUBLISHED_AT=127.example.org\n", True),
        ("volumes: {database: }", "PUBLISHED_AT=sketch.example\nINFERENCE_KEYS=off\n", False),
        ("volumes: {database: }", "PUBLISHED_AT=sketch.example\nINFERENCE_KEYS='off' # for now\n", False),
        ("volumes: {database: }", "PUBLISHED_AT=LocalHost\n", False),
        ("volumes: {secrets-keys: }", "PUBLISHED_AT=sketch.example\n", False),
    ],
)
def test_who_updates_a_published_release_without_keys_is_told_that_programs_need_one(
    tmp_path: Path, former: str, settings: str, is_said: bool
) -> None:
    said = roll(place(tmp_path / "host", settings, former)).stdout
    assert "checking the settings" in said
    assert ("programs on other hosts need a key" in said) is is_said


@pytest.mark.parametrize(
    ("settings", "override", "files"),
    [
        ("", False, "../incoming/docker-compose.yml"),
        ("", True, "../incoming/docker-compose.yml:docker-compose.override.yml"),
        (
            "COMPOSE_FILE=docker-compose.yml:local/mine.yml\n",
            True,
            "../incoming/docker-compose.yml:local/mine.yml",
        ),
        (
            'COMPOSE_FILE="docker-compose.yml:local/mine.yml"\n',
            True,
            "../incoming/docker-compose.yml:local/mine.yml",
        ),
    ],
)
def test_the_command_that_adds_a_user_has_the_operators_own_files(
    tmp_path: Path, settings: str, override: bool, files: str
) -> None:
    folder = place(tmp_path / "a host's", settings, "volumes: {}")
    if override:
        (folder / "app" / "docker-compose.override.yml").write_text("services: {}\n")
    done = roll(folder, CHECK="3")
    assert done.returncode == 3, done.stdout
    command = re.search(r"^ +(cd .* NAME .*)$", done.stdout, re.MULTILINE)
    assert command, done.stdout
    environ = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    run = subprocess.run(["sh", "-c", command[1]], env=environ, capture_output=True, text=True, check=True)
    assert run.stdout == f"{folder / 'app'} newer {files}\n"


@pytest.mark.parametrize("name", ["mine", '"mine"', "'mine' # on this host", "mine # on this host", "mine "])
def test_the_old_containers_are_found_on_the_projects_own_network(tmp_path: Path, name: str) -> None:
    folder = place(tmp_path / "host", f"COMPOSE_PROJECT_NAME={name}\n", "volumes: {secrets-keys: }")
    said = roll(folder, RUNNING="1").stdout
    moved = re.search(r"^compose exec .*/start\.sh move (.+)$", said, re.MULTILINE)
    assert moved, said
    assert moved[1].count('Networks "mine_front")') == 2


def test_a_first_start_that_fails_has_the_last_words_of_each_that_is_not_well(tmp_path: Path) -> None:
    done = roll(place(tmp_path / "host"), UP="1", STATES="\n".join((*RUNS, *FAILED)))
    assert done.returncode == 1, done.stdout
    assert re.findall(r"last log lines of (\w+):", done.stdout) == ["fifth", "sixth", "seventh"]
