"""A real HTTP server of a few lines, for what load generators have to cope with."""

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

REFUSED = b"refuse me"

needs_wrk = pytest.mark.skipif(not shutil.which("wrk"), reason="needs wrk: apt-get install wrk")


@dataclass
class Tiny:
    """A running server, and what it was sent."""

    url: str
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512


@contextmanager
def tiny_server(
    *, delay_s: float = 0.0, keeps: bool = True, chunked: bool = False, breaks: bool = False
) -> Iterator[Tiny]:
    """Yield a server that answers 200, and 503 to the body REFUSED.

    Args:
        delay_s: how long it takes over an answer.
        keeps: whether it keeps a connection after an answer.
        chunked: whether it sends its answers in chunks.
        breaks: whether it breaks the connection instead of answering to REFUSED.
    """

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self):
            super().setup()
            tiny.connections += 1

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            tiny.bodies.append(body)
            time.sleep(delay_s)
            if breaks and body == REFUSED:
                self.close_connection = True
                return
            self.send_response(503 if body == REFUSED else 200)
            if not keeps:
                self.send_header("Connection", "close")
            if chunked:
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"2\r\nan\r\n4\r\nswer\r\n0\r\n\r\n")
            else:
                self.send_header("Content-Length", "6")
                self.end_headers()
                self.wfile.write(b"answer")

        def log_message(self, *_):
            pass

    server = _Server(("127.0.0.1", 0), Answering)
    tiny = Tiny(f"http://127.0.0.1:{server.server_address[1]}/predictions/digits")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield tiny
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
