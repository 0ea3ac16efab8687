"""Requests at a fixed rate, whether or not the earlier ones are answered: how a crowd behaves, not a queue.

A closed loop slows down with the server that it measures, so that it can never ask for more than there is.
"""

import asyncio
import resource
import time
from collections import deque
from dataclasses import dataclass

from bench.http_client import Connection, address_of, post_bytes

TICK_S = 0.002
DRAIN_S = 30
CONNECTING_AT_ONCE = 100
SPARE_FILES = 200


@dataclass(frozen=True)
class Answered:
    """What came back.

    Attributes:
        offered_per_s: requests that were sent, per second.
        seconds: how long they were sent for.
        times_ms: latency of every answer, by status.
        unsent: requests that were due while every connection was waiting for an answer.
        lost: requests whose connection ended before the answer.
        generator_cpu_share: the generator's CPU seconds per second; it takes them from the server.
    """

    offered_per_s: float
    seconds: float
    times_ms: dict[int, list[float]]
    unsent: int
    lost: int
    generator_cpu_share: float


def offer(url: str, pictures: list[bytes], rate_per_s: float, seconds: float, connections: int) -> Answered:
    """Give how a server answered so many requests a second.

    Args:
        url: where to post to, "http://" and an address of this machine.
        pictures: image files, posted in turn.
        rate_per_s: requests per second; Answered says how many this process could really send.
        seconds: for how long.
        connections: how many requests may wait for an answer at the same time.

    Raises:
        OSError: the server took no connections, or this process may not open as many.
    """
    allow_files(connections)
    return asyncio.run(_Crowd(url, pictures, connections).offer(rate_per_s, seconds))


def allow_files(count: int) -> None:
    """Let this process, and those that it starts from now on, open so many connections.

    Raises:
        OSError: the system allows fewer.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + SPARE_FILES
    if soft < wanted:
        if hard != resource.RLIM_INFINITY and hard < wanted:
            raise OSError(f"{count} connections need {wanted} open files, `ulimit -Hn` allows {hard}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class _Crowd:
    """Connections that wait to be used, and what came back over them."""

    def __init__(self, url: str, pictures: list[bytes], connections: int) -> None:
        self.address = address_of(url)
        self.requests = [post_bytes(url, picture) for picture in pictures]
        self.clients = [_Client(self) for _ in range(connections)]
        self.idle: deque[_Client] = deque()
        self.times_ms: dict[int, list[float]] = {}
        self.waiting = self.lost = 0
        self.open = True

    async def offer(self, rate_per_s: float, seconds: float) -> Answered:
        """Connect, send, wait for what is still queued, and give what came back."""
        loop = asyncio.get_running_loop()
        for start in range(0, len(self.clients), CONNECTING_AT_ONCE):
            some = self.clients[start : start + CONNECTING_AT_ONCE]
            await asyncio.gather(*(loop.create_connection(one.connect, *self.address) for one in some))
        self.idle.extend(self.clients)
        cpu_started, started = time.thread_time(), time.perf_counter()
        due = sent = unsent = 0
        while (elapsed_s := time.perf_counter() - started) < seconds:
            due, before = int(rate_per_s * elapsed_s), due
            now = min(due - before, len(self.idle))
            for _ in range(now):
                self.idle.popleft().ask(self.requests[sent % len(self.requests)])
                sent += 1
            unsent += due - before - now
            await asyncio.sleep(TICK_S)
        cpu_s = time.thread_time() - cpu_started
        deadline = time.perf_counter() + DRAIN_S
        while self.waiting and time.perf_counter() < deadline:
            await asyncio.sleep(TICK_S)
        self.open = False
        for client in self.clients:
            client.connection.close()
        return Answered(sent / elapsed_s, elapsed_s, self.times_ms, unsent, self.lost, cpu_s / elapsed_s)


class _Client:
    """One connection, idle or waiting for an answer."""

    def __init__(self, crowd: _Crowd) -> None:
        self.crowd = crowd
        self.connection = Connection(self.answered, self.lost)
        self.sent_s: float | None = None

    def connect(self) -> Connection:
        return self.connection

    def ask(self, request: bytes) -> None:
        self.sent_s = time.perf_counter()
        self.crowd.waiting += 1
        self.connection.send(request)

    def answered(self, status: int, stays: bool) -> None:
        if self.sent_s is None:
            return
        self.crowd.times_ms.setdefault(status, []).append(1000 * (time.perf_counter() - self.sent_s))
        self.sent_s = None
        self.crowd.waiting -= 1
        if stays:
            self.crowd.idle.append(self)

    def lost(self) -> None:
        if not self.crowd.open:
            return
        if self.sent_s is not None:
            self.sent_s = None
            self.crowd.waiting -= 1
            self.crowd.lost += 1
        elif self in self.crowd.idle:
            self.crowd.idle.remove(self)
