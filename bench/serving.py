"""A server that is measured: started, waited for by a real answer, ended with all its processes."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from client.session import local_session
from launch.errors import LaunchError
from system import processes

READY_S = 120
PNG = {"Content-Type": "image/png"}


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
    with processes.running(command, {**os.environ, **environ}, log) as started:
        wait_for_answer(url, picture, started.how_it_ended)
        yield Server(name, url, started.family()[0].pid)


def wait_for_answer(url: str, picture: bytes, how_it_ended: Callable[[], str | None] = lambda: None) -> None:
    """Wait until a picture is answered with 200: the server is up, and has worked off what was queued.

    Args:
        url: where it answers.
        picture: an image file that it can read.
        how_it_ended: says in words how its process ended, None while it runs.

    Raises:
        LaunchError: it ended, or did not answer so within READY_S.
    """
    last = "nothing"

    def is_answered() -> bool:
        nonlocal last
        if end := how_it_ended():
            raise LaunchError(f"the server of {url} {end}", "start it by itself to see more")
        try:
            answer = session.post(url, data=picture, headers=PNG, timeout=READY_S / 4)
        except requests.RequestException as error:
            last = f"{type(error).__name__}: {error}"
            return False
        last = f"{answer.status_code}: {answer.text[:200]}"
        return answer.status_code == 200

    with local_session() as session:
        if not processes.until(is_answered, READY_S):
            raise LaunchError(
                f"{url} did not answer a picture with 200 within {READY_S} s, but with {last}", "see its log"
            )
