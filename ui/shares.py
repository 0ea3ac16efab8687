"""Work of which each client may have some under way, so that one does not keep the others out."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import Request

from ui.sign_in.who import USER


class TooMany(Exception):  # noqa: N818 - an answer, not a fault
    """All places are taken, or this client's are."""


class Shares:
    """Places for work; used by the event loop alone.

    Args:
        places: how many there are.
        each: how many of them one client may have: a user, or without sign-in an address.
    """

    def __init__(self, places: int, each: int) -> None:
        self._places = places
        self._each = each
        self._taken: Counter[str] = Counter()

    @contextmanager
    def one(self, request: Request) -> Iterator[None]:
        """Hold a place for a request.

        Raises:
            TooMany: There is none for it.
        """
        user = request.scope.get(USER)
        who = f"user:{user.id}" if user else request.client.host if request.client else ""
        if self._taken[who] >= self._each or self._taken.total() >= self._places:
            raise TooMany
        self._taken[who] += 1
        try:
            yield
        finally:
            self._taken[who] -= 1
            self._taken += Counter()  # which leaves out zeros
