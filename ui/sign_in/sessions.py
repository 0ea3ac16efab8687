"""Whose token a browser has: asked of PostgreSQL, and remembered for a while, also while that is away."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Set
from dataclasses import dataclass

import anyio
import anyio.to_thread

from db.errors import DatabaseUnavailable
from db.sign_ins import SignIns, hash_of
from db.user_rows import User

# So long it is not asked again: a user who has a new role has the old one for so long.
FRESH_S = 30.0
# A browser that was known so lately is let in while the database is away.
OUTAGE_S = 3600.0
# One that is known does not wait longer than this for the database, nor at all for so long after a failure.
PATIENCE_S = 1.0
AWAY_S = 5.0
# Browsers that are remembered, with those that have signed out; who was away longest is forgotten first.
REMEMBERED = 10_000
# Of the pool's connections the others are the history's and the writer's.
AT_ONCE = 3


@dataclass(frozen=True)
class Seen:
    """Whose token it was when the database was asked, and until when that is believed without it."""

    user: User
    asked_at: float
    until: float


class Sessions:
    """The sign-ins, as the page's one event loop sees them."""

    def __init__(self, sign_ins: SignIns) -> None:
        self._sign_ins = sign_ins
        self._seen: OrderedDict[bytes, Seen] = OrderedDict()
        self._ended: OrderedDict[bytes, None] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[Seen | DatabaseUnavailable | None]] = {}
        self._away_until = 0.0
        self._threads = anyio.CapacityLimiter(AT_ONCE)

    async def find(self, token: bytes) -> User | None:
        """Return whose token it is, None where it is nobody's.

        Raises:
            DatabaseUnavailable: Nobody can say now.
        """
        token_hash = hash_of(token)
        if token_hash in self._ended:
            return None
        seen, now = self._seen.get(token_hash), time.monotonic()
        if seen is not None:
            self._seen.move_to_end(token_hash)
            if now < seen.asked_at + FRESH_S or (now < self._away_until and now < seen.until):
                return seen.user
        task = self._asking.get(token_hash)
        if task is None:
            task = self._asking[token_hash] = asyncio.create_task(self._ask(token_hash))
        known = seen if seen is not None and now < seen.until else None
        # Who hangs up ends its own waiting, and not that of the others.
        await asyncio.wait({task}, timeout=None if known is None else PATIENCE_S)
        found = task.result() if task.done() else known
        if isinstance(found, DatabaseUnavailable):
            if known is None:
                raise found
            found = known
        return None if found is None or token_hash in self._ended else found.user

    def believed(self) -> set[bytes]:
        """Return the tokens' hashes that are believed now without asking the database."""
        since = time.monotonic() - FRESH_S
        return {token_hash for token_hash, seen in self._seen.items() if seen.asked_at > since}

    async def begin(self, user: User, kept: str) -> bytes | None:
        """Return a new token of the user's, None where what is kept of the password is another now.

        Raises:
            DatabaseUnavailable: It cannot be kept now.
        """
        token = await anyio.to_thread.run_sync(self._sign_ins.begin, user, kept, limiter=self._threads)
        if token is None:
            return None
        self._remember(hash_of(token), Seen(user, time.monotonic(), time.monotonic() + OUTAGE_S))
        return token

    async def end(self, token: bytes) -> None:
        """Make the token worthless, here at once.

        Raises:
            DatabaseUnavailable: The database does not know of it yet.
        """
        token_hash = hash_of(token)
        self._seen.pop(token_hash, None)
        self._ended[token_hash] = None
        if len(self._ended) > REMEMBERED:
            self._ended.popitem(last=False)
        await anyio.to_thread.run_sync(self._sign_ins.end, token_hash, limiter=self._threads)

    async def ended(self, token_hashes: Set[bytes]) -> set[bytes]:
        """Return those of these tokens' hashes that are worth nothing any more; asks the database each time.

        While that is away, they are those that ended here, or had to end meanwhile.
        """
        here = {one for one in token_hashes if one in self._ended}
        asked = token_hashes - here
        try:
            living = await anyio.to_thread.run_sync(self._sign_ins.living, asked, limiter=self._threads)
        except DatabaseUnavailable:
            now = time.monotonic()
            return here | {one for one in asked if (seen := self._seen.get(one)) and now >= seen.until}
        for one in asked - living:
            self._seen.pop(one, None)
        return here | (asked - living)

    async def _ask(self, token_hash: bytes) -> Seen | DatabaseUnavailable | None:
        try:
            found = await anyio.to_thread.run_sync(self._sign_ins.find, token_hash, limiter=self._threads)
        except DatabaseUnavailable as error:
            self._away_until = time.monotonic() + AWAY_S
            return error
        finally:
            del self._asking[token_hash]
        if found is None:
            self._seen.pop(token_hash, None)
            return None
        now = time.monotonic()
        seen = Seen(found.user, now, now + min(OUTAGE_S, found.left_s))
        self._remember(token_hash, seen)
        return seen

    def _remember(self, token_hash: bytes, seen: Seen) -> None:
        self._seen[token_hash] = seen
        self._seen.move_to_end(token_hash)
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
