"""The whole platform for tests: `make run` on free ports, apart from any other on this machine."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from system.files import PROJECT
from system.ports import free_ports, holder, is_free

KEYS = (
    "INFERENCE_PORT",
    "MANAGEMENT_PORT",
    "METRICS_PORT",
    "HANDLER_METRICS_PORT",
    "GRPC_INFERENCE_PORT",
    "GRPC_MANAGEMENT_PORT",
    "UI_PORT",
    "POSTGRES_PORT",
)
READY_S = 120
STOP_S = 30
RELEASE_S = 2


@dataclass
class Run:
    """One `make run` in a session of its own."""

    process: subprocess.Popen[str]
    ports: dict[str, int]
    var: Path
    lines: list[str] = field(default_factory=list)
    seen: list[psutil.Process] = field(default_factory=list)

    @property
    def output(self) -> str:
        """Everything printed so far."""
        return "".join(self.lines)

    def wait_until_ready(self) -> None:
        """Return once the addresses are printed."""
        deadline = time.monotonic() + READY_S
        while "Ctrl-C stops everything." not in self.output:
            assert self.process.poll() is None, f"it ended: {self.output}"
            assert time.monotonic() < deadline, f"not ready within {READY_S} s: {self.output}"
            time.sleep(0.05)

    def family(self) -> list[psutil.Process]:
        """Return make and all that it started."""
        make = psutil.Process(self.process.pid)
        self.seen = [make, *make.children(recursive=True)]
        return self.seen

    def members(self, words: str) -> list[psutil.Process]:
        """Return the processes of the run, no keepers, whose command line has the words."""
        found = []
        for process in self.family():
            with suppress(psutil.NoSuchProcess):
                command = " ".join(process.cmdline())
                if words in command and "system.keeper" not in command:
                    found.append(process)
        return found

    def url(self, key: str) -> str:
        """Return the address of the server on the port."""
        return f"http://127.0.0.1:{self.ports[key]}"

    def assert_nothing_is_left(self, family: list[psutil.Process]) -> None:
        """Check that each process of the family is gone and each port is free."""
        left = [process for process in family if runs(process)]
        assert left == [], f"still running after make ended: {left}; {self.output}"
        # A process is a zombie before its last thread, and its port, are gone.
        deadline = time.monotonic() + RELEASE_S
        while taken := {key: holder(port) for key, port in self.ports.items() if not is_free(port)}:
            assert time.monotonic() < deadline, taken
            time.sleep(0.05)


def runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def environment(var: Path, ports: dict[str, int], **more: str) -> dict[str, str]:
    """The environment of a run apart from any other on this machine."""
    kept = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "MODEL")}
    return {**kept, "VAR_DIR": str(var), **{key: str(port) for key, port in ports.items()}, **more}


def some_ports() -> dict[str, int]:
    return dict(zip(KEYS, free_ports(len(KEYS)), strict=True))


@contextmanager
def make_run(var: Path, **more: str) -> Iterator[Run]:
    """Run `make run` until the end of the block; more are environment variables."""
    ports = some_ports()
    process = subprocess.Popen(
        ["make", "run"],
        cwd=PROJECT,
        env=environment(var, ports, **more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    run = Run(process, ports, var)
    assert process.stdout is not None
    reader = threading.Thread(target=lambda: run.lines.extend(iter(process.stdout.readline, "")), daemon=True)
    reader.start()
    try:
        run.wait_until_ready()
        yield run
    finally:
        # Still running only after a failure.
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        for left in filter(runs, run.seen):
            left.kill()
        process.wait(STOP_S)
        reader.join(STOP_S)
