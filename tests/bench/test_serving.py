import signal
import subprocess
import sys

import psutil
import pytest

from bench.serving import serving, wait_for_answer
from bench.turns import family
from launch.errors import LaunchError
from system.files import PROJECT
from system.ports import free_ports
from tests.bench.tiny_server import REFUSED, tiny_server

pytestmark = [pytest.mark.processes, pytest.mark.alone]

PLAIN = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Answering(BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_response(200)
        self.end_headers()
HTTPServer(("127.0.0.1", int(sys.argv[1])), Answering).serve_forever()
"""
# With a child of its own that does not end when it is asked to.
STUBBORN = f"""
import subprocess, sys
deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"
child = subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE)
child.stdout.readline()
{PLAIN}"""


def test_a_server_is_ended_with_children_that_do_not_want_to(tmp_path):
    port = free_ports(1)[0]
    command = [sys.executable, "-c", STUBBORN, str(port)]
    with serving("one", command, f"http://127.0.0.1:{port}/", b"picture", tmp_path / "log", {}) as server:
        members = family(server.pid)
        assert members[0].pid == server.pid
        assert len(members) == 2
    assert not any(member.is_running() and member.status() != psutil.STATUS_ZOMBIE for member in members)


def test_a_server_that_does_not_start_is_quoted(tmp_path):
    command = [sys.executable, "-c", "import sys; sys.exit('no such module: mosec')"]
    url = f"http://127.0.0.1:{free_ports(1)[0]}/"
    with (
        pytest.raises(LaunchError, match=r"ended with 1 \(no such module: mosec\)"),
        serving("one", command, url, b"", tmp_path / "log", {}),
    ):
        pytest.fail("it is not running")


def test_a_server_that_answers_with_errors_only_is_not_ready(monkeypatch):
    monkeypatch.setattr("bench.serving.READY_S", 0.5)
    with tiny_server() as server, pytest.raises(LaunchError, match=r"within 0\.5 s, but with 503: answer"):
        wait_for_answer(server.url, REFUSED)


BENCH = """
import sys, time
from pathlib import Path
from bench.serving import serving
from launch.temporary import end_in_order_when_told
end_in_order_when_told()
port, program, log = sys.argv[1:]
command, url = [sys.executable, "-c", program, port], f"http://127.0.0.1:{port}/"
with serving("one", command, url, b"", Path(log), {}) as server:
    print(server.pid, flush=True)
    time.sleep(99)
"""


def test_a_sigterm_to_the_bench_ends_its_servers(tmp_path):
    port = free_ports(1)[0]
    command = [sys.executable, "-c", BENCH, str(port), PLAIN, str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as bench:
        assert bench.stdout
        server = int(bench.stdout.readline())
        bench.terminate()
        assert bench.wait(timeout=60) == 128 + signal.SIGTERM
    assert not psutil.pid_exists(server)
