"""Whoever scrapes and hangs, drips or comes in crowds holds up no other."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection

import pytest

from handler import exporter
from tests.handler.exporting import Worker, environ, total, url, worker
from tests.handler.scraped import WAIT_S, page

pytestmark = pytest.mark.processes
__all__ = ["environ", "worker"]


@contextmanager
def hanging(environ: dict[str, str], count: int) -> Iterator[list[socket.socket]]:
    """Return connections that begin a request, each, and do not end it."""
    with ExitStack() as stack:
        address = ("127.0.0.1", int(environ["HANDLER_METRICS_PORT"]))
        connections = [stack.enter_context(socket.create_connection(address, WAIT_S)) for _ in range(count)]
        for one in connections:
            one.sendall(b"GET /met")
        yield connections


def test_scrapers_that_hang_hold_up_no_other(worker: Callable[..., Worker], environ: dict[str, str]) -> None:
    one = worker()
    page(url(environ))
    with hanging(environ, exporter.MOST_SCRAPERS - 1):
        one.add()
        assert total(environ) == 1


def test_a_scraper_that_drips_is_cut_off_in_time(
    worker: Callable[..., Worker], environ: dict[str, str]
) -> None:
    worker()
    page(url(environ))
    with hanging(environ, exporter.MOST_SCRAPERS) as connections:
        began = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() < began + WAIT_S:
                time.sleep(0.2)
                for one in connections:
                    one.sendall(b"r")
        assert exporter.LONGEST_S - 1 < time.monotonic() - began < WAIT_S
        assert "handler_workers" in page(url(environ))


def test_scrapers_beyond_the_limit_are_hung_up_on(
    worker: Callable[..., Worker], environ: dict[str, str]
) -> None:
    worker()
    page(url(environ))
    with hanging(environ, exporter.MOST_SCRAPERS):
        time.sleep(0.2)
        surplus = HTTPConnection("127.0.0.1", int(environ["HANDLER_METRICS_PORT"]), timeout=WAIT_S)
        began = time.monotonic()
        with pytest.raises(OSError):
            surplus.request("GET", "/metrics")
            surplus.getresponse()
        assert time.monotonic() - began < exporter.LONGEST_S / 2
