"""A web server on this machine that serves pictures, or not, and a visitor who fetches from it."""

import io
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import anyio
from PIL import Image

from system.fetching.fetcher import Fetcher, Picture

Answer = Callable[[BaseHTTPRequestHandler], None]


def picture(kind: str = "PNG", side: int = 8) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (side, side), "white").save(file, kind)
    return file.getvalue()


PNG = picture()


@contextmanager
def serving(answer: Answer, tls: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[str]]]:
    """Serve `answer` on a free port of 127.0.0.1; yield the port and the hosts that were asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers["Host"] + self.path)
            answer(self)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1], asked
        finally:
            server.shutdown()
            thread.join()


def sends(body: bytes, status: int = 200, **headers: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def fetch(
    address: str, *ports: int, is_allowed: Callable[[str], bool] = lambda _: True, **options: Any
) -> Picture:
    return anyio.run(Fetcher(is_allowed, ports, **options).fetch, address)
