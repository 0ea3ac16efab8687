"""The process beside a worker: what it passes on, what ends it, and that it ends with its worker."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

from handler.aside import Aside, TookTooLong
from handler.bad_image import BadImage, Busy
from handler.model import Framed

KEPT: list[bytearray] = []
FRAME = np.arange(784, dtype=np.uint8).reshape(28, 28)


def framed(payload: bytes) -> Framed:
    """Do what the payload says."""
    if payload == b"turn round and round":
        while True:
            pass
    if payload == b"crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if payload == b"sleep":
        time.sleep(60)
    if payload == b"eat":
        raise BadImage(f"{len(bytearray(2**33))} bytes")
    if payload == b"keep":
        KEPT.append(bytearray(300 * 1024**2))
    if payload == b"print":
        os.write(1, b"words")
        os.write(2, b"words")
    if payload == b"refuse":
        raise BadImage("No.")
    return Framed(FRAME, lambda: (np.float64(1.5), 2, len(payload)), 3)  # type: ignore[arg-type,return-value]


@pytest.fixture
def aside() -> Aside:
    return Aside(framed)


def process_of(aside: Aside) -> int:
    assert aside._child is not None
    return aside._child[0]


def test_what_comes_back_is_what_was_made(aside: Aside) -> None:
    for payload in (b"", b"x", bytes(3_000_000)):
        found = aside.framed(payload, 1, 10)
        assert (found.frame == FRAME).all()
        assert found.frame.dtype == np.uint8
        assert found.place() == (4.5, 6, 3 * len(payload))
    with pytest.raises(BadImage, match=r"^No\.$"):
        aside.framed(b"refuse", 1, 10)


def test_one_process_reads_one_picture_after_the_other(aside: Aside) -> None:
    aside.framed(b"x", 1, 10)
    first = process_of(aside)
    aside.framed(b"y", 1, 10)
    assert process_of(aside) == first


def test_what_takes_more_cpu_time_than_it_may_is_ended_and_the_next_is_read(aside: Aside) -> None:
    with pytest.raises(TookTooLong):
        aside.framed(b"turn round and round", 0.05, 60)
    assert aside.framed(b"x", 1, 10).reduction == 3


def test_time_is_counted_for_each_picture_anew(aside: Aside) -> None:
    aside.framed(b"x", 1, 10)
    process = psutil.Process(process_of(aside))
    while sum(process.cpu_times()[:2]) < 0.1:
        aside.framed(bytes(1_000_000), 0.05, 10)
    assert process.is_running()


def test_waiting_ends_though_no_cpu_time_is_spent(aside: Aside) -> None:
    with pytest.raises(Busy):
        aside.framed(b"sleep", 1, 0.2)
    assert aside.framed(b"x", 1, 10).reduction == 3


@pytest.mark.parametrize(("cpu_s", "wait_s"), [(0.001, 10), (-1, 10), (1, 0.001), (1, -1)])
def test_next_to_no_time_is_not_begun(aside: Aside, cpu_s: float, wait_s: float) -> None:
    with pytest.raises(TookTooLong):
        aside.framed(b"x", cpu_s, wait_s)
    assert aside._child is None


def test_a_decoder_that_crashes_is_its_pictures_fault(aside: Aside) -> None:
    with pytest.raises(BadImage, match="made its decoder crash"):
        aside.framed(b"crash", 1, 10)
    assert aside.framed(b"x", 1, 10).reduction == 3


def test_a_process_that_was_ended_by_others_is_nobodys_fault(aside: Aside) -> None:
    aside.framed(b"x", 1, 10)
    process = process_of(aside)
    os.kill(process, signal.SIGKILL)
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    assert aside.framed(b"x", 1, 10).reduction == 3


def test_an_answer_that_was_not_taken_is_not_the_next_ones(
    aside: Aside, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> object:
        raise MemoryError

    aside.framed(b"x", 1, 10)
    with monkeypatch.context() as patched:
        patched.setattr("handler.aside._received", broken)
        with pytest.raises(MemoryError):
            aside.framed(b"x", 1, 10)
    assert aside.framed(b"four", 1, 10).place() == (4.5, 6, 12)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc to know what a process has")
def test_memory_is_bounded(aside: Aside) -> None:
    with pytest.raises(RuntimeError, match="MemoryError"):
        aside.framed(b"eat", 1, 10)
    aside.framed(b"x", 1, 10)
    process = process_of(aside)
    aside.framed(b"keep", 1, 10)
    aside.framed(b"x", 1, 10)
    assert process_of(aside) != process, "a process that has kept too much is ended"


def test_it_holds_nothing_of_its_workers_open(aside: Aside) -> None:
    here, there = os.pipe()
    aside.framed(b"x", 1, 10)
    os.close(there)
    os.set_blocking(here, False)
    assert os.read(here, 1) == b"", "else it still had the other end"
    os.close(here)


def test_what_decoders_print_is_nobodys_log(aside: Aside, capfd: pytest.CaptureFixture[str]) -> None:
    aside.framed(b"print", 1, 10)
    assert capfd.readouterr() == ("", "")


@pytest.mark.processes
def test_it_ends_with_its_worker() -> None:
    script = (
        "import time; from tests.handler.test_aside import *\n"
        "aside = Aside(framed); aside.framed(b'x', 1, 10)\n"
        "print(process_of(aside), flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        process = psutil.Process(int(worker.stdout.readline()))
        worker.kill()
    # Whoever adopts it may let it lie as a zombie.
    deadline = time.monotonic() + 30
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.02)
