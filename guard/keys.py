"""Keys of programs on other hosts: which there are, and how often each may ask."""

import hashlib
import logging
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from guard.answers import Reason, Refusal
from system.files import open_regular

logger = logging.getLogger(__name__)

# How often it is looked whether the file has changed.
LOOK_S = 1.0
# A key that has rested may send so many seconds' worth at once, and one request in any case.
BURST_S = 1.0
LINE = re.compile(r"([0-9a-f]{64})\s+([0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)\s+\S.*", re.IGNORECASE)


@dataclass
class _Bucket:
    """What is left of a key's rate (a token bucket): requests, and when that was counted."""

    left: float
    at: float


class Keys:
    """The keys in a file, which `python -m db.keys` writes: a line each of hash, rate and name.

    Empty lines, and those that begin with #, say nothing. Of a file that cannot be read no key counts: those
    that counted last may have been revoked in it.

    Args:
        path: the file; without it there is no key. A change counts within a second.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._look_at = 0.0
        self._seen: tuple[int, int, int] | None = None
        self._trouble = ""  # why the file cannot be read
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
        if key and self._trouble:
            raise Refusal(
                Reason.NO_KEYS,
                "The server cannot read its keys: try again later; its log has the reason",
            )
        if rate is None:
            raise Refusal(
                Reason.UNKNOWN_KEY if key else Reason.NO_KEY,
                "Programs on other hosts need a key: send 'Authorization: Bearer KEY'; whoever runs this "
                "server makes one (docs/keys.md)",
            )
        burst = max(1.0, rate * BURST_S)
        bucket = self._buckets.setdefault(hashed, _Bucket(burst, now))
        bucket.left = min(burst, bucket.left + (now - bucket.at) * rate)
        bucket.at = now
        if bucket.left < 1:
            raise Refusal(
                Reason.KEY_RATE,
                f"This key allows {rate:g} requests a second: wait, and try again",
                math.ceil((1 - bucket.left) / rate),
            )
        bucket.left -= 1
        return hashed.hex()

    def _read(self, now: float) -> None:
        if now < self._look_at:
            return
        self._look_at = now + LOOK_S
        trouble = ""
        try:
            found = self._path.stat()
            seen = found.st_mtime_ns, found.st_size, found.st_ino
            if seen != self._seen:
                with open_regular(self._path) as file:
                    self._rates = _rates(file.read().decode())
                self._seen = seen
        except (OSError, ValueError) as error:
            self._rates, self._seen = {}, None
            if not isinstance(error, FileNotFoundError):
                trouble = _words(error)
        if trouble != self._trouble:
            self._trouble = trouble
            if trouble:
                logger.error("no key counts until %s can be read: %s", self._path, trouble)
            else:
                logger.warning("the trouble with %s is over", self._path)
        # Of revoked keys nothing is left.
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if key in self._rates}


def _rates(text: str) -> dict[bytes, float]:
    """Return how often each key may ask, in requests a second, by its hash.

    Raises:
        ValueError: one of the lines is none of a key.
    """
    rates = {}
    for number, line in enumerate(map(str.strip, text.splitlines()), 1):
        if not line or line.startswith("#"):
            continue
        match = LINE.fullmatch(line)
        if match is None or not 0 < float(match[2]) < math.inf:
            raise ValueError(f"line {number} is not a SHA-256, a rate and a name")
        rates[bytes.fromhex(match[1])] = float(match[2])
    return rates


def _words(error: OSError | ValueError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return str(error.strerror if isinstance(error, OSError) else error)
