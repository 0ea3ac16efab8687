"""What is done to the platform: each fault, and how it is lifted."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from db import credentials, postmaster
from db.spool import RESERVE_BYTES
from system.ports import free_ports
from system.processes import running, until
from tests.chaos.connection import Wire
from tests.services.platform import STOP_S, Run, environment, make_run, runs

STARTED_S = 60
SPARE_BYTES = 8 * 1024**2
JAVA, GUARD = "org.pytorch.serve.ModelServer", "-m launch.torchserve"
WORKER, PAGE, READER = "model_service_worker", "-m ui", "-m reading"


class World:
    """`make run` on its own folder and disk, and before its database a wire that can be cut."""

    def __init__(self, folder: Path, seed: int, stack: ExitStack) -> None:
        self.var, self.tmp = folder / "var", folder / "tmp"
        self.tmp.mkdir()
        self.random = random.Random(seed)
        self.disk = stack.enter_context(_small_disk(self.var / "spool"))
        self._port, *_ = free_ports(1)
        self._postgres = stack.enter_context(ExitStack())
        self.start_postgres()
        self.wire: Wire = Wire(self._port)
        stack.callback(self.wire.close)
        self.database_url = credentials.url(self.var / "postgres", self._port)
        self._platform = stack.enter_context(ExitStack())
        self._away_until = 0.0
        self.run = self._make_run()

    def page_url(self) -> str:
        """Return the page's address."""
        return self.run.url("UI_PORT")

    def page_answers(self) -> bool:
        """Return whether the page is there; from then on it may no longer be away."""
        try:
            is_there = requests.get(f"{self.page_url()}/livez", timeout=5).ok
        except requests.RequestException:
            is_there = False
        if is_there:
            self._away_until = min(self._away_until, time.monotonic())
        return is_there

    def was_away(self, since: float) -> bool:
        """Return whether the page was being killed or restarted at some time since then."""
        return self._away_until > since

    def end(self, words: str, number: signal.Signals = signal.SIGKILL, *, are_copies: bool = False) -> None:
        """Send a signal to one of the processes that have the words in their command line.

        Those of them that others have made as copies of themselves are another kind.
        """
        if words == PAGE:
            self._away_until = float("inf")

        def members() -> list[psutil.Process]:
            there = {process.pid: process for process in self.run.members(words)}
            with suppress(psutil.NoSuchProcess):
                return [one for one in there.values() if (one.ppid() in there) is are_copies]
            return []

        # One that is being started is not there yet.
        found = until(members, STARTED_S)
        assert found, f"no process has {words}"
        victim = self.random.choice(found)
        with suppress(psutil.NoSuchProcess):
            victim.send_signal(number)
        until(lambda: not runs(victim), STOP_S)  # whose parent may not have noticed yet

    def stop_postgres(self) -> None:
        """End it in order."""
        self._postgres.close()

    def start_postgres(self) -> None:
        """Start it, also after it was killed."""
        self._postgres.close()
        log = self.var / "db.embedded.log"
        environ = environment(self.var, {}, POSTGRES_PORT=str(self._port), TMPDIR=str(self.tmp))
        command = [sys.executable, "-m", "db.embedded"]
        started = self._postgres.enter_context(running(command, environ, log, stop_s=STARTED_S))
        assert until(lambda: "answers at" in log.read_text(), STARTED_S), started.how_it_ended()

    def tell_postgres(self, number: signal.Signals) -> None:
        """Send a signal to all of its processes."""
        server = postmaster.live(self.var / "postgres" / "data")
        assert server is not None, "PostgreSQL does not run"
        first = psutil.Process(server.pid)
        for process in (first, *first.children()):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def fill_disk(self) -> None:
        """Leave no room where records wait."""
        with suppress(OSError), (self.var / "spool" / "ballast").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(65536))

    def empty_disk(self) -> None:
        """Leave room again."""
        (self.var / "spool" / "ballast").unlink()

    def kill_launcher(self) -> None:
        """Kill the process that started all others, check that nothing outlives it, and start it again."""
        self._away_until = float("inf")
        family = self.run.family()
        next(one for one in family if one.ppid() == self.run.process.pid).kill()
        self.run.process.wait(STOP_S)
        until(lambda: not any(map(runs, family)), STOP_S)
        self.run.assert_nothing_is_left(family)
        self._platform.close()
        self.run = self._make_run()

    def restart(self) -> None:
        """End all of `make run` and start it again."""
        self._away_until = float("inf")
        self.stop_platform()
        self.run = self._make_run()

    def stop_platform(self) -> None:
        """End all of `make run` in order, and check that no process or port is left of it."""
        family = self.run.family()
        self.run.process.send_signal(signal.SIGTERM)
        self.run.process.wait(STOP_S)
        self.run.assert_nothing_is_left(family)
        self._platform.close()
        assert "stopped; no process is left" in self.run.output

    def _make_run(self) -> Run:
        url = credentials.url(self.var / "postgres", self.wire.port)
        return self._platform.enter_context(make_run(self.var, DATABASE_URL=url, TMPDIR=str(self.tmp)))


@dataclass(frozen=True)
class Fault:
    """One kind of it.

    Attributes:
        name: How it is called.
        part: What it is done to: two faults at once are done to two parts.
        begin: Does it.
        lift: Ends it; None where it is over at once.
    """

    name: str
    part: str
    begin: Callable[[World], None]
    lift: Callable[[World], None] | None = None


def _told(number: signal.Signals) -> Callable[[World], None]:
    return lambda world: world.tell_postgres(number)


# The launcher gives up a part that ends more than five times without a minute of peace. Each turn ends one
# twice, and a new launcher counts anew. The page does not start without room on the disk.
ALONE = "all"
FAULTS = (
    Fault("java killed", "torchserve", lambda world: world.end(JAVA)),
    Fault("guard killed", "torchserve", lambda world: world.end(GUARD)),
    Fault("worker killed", "torchserve", lambda world: world.end(WORKER)),
    Fault("decoder killed", "torchserve", lambda world: world.end(WORKER, are_copies=True)),
    Fault("number reader killed", "page", lambda world: world.end(READER)),
    Fault("page killed", "page", lambda world: world.end(PAGE)),
    Fault("page ended", "page", lambda world: world.end(PAGE, signal.SIGTERM)),
    Fault("PostgreSQL killed", "postgres", _told(signal.SIGKILL), World.start_postgres),
    Fault("PostgreSQL stopped", "postgres", World.stop_postgres, World.start_postgres),
    Fault("PostgreSQL paused", "postgres", _told(signal.SIGSTOP), _told(signal.SIGCONT)),
    Fault("connection cut", "wire", lambda world: world.wire.cut(), lambda world: world.wire.mend()),
    Fault("connection slow", "wire", lambda world: world.wire.slow(), lambda world: world.wire.mend()),
    Fault("disk full", "page", World.fill_disk, World.empty_disk),
    Fault("launcher killed", ALONE, World.kill_launcher),
    Fault("all restarted", ALONE, World.restart),
)


@contextmanager
def _small_disk(folder: Path) -> Iterator[bool]:
    """Mount a disk with little more room than the page leaves; yield whether that can be done here."""
    folder.mkdir(parents=True)
    size = f"size={RESERVE_BYTES + SPARE_BYTES},mode=700"
    command = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(command, capture_output=True).returncode:
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
