"""Load made by this process, where wrk is not installed: asyncio, one connection a client."""

import asyncio
import itertools
import time
from collections import Counter

import numpy as np

from bench.http_client import Connection, address_of, post_bytes
from bench.measured import NO_ANSWER, LoadError, Measured

RECONNECT_S = 0.05


def load(url: str, pictures: list[bytes], clients: int, seconds: float) -> Measured:
    """Give what the clients measured; the arguments are those of `bench.load.load`.

    Raises:
        LoadError: no request was answered.
    """
    crowd = _Crowd(url, pictures)
    cpu_started = time.thread_time()
    elapsed_s = asyncio.run(crowd.ask(clients, seconds))
    cpu_s = time.thread_time() - cpu_started
    if not crowd.times_s:
        raise LoadError(f"{url} answered none of {clients} clients within {seconds:g} s: does it run?")
    p50_s, p99_s = np.percentile(crowd.times_s, [50, 99])
    answered = len(crowd.times_s)
    refused = sum(number for code, number in crowd.failures.items() if code != NO_ANSWER)
    return Measured(
        requests_per_s=(answered - refused) / elapsed_s,
        p50_ms=1000 * float(p50_s),
        p99_ms=1000 * float(p99_s),
        requests=answered,
        failures=dict(crowd.failures),
        generator_cpu_share=cpu_s / elapsed_s,
        generator="asyncio",
        seconds=elapsed_s,
    )


class _Crowd:
    """Clients that share the pictures and what they measured."""

    def __init__(self, url: str, pictures: list[bytes]) -> None:
        self.address = address_of(url)
        self.requests = itertools.cycle([post_bytes(url, picture) for picture in pictures])
        self.times_s: list[float] = []
        self.failures: Counter[int] = Counter()
        self.open = True

    async def ask(self, clients: int, seconds: float) -> float:
        """Let so many clients ask for so long; give the seconds it took."""
        started = time.perf_counter()
        tasks = [asyncio.create_task(self._client()) for _ in range(clients)]
        await asyncio.sleep(seconds)
        elapsed_s = time.perf_counter() - started
        self.open = False
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return elapsed_s

    async def _client(self) -> None:
        """Ask until cancelled, over a new connection whenever the server closed one."""
        loop = asyncio.get_running_loop()
        while True:
            client = _Client(self)
            try:
                await loop.create_connection(client.connect, *self.address)
            except OSError:
                self.failures[NO_ANSWER] += 1
                await asyncio.sleep(RECONNECT_S)
                continue
            client.ask()
            try:
                await client.ended.wait()
            finally:
                client.connection.close()


class _Client:
    """One connection that asks again as soon as it is answered, until it ends."""

    def __init__(self, crowd: _Crowd) -> None:
        self.crowd, self.ended = crowd, asyncio.Event()
        self.connection = Connection(self.answered, self.lost)
        self.sent_s = 0.0

    def connect(self) -> Connection:
        return self.connection

    def ask(self) -> None:
        self.sent_s = time.perf_counter()
        self.connection.send(next(self.crowd.requests))

    def answered(self, status: int, stays: bool) -> None:
        if not self.crowd.open:
            return
        self.crowd.times_s.append(time.perf_counter() - self.sent_s)
        if not 200 <= status <= 299:
            self.crowd.failures[status] += 1
        if stays:
            self.ask()
        else:
            self.ended.set()

    def lost(self) -> None:
        if self.crowd.open and not self.ended.is_set():
            self.crowd.failures[NO_ANSWER] += 1
        self.ended.set()
