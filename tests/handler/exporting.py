"""Processes that export metrics as workers do."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from system.files import PROJECT
from system.ports import free_ports
from tests.handler.scraped import totals

COUNT = "handler_answers_total"


class Worker:
    """A process of metrics_process.py."""

    def __init__(self, environ: dict[str, str], model: str = "digits") -> None:
        command = [sys.executable, str(PROJECT / "tests" / "handler" / "metrics_process.py"), model]
        self.process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env={**os.environ, "PYTHONPATH": str(PROJECT), **environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._said() == "ready"

    def add(self) -> None:
        """Let it have a batch of one."""
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        assert self._said() == "added"

    def kill(self) -> str:
        """End it as nothing else would, and give what it had to say besides."""
        self.process.kill()
        return self.process.communicate()[1]

    def _said(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (port,) = free_ports(1)
    return {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "HANDLER_METRICS_PORT": str(port)}


@pytest.fixture
def worker(environ: dict[str, str]) -> Iterator[Callable[..., Worker]]:
    """Return what starts a worker; all are ended."""
    started = []

    def start(**options: str) -> Worker:
        started.append(Worker(environ, **options))
        return started[-1]

    yield start
    for one in started:
        one.kill()


def url(environ: dict[str, str]) -> str:
    return f"http://127.0.0.1:{environ['HANDLER_METRICS_PORT']}/metrics"


def total(environ: dict[str, str], name: str = COUNT, model: str = "digits") -> float:
    return totals(url(environ), model=model)[name]
