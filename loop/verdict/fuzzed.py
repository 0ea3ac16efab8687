"""Requests that no client sends, to both versions: none breaks the candidate, and both answer alike."""

import random
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from urllib.parse import urlsplit

from loop.verdict import mutations
from loop.verdict.check import PASSED, REFUSED, Check

THREADS = 8
# A machine that is busy puts requests off, or lets one wait for longer than another.
TRIES = 4
NAMED = 3  # of the requests that were not answered alike


def robust(name: str, urls: tuple[str, str], pictures: Sequence[bytes], count: int) -> Check:
    """Check that the candidate answers mutated requests with the champion's status, and never with an error.

    Args:
        name: of the check.
        urls: where champion and candidate answer.
        pictures: what requests are made of.
        count: how many.
    """
    chance = random.Random(0)  # noqa: S311 - mutations are no secrets
    bodies = mutations.bodies_of(pictures)
    asked = [(body := chance.choice(bodies), mutations.mutated(chance, body[1])) for _ in range(count)]
    with ThreadPoolExecutor(THREADS) as threads:
        found = list(threads.map(partial(_statuses, urls), asked))
    broken = [status for _, status in found if status == 0 or status >= 500]
    unlike = [pair for pair in found if pair[0] != pair[1]]
    numbers = {
        "requests": count,
        "statuses": {str(status): many for status, many in sorted(Counter(one for _, one in found).items())},
        "errors": len(broken),
        "unlike": len(unlike),
    }
    if broken:
        return Check(name, REFUSED, f"{len(broken)} of {count:,} mutated requests broke it", numbers)
    if unlike:
        some = ", ".join(f"{after} instead of {before}" for before, after in unlike[:NAMED])
        return Check(name, REFUSED, f"{len(unlike)} of {count:,} mutated requests got {some}", numbers)
    return Check(name, PASSED, f"{count:,} mutated requests got the champion's status, and no error", numbers)


def _statuses(urls: tuple[str, str], asked: tuple[mutations.Body, bytes]) -> tuple[int, int]:
    """Return the champion's status and the candidate's, of a second look where they differ."""
    for _ in range(TRIES):
        before, after = (_status(url, *asked) for url in urls)
        if before == after and 0 < after < 500:
            break
    return before, after


def _status(url: str, body: mutations.Body, content: bytes) -> int:
    parts = urlsplit(url)
    request = mutations.request(parts.path.encode(), body, content)
    return mutations.status_of(mutations.ask(str(parts.hostname), parts.port or 80, request))
