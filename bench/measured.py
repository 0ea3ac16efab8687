"""What one round of load found out."""

from dataclasses import dataclass

NO_ANSWER = 0  # stands for a status where a connection broke or timed out


class LoadError(RuntimeError):
    """The load could not be put on the server; the message says why and what to do."""


@dataclass(frozen=True)
class Measured:
    """One round of load.

    Attributes:
        requests_per_s: answers with a status of 2xx, per second.
        p50_ms: half of the answers, whatever their status, took no longer.
        p99_ms: 99 of 100 answers took no longer.
        requests: how many answers came, whatever their status.
        failures: how many came with each status that is not 2xx; NO_ANSWER for broken connections.
        generator_cpu_share: the generator's CPU seconds per second; it takes them from the server.
        generator: what made the load, "wrk" or "asyncio".
        seconds: how long it lasted.
    """

    requests_per_s: float
    p50_ms: float
    p99_ms: float
    requests: int
    failures: dict[int, int]
    generator_cpu_share: float
    generator: str
    seconds: float
