"""What `make up` and `make status` say of containers, from what compose says."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from deploy import status
from system.files import PROJECT

PAGE = {
    "Project": "mine",
    "Name": "mine-ui-1",
    "Service": "ui",
    "Image": "sketchserve/page:local",
    "State": "running",
    "Health": "healthy",
    "Status": "Up 2 minutes (healthy)",
    "ExitCode": 0,
}
# What compose writes of a published port, and how an address has it.
PORTS = [
    ("127.0.0.1:7860", "127.0.0.1:7860"),
    ("::1:7860", "[::1]:7860"),
    (":::7860", "[::]:7860"),
    ("[::1]:7860", "[::1]:7860"),
]


def compose_says(monkeypatch: pytest.MonkeyPatch, port: str = "") -> None:
    said = {"ps": json.dumps(PAGE), "port": port}
    monkeypatch.setattr(status, "_output", lambda *command: said.get(command[2], ""))


def test_the_project_is_the_one_that_the_containers_are_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    compose_says(monkeypatch)
    status.of_containers(status.containers())
    assert capsys.readouterr().out.startswith("compose project mine\n")


@pytest.mark.parametrize(("port", "address"), PORTS)
def test_the_page_is_asked_where_it_is_published(
    monkeypatch: pytest.MonkeyPatch, port: str, address: str
) -> None:
    asked: list[str] = []
    compose_says(monkeypatch, port)
    monkeypatch.setattr(status, "of_page", lambda url: asked.append(url) or [])
    status.of_containers(status.containers())
    assert asked == [f"http://{address}/health"]


@pytest.mark.parametrize(("port", "address"), PORTS)
def test_make_up_says_an_address_that_a_browser_takes(tmp_path: Path, port: str, address: str) -> None:
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\n[ "$2" != port ] || echo "{port}"\n')
    docker.chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    up = ["make", "--no-print-directory", "up"]
    done = subprocess.run(up, cwd=PROJECT, env=env, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, f"the page: http://{address}\n"), done.stderr
