"""From which network something is said of a drawing, as a pseudonym: many sessions may have one network."""

import hmac
import ipaddress
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request

from db.schema import NETWORK_BYTES
from ui.sign_in.who import USER

# As much as one household or office has at most, and whoever rents more pays for it.
IPV4_BITS, IPV6_BITS = 24, 48


@dataclass(frozen=True)
class Networks:
    """Makes the pseudonyms.

    Attributes:
        token_file: Holds the management API's token, which all pages of a platform have and no backup of the
            database: the pseudonyms' key is made of it. Where there is none, each page has a key of its own.
        is_for_this_machine: Whether nobody else can come: then there is nobody to tell apart.
    """

    token_file: Path | None = None
    is_for_this_machine: bool = False
    _own_key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def of(self, request: Request | None) -> bytes | None:
        """Return the pseudonym of the network that a request comes from, `NETWORK_BYTES`.

        None where nobody need know it: who signs in has a name that an operator gave, and this machine's own
        people may do everything anyway.
        """
        if request is None or request.client is None or self.is_for_this_machine:
            return None
        network = network_of(request.client.host)
        if network is None or request.scope.get(USER) is not None:
            return None
        words = f"network of a judgement {network}"
        return hmac.digest(self._key(), words.encode(), "sha256")[:NETWORK_BYTES]

    def _key(self) -> bytes:
        try:
            return self.token_file.read_bytes() if self.token_file else self._own_key
        except OSError:
            return self._own_key


def network_of(address: str) -> str | None:
    """Return the /24 of an IPv4 address, the /48 of an IPv6 one; None for this machine's, and for none."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address):
        found = found.ipv4_mapped or ipaddress.IPv6Address(int(found))  # without a zone
    if found.is_loopback:
        return None
    bits = IPV4_BITS if found.version == 4 else IPV6_BITS
    return str(ipaddress.ip_network((found, bits), strict=False))
