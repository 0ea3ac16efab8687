"""A small HTTP server for the client's tests: answers every request with one prepared response."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

# A visitor's id.
SESSION = "0123456789abcdef0123456789abcdef"
# Nothing listens on port 9 (discard): what needs this address finds nobody.
NOBODY = "http://127.0.0.1:9"
ANSWER = {
    "label": "7",
    "confidence": 0.9,
    "probabilities": {str(digit): 0.9 if digit == 7 else 0.1 / 9 for digit in range(10)},
    "model": "digits",
    "version": "1.0.0",
    "preprocessing": "a1b2c3d4",
    "frame": "data:image/png;base64,AAAA",
}


@dataclass
class Answering:
    """A running server, and what it was asked."""

    url: str
    paths: list[str] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    connections: set[int] = field(default_factory=set)


@contextmanager
def answering(
    body: Any,
    status: int = 200,
    delay_s: float = 0.0,
    slow: str = "",
    busy: str | None = None,
    turns: threading.Semaphore | None = None,
) -> Iterator[Answering]:
    """Answer each request with `body` (JSON, or bytes as they are) and `status`.

    Those whose path contains `slow` are answered after `delay_s`, or with `turns` once one is released, or as
    soon as nobody waits any more; those whose path contains `busy` with 503.
    """
    is_over = threading.Event()
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            seen.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            self.answer()

        def do_GET(self) -> None:
            self.answer()

        def answer(self) -> None:
            parts = urlsplit(self.path)
            seen.paths.append(parts.path)
            seen.queries.append(parts.query)
            seen.headers.append({name.lower(): value for name, value in self.headers.items()})
            seen.connections.add(self.client_address[1])
            if slow in self.path:
                is_over.wait(delay_s) if turns is None else turns.acquire(timeout=30)
            self.send_response(status if busy is None or busy not in self.path else 503)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("x-request-id", "8a6e")
            # The client may have given up.
            with suppress(BrokenPipeError, ConnectionResetError):
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    seen = Answering(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield seen
    finally:
        is_over.set()
        server.shutdown()
        thread.join()
        server.server_close()
