"""How often somebody may try to sign in: so many wrong passwords a network and a name, then waiting."""

import ipaddress
import time
from collections import OrderedDict

# More than a person needs: of a network, for all names together, or of a browser that knows the name.
OF_A_PLACE, WITHIN_S = 10, 600.0
# A name from all places that do not know it: so much that it takes a hundred networks to keep somebody from
# signing in (and then only in a new browser), so little that it takes years to try a million passwords.
OF_A_NAME, WITHIN_A_DAY_S = 1_000, 24 * 3600.0
# Names, networks and browsers that are remembered, each; who was quiet longest is forgotten first.
REMEMBERED = 10_000


class Bucket:
    """Attempts left by key; each comes back after `within_s / most` seconds."""

    def __init__(self, most: int, within_s: float, remembered: int = REMEMBERED) -> None:
        self._most = most
        self._each_s = within_s / most
        self._remembered = remembered
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # how many, as of when

    def wait_s(self, key: str) -> float:
        """Return after how many seconds there is an attempt, 0 where there is one now."""
        return max(0.0, (1 - self._now(key)) * self._each_s)

    def take(self, key: str, count: float = 1) -> None:
        """Take an attempt away, or with -1 give it back."""
        self._left[key] = (min(self._most, self._now(key) - count), time.monotonic())
        self._left.move_to_end(key)
        if len(self._left) > self._remembered:
            self._left.popitem(last=False)

    def _now(self, key: str) -> float:
        left, then = self._left.get(key, (self._most, 0.0))
        return min(self._most, left + (time.monotonic() - then) / self._each_s)


class Attempts:
    """Attempts to sign in, in this process: of a network, and of a name.

    An attempt in a browser that knows the name, in which its user has signed in before, is counted by that
    browser and not by the name: so nobody elsewhere can use up what that user has.
    """

    def __init__(self) -> None:
        self._of_network = Bucket(OF_A_PLACE, WITHIN_S)
        self._of_browser = Bucket(OF_A_PLACE, WITHIN_S)
        self._of_name = Bucket(OF_A_NAME, WITHIN_A_DAY_S)

    def wait_s(self, address: str) -> float:
        """Return after how many seconds there is an attempt from there, 0 where there is one now."""
        return self._of_network.wait_s(network_of(address))

    def begin(self, address: str, name: str, browser: bytes | None = None) -> float:
        """Take an attempt, and return 0; or return after how many seconds there will be one."""
        buckets = self._buckets(address, name, browser)
        wait_s = max(bucket.wait_s(key) for bucket, key in buckets)
        if not wait_s:
            for bucket, key in buckets:
                bucket.take(key)
        return wait_s

    def forgive(self, address: str, name: str, browser: bytes | None = None) -> None:
        """Give back the attempt of who is signed in now, or could not be heard."""
        for bucket, key in self._buckets(address, name, browser):
            bucket.take(key, -1)

    def _buckets(self, address: str, name: str, browser: bytes | None) -> list[tuple[Bucket, str]]:
        by = (self._of_name, name) if browser is None else (self._of_browser, browser.hex())
        return [(self._of_network, network_of(address)), by]


def network_of(address: str) -> str:
    """Return the address itself, of an IPv6 address its /64, which one household or server has whole."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:50]
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address
