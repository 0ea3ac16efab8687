"""Runs TorchServe behind the guard: until TorchServe ends, or a signal ends both in order."""

import asyncio
import logging
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import uvloop

from guard.api import Api
from guard.client import Client
from guard.refusals import Refusals
from system.files import allow_open_files
from system.keeper import die_with
from system.stopping import STOPS

logger = logging.getLogger(__name__)

# For the connections of both APIs' clients, each with one to TorchServe while it is answered.
FILE_DESCRIPTORS = 17_000
# For the answers that are under way; who ends this kills it after 12 s, and TorchServe takes 2.4 s.
DRAIN_S = 7.0
LOOK_S = 1.0
BEHIND = 10
BACKLOG = 4096


@dataclass(frozen=True)
class Door:
    """Where an API is reached.

    Attributes:
        host: an address of this machine.
        port: to listen at.
        api: what is behind it.
    """

    host: str
    port: int
    api: Api


@dataclass(frozen=True)
class Program:
    """How TorchServe is started.

    Attributes:
        command: its command line.
        environ: its whole environment.
        folder: it is run in.
        files: open ones that it gets.
    """

    command: Sequence[str]
    environ: Mapping[str, str]
    folder: Path
    files: Sequence[int] = ()


def serve(doors: Mapping[str, Door], program: Program, metrics: Path) -> int:
    """Run TorchServe and let its clients in; return its exit code, -N where signal N ended it.

    Args:
        doors: where clients come in, by API. They are answered 503 while TorchServe is not there.
        program: TorchServe.
        metrics: the folder with the handler's metrics, for the guard's among them.

    Raises:
        OSError: TorchServe cannot be started, or one of the doors is taken.
    """
    allow_open_files(FILE_DESCRIPTORS)
    refusals = Refusals({name: door.api for name, door in doors.items()}, metrics)
    return uvloop.run(_serve(list(doors.values()), program, refusals))


async def _serve(doors: Sequence[Door], program: Program, refusals: Refusals) -> int:
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(partial(Client, door.api), door.host, door.port, backlog=BACKLOG)
        for door in doors
    ]
    told = asyncio.Event()
    for number in STOPS:
        loop.add_signal_handler(number, told.set)
    torchserve = subprocess.Popen(
        program.command,
        env=dict(program.environ),
        cwd=program.folder,
        pass_fds=program.files,
        preexec_fn=partial(die_with, os.getpid(), signal.SIGTERM),
    )
    # As with the thread behind it (handler/worker.py): with far too many requests, workers go
    # first. Where nobody waits it makes no difference.
    os.setpriority(os.PRIO_PROCESS, 0, min(os.getpriority(os.PRIO_PROCESS, 0) + BEHIND, 19))
    apis = [door.api for door in doors]
    ended = loop.run_in_executor(None, torchserve.wait)
    looking = loop.create_task(look_after(apis, refusals))
    asked = loop.create_task(told.wait())
    try:
        await asyncio.wait((asyncio.ensure_future(ended), asked), return_when=asyncio.FIRST_COMPLETED)
        for server in servers:
            server.close()
        if not ended.done():
            await _drain(apis)
    finally:
        looking.cancel()
        asked.cancel()
        torchserve.terminate()
    return await ended


async def _drain(apis: Sequence[Api]) -> None:
    """Let what is under way be answered."""
    for api in apis:
        for client in list(api.clients):
            client.end_when_idle()
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_S):
            while any(api.clients for api in apis):
                await asyncio.sleep(0.02)


async def look_after(apis: Sequence[Api], refusals: Refusals) -> None:
    """Cut clients off at their deadlines, and tell what was refused, until this is cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(LOOK_S)
        now = loop.time()
        for api in apis:
            for client in [client for client in api.clients if client.deadline < now]:
                try:
                    client.expire()
                except Exception:  # one client's fault must not keep the others' limits from holding
                    logger.exception("a client could not be cut off")
        refusals.tell(now)
