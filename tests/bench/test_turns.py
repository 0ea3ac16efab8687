import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager

import psutil
import pytest
import requests

from bench.serving import serving
from bench.turns import family, load_alone, one_at_a_time, resume, stop
from system.files import PROJECT
from system.keeper import STOP_S
from system.ports import free_ports
from tests.bench.test_serving import PLAIN
from training.data.drawing import png

pytestmark = [pytest.mark.processes, pytest.mark.alone]

# Works all the time, in a process of its own and in its child, and answers beside that.
BUSY = f"""
import subprocess, sys, threading
subprocess.Popen([sys.executable, "-c", "while True: pass"])
def work():
    while True: pass
threading.Thread(target=work, daemon=True).start()
{PLAIN}"""
# As uvicorn does: asks its worker again and again, and starts another where one does not answer in time.
WATCHFUL = f"""
import sys, threading, time
from multiprocessing import Pipe, Process
def pong(connection):
    while True:
        connection.send(connection.recv())
def watch():
    while True:
        ours, theirs = Pipe()
        worker = Process(target=pong, args=(theirs,), daemon=True)
        worker.start()
        answers = True
        while answers:
            ours.send("ping")
            answers = ours.poll(2.0) and ours.recv()
            time.sleep(0.05)
        worker.kill()
threading.Thread(target=watch, daemon=True).start()
{PLAIN}"""


@contextmanager
def started(folder, program, name="one"):
    port = free_ports(1)[0]
    url = f"http://127.0.0.1:{port}/"
    command = [sys.executable, "-c", program, str(port)]
    with serving(name, command, url, b"", folder / f"{name}.log", {}) as server:
        yield server


def statuses(server):
    return [process.status() for process in family(server.pid)]


def cpu_s(server):
    return sum(sum(process.cpu_times()[:2]) for process in family(server.pid))


def answer(server):
    return requests.post(server.url, data=b"picture", timeout=10).status_code


def test_only_one_runs_and_the_others_take_no_cpu(tmp_path):
    with ExitStack() as entered:
        servers = [entered.enter_context(started(tmp_path, BUSY, name)) for name in ("one", "two")]
        only = entered.enter_context(one_at_a_time(servers))
        for running, idle in (servers, reversed(servers)):
            only(running)
            assert answer(running) == 200
            before, before_idle = cpu_s(running), cpu_s(idle)
            assert statuses(idle) == [psutil.STATUS_STOPPED] * 2, "its child as well"
            time.sleep(0.3)
            assert cpu_s(idle) == before_idle
            assert cpu_s(running) > before
        only(None)
        assert {*statuses(servers[0]), *statuses(servers[1])} == {psutil.STATUS_STOPPED}


def test_load_goes_to_the_one_that_runs(tmp_path):
    with ExitStack() as entered:
        servers = [entered.enter_context(started(tmp_path, PLAIN, name)) for name in ("one", "two")]
        only = entered.enter_context(one_at_a_time(servers))
        only(None)
        measured = load_alone(only, servers[1], [b"picture"], 2, 1)
        assert measured.requests > 2
        assert [*statuses(servers[0]), *statuses(servers[1])].count(psutil.STATUS_STOPPED) == 1


def test_all_run_again_afterwards_whatever_happened(tmp_path):
    with started(tmp_path, PLAIN) as server:
        with pytest.raises(RuntimeError), one_at_a_time([server]) as only:
            only(None)
            raise RuntimeError
        assert psutil.STATUS_STOPPED not in statuses(server)
        assert answer(server) == 200


def test_a_supervisor_does_not_take_a_stopped_worker_for_dead(tmp_path):
    with started(tmp_path, WATCHFUL) as server:
        members = set(family(server.pid))
        assert len(members) == 2
        stop(server.pid)
        time.sleep(2.5)  # longer than it waits for an answer
        resume(server.pid)
        time.sleep(0.5)
        assert set(family(server.pid)) == members


def test_a_child_outside_its_own_session_is_stopped_with_its_children():
    nested = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(99)'])"
    with subprocess.Popen([sys.executable, "-c", nested]) as process:
        try:
            while len(family(process.pid)) < 2:
                time.sleep(0.05)
            stop(process.pid)
            assert [member.status() for member in family(process.pid)] == [psutil.STATUS_STOPPED] * 2
            resume(process.pid)
            time.sleep(0.5)
            assert psutil.STATUS_STOPPED not in [member.status() for member in family(process.pid)]
        finally:
            for member in family(process.pid):
                member.kill()


def is_lasting(process):
    """Return whether it is no script that reads the machine's state, which TorchServe starts every minute."""
    try:
        return not any("metric_collector" in word for word in process.cmdline())
    except psutil.Error:
        return False


@pytest.mark.integration
def test_torchserve_is_stopped_with_its_guard_and_runs_on_afterwards(torchserve):
    url = f"{torchserve.inference_url}/predictions/digits"
    assert requests.post(url, data=png("7"), timeout=10).status_code == 200
    members = {one for one in family(torchserve.pid) if is_lasting(one)}
    assert {torchserve.pid, torchserve.java_pid} < {member.pid for member in members}
    stop(torchserve.pid)
    try:
        assert {member.status() for member in members} == {psutil.STATUS_STOPPED}
    finally:
        resume(torchserve.pid)
    assert requests.post(url, data=png("7"), timeout=10).status_code == 200
    assert members <= set(family(torchserve.pid))


def test_a_stopped_server_is_ended_in_order(tmp_path):
    with started(tmp_path, BUSY) as server, one_at_a_time([server]) as only:
        members = family(server.pid)
        only(None)
        began = time.monotonic()
    assert time.monotonic() - began < STOP_S, "it heard SIGTERM"
    assert not any(member.is_running() for member in members)


def test_a_server_that_has_ended_is_no_error(tmp_path):
    with started(tmp_path, PLAIN) as server, one_at_a_time([server]) as only:
        psutil.Process(server.pid).kill()
        only(None)
        only(server)


BENCH = """
import signal, sys, time
from pathlib import Path
from bench.serving import serving
from bench.turns import one_at_a_time
from launch.temporary import end_in_order_when_told
signal.signal(signal.SIGINT, signal.default_int_handler)
end_in_order_when_told()
port, program, log = sys.argv[1:]
url = f"http://127.0.0.1:{port}/"
with (
    serving("one", [sys.executable, "-c", program, port], url, b"", Path(log), {}) as server,
    one_at_a_time([server]) as only,
):
    only(None)
    print(server.pid, flush=True)
    time.sleep(99)
"""


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_a_bench_that_is_told_to_end_leaves_no_stopped_server_behind(told, tmp_path):
    port = free_ports(1)[0]
    command = [sys.executable, "-c", BENCH, str(port), BUSY, str(tmp_path / "log")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=PROJECT
    ) as bench:
        assert bench.stdout
        members = family(int(bench.stdout.readline()))
        assert [member.status() for member in members] == [psutil.STATUS_STOPPED] * 2
        bench.send_signal(told)
        bench.wait(timeout=30)
    assert not any(member.is_running() for member in members)
