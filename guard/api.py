"""One of TorchServe's two APIs, as the guard sees it: who may ask, and what all its clients share."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from guard.answers import Reason
from guard.upstream import Pool


class Rules(Protocol):
    """Who may ask."""

    def check(self, target: bytes, headers: Mapping[bytes, bytes], peer: str) -> None:
        """Raise a Refusal for a request that may not pass."""


class Connected(Protocol):
    """A client that is connected; `deadline` is by the loop's clock."""

    deadline: float

    def expire(self) -> None:
        """End what takes too long."""

    def end_when_idle(self) -> None:
        """Close once what came is answered."""


@dataclass
class Api:
    """What the clients of one API share.

    Attributes:
        rules: who may ask.
        pool: the connections to TorchServe.
        most_bytes: of one body.
        clients: those that are connected.
        held_bytes: of all bodies that came and are not answered yet.
        refused: how many of their requests were refused, by why.
    """

    rules: Rules
    pool: Pool
    most_bytes: int
    clients: set[Connected] = field(default_factory=set)
    held_bytes: int = 0
    refused: Counter[Reason] = field(default_factory=Counter)
