"""One of TorchServe's two APIs, as the guard sees it: who may ask, and what all its clients share."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from guard.answers import Reason, Refusal
from guard.room import Room
from guard.upstream import Pool

MOST_CONNECTIONS = 4_000
# Of one stranger's address: no one keeps the others out. A program that asks 256 at a time and connects anew
# for each request has twice as many, until it is seen which have ended.
SHARE = MOST_CONNECTIONS // 4


class Rules(Protocol):
    """Who may ask."""

    def stranger(self, peer: str) -> str | None:
        """Return the address that a connection from this peer counts for, None where it is no stranger's."""

    def check(self, target: bytes, headers: Mapping[bytes, bytes], peer: str) -> str:
        """Return whom a request counts for, who comes from this peer; raise a Refusal if it may not pass."""

    def check_body(self, content_type: bytes, body: bytes) -> None:
        """Raise a Refusal if a request that has come whole may not pass for its body."""


class Connected(Protocol):
    """A client that is connected; `deadline` is by the loop's clock."""

    deadline: float

    def expire(self) -> None:
        """End what takes too long."""

    def end_when_idle(self) -> None:
        """Close once what came is answered."""

    def sends_for(self, who: str) -> bool:
        """Return whether a body comes that counts for this client, and is not whole yet."""

    def give_way(self) -> None:
        """Give up the request that still comes."""


@dataclass
class Api:
    """What the clients of one API share.

    Attributes:
        rules: who may ask.
        pool: the connections to TorchServe.
        most_bytes: of one body.
        answer_s: how long TorchServe may take to answer, in seconds.
        clients: those that are connected.
        strangers: how many of them there are from each address that may have a share alone.
        refused: how many of their requests were refused, by why.
    """

    rules: Rules
    pool: Pool
    most_bytes: int
    answer_s: float = float("inf")
    clients: set[Connected] = field(default_factory=set)
    strangers: Counter[str] = field(default_factory=Counter)
    refused: Counter[Reason] = field(default_factory=Counter)

    def let_in(self, client: Connected, who: str | None) -> None:
        """Count a connection, until it is let go.

        Args:
            client: whose it is.
            who: the stranger's address that it counts for, if any.

        Raises:
            Refusal: there are too many.
        """
        self.clients.add(client)
        if who is not None:
            self.strangers[who] += 1
            if self.strangers[who] > SHARE:
                raise Refusal(
                    Reason.CONNECTIONS,
                    f"More than {SHARE} connections are open from your address: close some, and try again",
                )
        if len(self.clients) > MOST_CONNECTIONS:
            raise Refusal(Reason.CONNECTIONS, "Too many open connections: try again in a moment")

    def insists(self, who: str | None) -> bool:
        """Return whether a stranger holds a quarter of a share more, only to be refused there."""
        return who is not None and self.strangers[who] > SHARE + SHARE // 4

    def let_go(self, client: Connected, who: str | None) -> None:
        """Forget a connection that was let in."""
        self.clients.remove(client)
        if who is not None:
            self.strangers[who] -= 1
            if not self.strangers[who]:
                del self.strangers[who]

    @cached_property
    def room(self) -> Room:
        """What is there for all bodies."""
        return Room(self.most_bytes)

    def make_room(self, asking: Connected, who: str) -> None:
        """Let those give way that have been sending longest, of the client that holds too much.

        Programs of one machine count as one client, so that the slow of them give way to the quick.

        Args:
            asking: for whose body there must be room.
            who: the client that it counts for.

        Raises:
            Refusal: its own body is the one to be given up, or nothing else can be.
        """
        if (greediest := self.room.greediest(who)) is None:
            return
        coming = [client for client in self.clients if client.sends_for(greediest)]
        for client in sorted(coming, key=lambda client: client.deadline):
            if client is asking:
                break
            client.give_way()
            if self.room.greediest(who) is None:
                return
        raise no_room()


def no_room() -> Refusal:
    """Return the refusal of a body for which there is no memory."""
    return Refusal(Reason.MEMORY, "Too many images at once: try again in a moment")
