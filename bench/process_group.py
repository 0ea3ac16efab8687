"""A server in a session of its own: started, waited for by a real answer, ended with all its children."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import requests

from launch.readiness import local_session
from launch.settings import PROJECT

READY_S = 120
STOP_S = 10
POLL_S = 0.1


class ServerError(RuntimeError):
    """A server did not come up; the message has its last words."""


@contextmanager
def serving(
    command: list[str], url: str, picture: bytes, log: Path, environ: Mapping[str, str]
) -> Iterator[int]:
    """Give the server's process id once it has answered the picture with 200, and end it afterwards.

    Args:
        command: what starts it, in the project's folder.
        url: where it answers.
        picture: an image file that it can read.
        log: what it says goes there.
        environ: environment variables beside this process's own.

    Raises:
        ServerError: it ended, or did not answer within READY_S.
    """
    with log.open("wb") as said:
        process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env={**os.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_for_answer(url, picture, lambda: _death(process, log))
        yield process.pid
    finally:
        _end(process)


def family(pid: int) -> list[psutil.Process]:
    """Give a process, its descendants and whatever is in the session that it leads, itself first.

    Those that have ended are left out; where it has ended itself, its session is still found.
    """
    found: set[psutil.Process] = set()
    with suppress(psutil.NoSuchProcess):
        leader = psutil.Process(pid)
        found = {leader, *leader.children(recursive=True)}
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if os.getsid(process.pid) == pid:
                found.add(process)
    return sorted(filter(_runs, found), key=lambda process: (process.pid != pid, process.pid))


def wait_for_answer(url: str, picture: bytes, death: Callable[[], str | None] = lambda: None) -> None:
    """Wait until a picture is answered with 200: the server is up, and has worked off what was queued.

    Args:
        url: where it answers.
        picture: an image file that it can read.
        death: says how its process ended, None while it runs.

    Raises:
        ServerError: it ended, or did not answer so within READY_S.
    """
    deadline, last = time.monotonic() + READY_S, "nothing"
    with local_session() as session:
        while time.monotonic() < deadline:
            died = death()
            if died is not None:
                raise ServerError(died)
            try:
                headers = {"Content-Type": "image/png"}
                answer = session.post(url, data=picture, headers=headers, timeout=READY_S / 4)
                if answer.status_code == 200:
                    return
                last = f"{answer.status_code}: {answer.text[:200]}"
            except requests.RequestException as error:
                last = f"{type(error).__name__}: {error}"
            time.sleep(POLL_S)
    raise ServerError(f"{url} did not answer a picture with 200 within {READY_S} s, but with {last}")


def _death(process: subprocess.Popen[bytes], log: Path) -> str | None:
    if process.poll() is None:
        return None
    words = log.read_text(errors="replace").strip()[-500:] or "it said nothing"
    return f"{process.args!r} ended with {process.returncode}: {words}"


def _runs(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the leader, then the rest, then kill: a leader that ends in order takes its workers along."""
    members = family(process.pid)
    for member in members:
        with suppress(psutil.NoSuchProcess):
            member.terminate()
            member.resume()  # one that is stopped would not hear it
    psutil.wait_procs(members, timeout=STOP_S)
    stubborn = family(process.pid)
    for left in stubborn:
        with suppress(psutil.NoSuchProcess):
            left.kill()
    psutil.wait_procs(stubborn, timeout=STOP_S)
    process.wait()
