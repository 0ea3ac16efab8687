"""How often somebody may try to sign in: so many wrong passwords an address and a name, then waiting."""

import ipaddress
import time
from collections import OrderedDict

# More an address than a person needs; fewer than an address could take of a name, so that no address alone
# keeps somebody else from signing in.
OF_AN_ADDRESS, OF_A_NAME = 10, 30
WITHIN_S = 600.0
# Names and addresses that are remembered, each; who was quiet longest is forgotten first.
REMEMBERED = 10_000


class Bucket:
    """Attempts left by key; each comes back after `within_s / most` seconds."""

    def __init__(self, most: int, within_s: float = WITHIN_S, remembered: int = REMEMBERED) -> None:
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
    """Attempts to sign in, limited by address and by name, in this process."""

    def __init__(self) -> None:
        self._of_address = Bucket(OF_AN_ADDRESS)
        self._of_name = Bucket(OF_A_NAME)

    def begin(self, address: str, name: str) -> float:
        """Take an attempt, and return 0; or return after how many seconds there will be one."""
        network = network_of(address)
        wait_s = max(self._of_address.wait_s(network), self._of_name.wait_s(name))
        if not wait_s:
            self._of_address.take(network)
            self._of_name.take(name)
        return wait_s

    def forgive(self, address: str, name: str) -> None:
        """Give back the attempt of who is signed in now, or could not be heard."""
        self._of_address.take(network_of(address), -1)
        self._of_name.take(name, -1)


def network_of(address: str) -> str:
    """Return the address itself, of an IPv6 address its /64, which one household or server has whole."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:50]
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address
