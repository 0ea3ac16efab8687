"""A small real HTTP server in place of TorchServe or the page, which misbehaves when told."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes
    peer: tuple[str, int]

    def header(self, name: str) -> str | None:
        """Return the header's values, joined by commas; None where there is none."""
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        return ",".join(found) if found else None


@dataclass
class Upstream:
    """A running server and what it was asked."""

    host: str
    port: int
    asked: list[Asked] = field(default_factory=list)

    @property
    def target(self) -> str:
        """What the proxy's variables take."""
        return f"{self.host}:{self.port}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512


@contextmanager
def running_upstream(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    status: int = 200,
    headers: tuple[tuple[str, str], ...] = (),
    delay_s: float = 0.0,
    breaks: Callable[[Asked], bool] = lambda asked: False,
) -> Iterator[Upstream]:
    """Yield a server that answers everything with JSON: who it is, and the path.

    Args:
        host: address to listen on, such as 127.0.0.2.
        port: port to listen on, 0 for a free one.
        status: what it answers with.
        headers: what its answers carry besides.
        delay_s: how long it takes over an answer.
        breaks: whether it closes the connection instead of answering.
    """

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = Asked(self.command, self.path, list(self.headers.items()), body, self.client_address)
            upstream.asked.append(asked)
            time.sleep(delay_s)
            if breaks(asked):
                self.close_connection = True
                return
            words = json.dumps({"from": host, "path": self.path}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(words)))
            for name, value in (("X-Request-Id", "the-servers-own"), *headers):
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(words)

        do_GET = do_HEAD = do_POST = do_PUT = answer  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            pass

    server = _Server((host, port), Answering)
    upstream = Upstream(host, server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield upstream
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
