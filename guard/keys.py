"""Keys of programs on other hosts: which there are, and how often each may ask."""

import hashlib
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from guard.answers import Reason, Refusal

# How often it is looked whether the file has changed.
LOOK_S = 1.0
# A key that has rested may send so many seconds' worth at once, and one request in any case.
BURST_S = 1.0


@dataclass
class _Bucket:
    """What is left of a key's rate (a token bucket): requests, and when that was counted."""

    left: float
    at: float


class Keys:
    """The keys in a file, which `python -m db.keys` writes: a line each of hash, rate and name.

    Args:
        path: the file; without it there is no key. A change counts within a second.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._look_at = 0.0
        self._seen: tuple[int, int, int] | None = None
        self._rates: dict[bytes, float] = {}
        self._buckets: dict[bytes, _Bucket] = {}

    def check(self, headers: Mapping[bytes, bytes]) -> str:
        """Return the hash of the request's key; raise a Refusal unless it is known and its rate allows it.

        Args:
            headers: names in lower case. The key is a bearer token (RFC 6750), or the value of X-Api-Key.
        """
        now = time.monotonic()
        self._read(now)
        kind, _, bearer = headers.get(b"authorization", b"").partition(b" ")
        key = bearer.strip() if kind.lower() == b"bearer" else headers.get(b"x-api-key", b"")
        # Looked up by its hash, so that the time that it takes tells nothing of a key.
        hashed = hashlib.sha256(key).digest()
        rate = self._rates.get(hashed)
        if rate is None:
            raise Refusal(
                Reason.UNKNOWN_KEY if key else Reason.NO_KEY,
                "Programs on other hosts need a key: send 'Authorization: Bearer KEY'; who runs this server "
                "makes one (docs/keys.md)",
            )
        burst = max(1.0, rate * BURST_S)
        bucket = self._buckets.setdefault(hashed, _Bucket(burst, now))
        bucket.left = min(burst, bucket.left + (now - bucket.at) * rate)
        bucket.at = now
        if bucket.left < 1:
            raise Refusal(
                Reason.KEY_RATE,
                f"This key may ask {rate:g} times a second: wait, and ask again",
                math.ceil((1 - bucket.left) / rate),
            )
        bucket.left -= 1
        return hashed.hex()

    def _read(self, now: float) -> None:
        if now < self._look_at:
            return
        self._look_at = now + LOOK_S
        try:
            found = self._path.stat()
            seen = found.st_mtime_ns, found.st_size, found.st_ino
            if seen != self._seen:
                lines = [line.split() for line in self._path.read_text(encoding="utf-8").splitlines()]
                self._rates = {bytes.fromhex(hashed): float(rate) for hashed, rate, _name in lines}
                self._seen = seen
        except FileNotFoundError:
            self._rates, self._seen = {}, None
        # Of revoked keys nothing is left.
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if key in self._rates}
