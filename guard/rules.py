"""Who may ask for what: the two APIs of TorchServe that the guard stands in front of.

The headers that rules look at have names in lower case; a peer is the address that the connection comes from.
"""

import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from guard import model_names
from guard.answers import Reason, Refusal
from guard.keys import Keys
from system.ports import foreign_host, is_loopback

PING = b"/ping"
HERE = "127.0.0.1"


@dataclass(frozen=True)
class Inference:
    """The inference API: programs of this machine may ask it, and with a key those of others.

    Attributes:
        keys: which there are; None where nobody needs one.
        is_behind_proxy: that connections come from a proxy, which says by X-Forwarded-For that a request
            comes from outside, and lets nobody else say so.
    """

    keys: Keys | None = None
    is_behind_proxy: bool = False

    def stranger(self, peer: str) -> str | None:
        """Return the address of who needs a key; None of who does not, or may have come through the proxy."""
        address = _address(peer)
        return None if self.keys is None or self.is_behind_proxy or address == HERE else address

    def check(self, target: bytes, headers: Mapping[bytes, bytes], peer: str) -> str:
        """Return the key, or else the address, that a request counts for.

        Raises:
            Refusal: it comes from elsewhere, has no key that allows it, and is no /ping without a body.
        """
        address = _address(peer)
        # Java's client sends "Content-Length: 0" with every request that has none.
        has_body = b"transfer-encoding" in headers or headers.get(b"content-length", b"").strip(b"0") != b""
        if self.keys is None or (target == PING and not has_body):
            return address
        is_outside = b"x-forwarded-for" in headers if self.is_behind_proxy else address != HERE
        return self.keys.check(headers) if is_outside else address

    def check_body(self, content_type: bytes, body: bytes) -> None:
        """Let every body pass: `bodies.bounded` has looked at it."""


@dataclass(frozen=True)
class Management:
    """The management API: whoever may ask it runs code here, so that it asks for a token.

    A page of another site that is open in a browser of this machine can send requests, too. It cannot know
    the token; and it is refused by its Origin, and by its Host where a name of its own leads here (DNS
    rebinding).

    Attributes:
        token_file: holds the header that is asked for, as `curl -H @FILE` sends it; read for each request,
            so that a new token counts at once.
        hosts: by which names it is asked beside its addresses, in lower case.
    """

    token_file: Path
    hosts: frozenset[str]

    def stranger(self, peer: str) -> str | None:
        """Return the address of what is not on this machine."""
        address = _address(peer)
        return None if address == HERE else address

    def check(self, target: bytes, headers: Mapping[bytes, bytes], peer: str) -> str:
        """Return the address that a request counts for.

        Raises:
            Refusal: it does not come from a program that has the token, or registers a model under a name
                that TorchServe could never remove.
        """
        host = foreign_host(headers.get(b"host", b"").decode("latin-1"), self.hosts)
        if host is not None:
            raise Refusal(
                Reason.FOREIGN_HOST,
                f"The management API was asked as {host[:100]!r}, expected an address, "
                "localhost or MANAGEMENT_HOST",
            )
        if b"origin" in headers:
            raise Refusal(Reason.FOREIGN_ORIGIN, "The management API is not for web pages: use curl")
        if not hmac.compare_digest(headers.get(b"authorization", b""), self._expected()):
            raise Refusal(
                Reason.WRONG_TOKEN,
                f"The management API needs a token: curl -H @{self.token_file} sends it",
            )
        model_names.check_query(target)
        return _address(peer)

    def check_body(self, content_type: bytes, body: bytes) -> None:
        """Look for the same in a JSON body."""
        model_names.check_body(content_type, body)

    def _expected(self) -> bytes:
        try:
            expected = self.token_file.read_bytes().partition(b":")[2].strip()
        except OSError:
            expected = b""
        if not expected.startswith(b"Bearer "):  # nobody's, and no header would match "nothing"
            raise Refusal(
                Reason.NO_TOKEN,
                f"There is no token in {self.token_file}: remove that file, and start TorchServe again",
            )
        return expected


@lru_cache(maxsize=1024)  # each request asks
def _address(peer: str) -> str:
    """Return a peer's address, the same for all that whoever has it could take instead.

    Those are millions on this machine, and with an IPv6 address its /64.
    """
    if is_loopback(peer):
        return HERE
    address = ipaddress.ip_address(peer.partition("%")[0])
    if address.version == 4:
        return peer
    mapped = address.ipv4_mapped
    return str(mapped or ipaddress.ip_network((address, 64), strict=False))
