"""Who may ask for what: the two APIs of TorchServe that the guard stands in front of."""

import hmac
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from guard.answers import Refusal

METHODS = frozenset([b"GET", b"POST", b"PUT", b"DELETE", b"OPTIONS"])
PORT = re.compile(rb":[0-9]{1,5}$")


@dataclass(frozen=True)
class Inference:
    """The inference API: everybody who reaches it may ask."""

    def check(self, headers: Mapping[bytes, bytes]) -> None:
        """Let the request pass."""


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

    def check(self, headers: Mapping[bytes, bytes]) -> None:
        """Raise a Refusal unless the request comes from a program that has the token."""
        host = PORT.sub(b"", headers.get(b"host", b"")).lower().decode("latin-1")
        if host not in self.hosts and not _is_address(host):
            raise Refusal(
                HTTPStatus.MISDIRECTED_REQUEST,
                "ForeignHost",
                f"The management API is asked as {host[:100]!r}, expected an address, "
                "localhost or MANAGEMENT_HOST",
            )
        if b"origin" in headers:
            raise Refusal(
                HTTPStatus.FORBIDDEN,
                "ForeignOrigin",
                "The management API is not for web pages: ask it with curl",
            )
        if not hmac.compare_digest(headers.get(b"authorization", b""), self._expected()):
            raise Refusal(
                HTTPStatus.UNAUTHORIZED,
                "TokenMissing",
                f"The management API asks for a token: curl -H @{self.token_file} sends it",
            )

    def _expected(self) -> bytes:
        try:
            return self.token_file.read_bytes().partition(b":")[2].strip()
        except OSError as error:
            raise Refusal(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "TokenMissing",
                f"The management API's token cannot be read here ({error.strerror}): start TorchServe again",
            ) from error


def _is_address(host: str) -> bool:
    """Return whether a Host is an address, which no name of a stranger's can lead to."""
    try:
        ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True
