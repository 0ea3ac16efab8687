"""A server under a keeper: started, waited for by a real answer, ended with all its processes."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from launch.errors import LaunchError
from launch.readiness import local_session
from launch.settings import PROJECT
from system.processes import kept, lifeline

READY_S = 120
POLL_S = 0.1


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        name: as tables have it.
        url: where it answers a picture.
        pid: the process that all its others descend from.
    """

    name: str
    url: str
    pid: int


@contextmanager
def serving(
    name: str, command: list[str], url: str, picture: bytes, log: Path, environ: Mapping[str, str]
) -> Iterator[Server]:
    """Yield the server once it has answered the picture with 200, and end it afterwards.

    Args:
        name: as tables have it.
        command: what starts it, in the project's folder.
        url: where it answers.
        picture: an image file that it can read.
        log: what it says goes there.
        environ: environment variables beside this process's own.

    Raises:
        LaunchError: it ended, or did not answer within READY_S.
    """
    with lifeline() as stdin, log.open("wb") as said:
        keeper = subprocess.Popen(
            kept(command),
            cwd=PROJECT,
            env={**os.environ, **environ},
            stdin=stdin,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C is for this process, which lets what is stopped run on first
        )

        def ended() -> str | None:
            if keeper.poll() is None:
                return None
            words = log.read_text(errors="replace").strip()[-500:] or "it said nothing"
            return f"{' '.join(command)[:200]} ended with {keeper.returncode}: {words}"

        try:
            wait_for_answer(url, picture, ended)
            leader = min(psutil.Process(keeper.pid).children(), key=psutil.Process.create_time)
            yield Server(name, url, leader.pid)
        finally:
            keeper.terminate()
            keeper.wait()


def wait_for_answer(url: str, picture: bytes, ended: Callable[[], str | None] = lambda: None) -> None:
    """Wait until a picture is answered with 200: the server is up, and has worked off what was queued.

    Args:
        url: where it answers.
        picture: an image file that it can read.
        ended: says how its process ended, None while it runs.

    Raises:
        LaunchError: it ended, or did not answer so within READY_S.
    """
    deadline, last = time.monotonic() + READY_S, "nothing"
    with local_session() as session:
        while time.monotonic() < deadline:
            how = ended()
            if how is not None:
                raise LaunchError(how, "run the command by itself to see more")
            try:
                headers = {"Content-Type": "image/png"}
                answer = session.post(url, data=picture, headers=headers, timeout=READY_S / 4)
                if answer.status_code == 200:
                    return
                last = f"{answer.status_code}: {answer.text[:200]}"
            except requests.RequestException as error:
                last = f"{type(error).__name__}: {error}"
            time.sleep(POLL_S)
    raise LaunchError(
        f"{url} did not answer a picture with 200 within {READY_S} s, but with {last}", "see its log"
    )
