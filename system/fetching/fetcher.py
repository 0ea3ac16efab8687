"""Fetch a picture from the web for somebody who only gave its address."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import anyio
import anyio.to_thread
import httpcore
import httpx

from system.fetching.addresses import is_public
from system.fetching.formats import FetchError, UnreachedError, media_type

SCHEMES = {"http": 80, "https": 443}
MOST_BYTES = 16 * 1024**2
WITHIN_S = 5.0
MOST_REDIRECTS = 5
MOST_CHARACTERS = 2_048
PASSING = (429, 500, 502, 503, 504)
REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True)
class Picture:
    """A fetched picture: its file's bytes, and their media type as its decoder has it."""

    content: bytes
    media_type: str


class Fetcher:
    """Fetches pictures, from public addresses alone, and from those that were looked at.

    A name is looked up once for each connection. All its addresses have to be public, and the connection goes
    to one of them: a name that changes its mind in between gains nothing. Neither proxies nor credentials of
    this machine are used, and of no answer anything but the picture is passed on.

    Args:
        is_allowed: whether to connect to a numeric address.
        ports: to which ports.
        tls: how servers prove who they are.
    """

    def __init__(
        self,
        is_allowed: Callable[[str], bool] = is_public,
        ports: Iterable[int] = tuple(SCHEMES.values()),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._backend = _CheckedBackend(is_allowed)
        self._ports = frozenset(ports)
        self._tls = tls or ssl.create_default_context()

    async def fetch(self, address: str) -> Picture:
        """Return the picture at an address, within 5 s.

        Raises:
            FetchError: There is none, or none that may be had.
        """
        content = await self.content(address)
        return Picture(content, await anyio.to_thread.run_sync(media_type, content))

    async def content(self, address: str) -> bytes:
        """Return what is at an address, within 5 s, whether or not it is a picture.

        Raises:
            FetchError: There is nothing, or nothing that may be had.
        """
        try:
            with anyio.fail_after(WITHIN_S):
                return await self._content(address)
        except TimeoutError as error:
            raise UnreachedError(f"No picture arrived within {WITHIN_S:g} s.") from error

    async def _content(self, address: str) -> bytes:
        async with httpcore.AsyncConnectionPool(
            ssl_context=self._tls, network_backend=self._backend, max_connections=1
        ) as connections:
            for _ in range(MOST_REDIRECTS + 1):
                answer = await self._one(connections, self._checked(address))
                if isinstance(answer, bytes):
                    return answer
                try:
                    address = urljoin(address, answer)
                except ValueError as error:
                    raise FetchError("The address leads to none of the web.") from error
        raise FetchError(f"The address leads on and on, more than {MOST_REDIRECTS} times.")

    def _checked(self, address: str) -> httpx.URL:
        """Return an address with an ASCII host; raise FetchError for one that is not asked for at all."""
        try:
            url = httpx.URL(address[: MOST_CHARACTERS + 1].strip())
        except (httpx.InvalidURL, ValueError) as error:
            raise FetchError("That is no address of the web.") from error
        if len(address) > MOST_CHARACTERS:
            raise FetchError(f"The address is longer than {MOST_CHARACTERS:,} characters.")
        if url.scheme not in SCHEMES or not url.raw_host:
            raise FetchError("Give an address that begins with http:// or https://.")
        if url.userinfo:
            raise FetchError("The address has a name or a password in it: give one without.")
        port = url.port or SCHEMES[url.scheme]
        if port not in self._ports:
            raise FetchError(f"Port {port} is not asked: only 80 and 443 are.")
        return url

    async def _one(self, connections: httpcore.AsyncConnectionPool, url: httpx.URL) -> bytes | str:
        """Return the body at an address, or where it leads."""
        headers = {
            "Host": url.netloc.decode("ascii"),
            "Accept": "image/*",
            "Accept-Encoding": "identity",
            "User-Agent": "Sketchserve",
            "Connection": "close",
        }
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        # url.host decodes names by IDNA 2008, and raises for those that it does not know, as an emoji's.
        host = url.raw_host.decode("ascii")
        try:
            async with connections.stream("GET", target, headers=list(headers.items())) as answer:
                found = {name.lower(): value for name, value in answer.headers}
                if answer.status in REDIRECTS and b"location" in found:
                    return found[b"location"].decode("latin-1")
                if answer.status != 200:
                    kind = UnreachedError if answer.status in PASSING else FetchError
                    raise kind(f"{host} answers {answer.status}: there is no picture.")
                if found.get(b"content-encoding", b"identity") != b"identity":
                    raise FetchError(f"{host} sends the picture compressed, which was not asked for.")
                content = bytearray()
                async for part in answer.aiter_stream():
                    content += part
                    if len(content) > MOST_BYTES:
                        raise FetchError(f"The file is larger than {MOST_BYTES // 1024**2} MB.")
                return bytes(content)
        # A server's refusal under TLS 1.3 is read after the handshake, where httpcore leaves it as it is.
        except (
            httpcore.NetworkError,
            httpcore.ProtocolError,
            httpcore.TimeoutException,
            ssl.SSLError,
        ) as error:
            raise UnreachedError(
                f"{host} cannot be reached, or does not answer as web servers do."
            ) from error


class _CheckedBackend(httpcore.AnyIOBackend):
    """Connects to names whose addresses are all allowed, and to one of those addresses."""

    def __init__(self, is_allowed: Callable[[str], bool]) -> None:
        self._is_allowed = is_allowed
        # Looking up may take longer than anybody waits: these threads then hold up lookups, and nothing else.
        self._lookups = ThreadPoolExecutor(4, thread_name_prefix="lookup")

    async def connect_tcp(
        self, host: str, port: int, *args: Any, **options: Any
    ) -> httpcore.AsyncNetworkStream:
        """Return a connection to an address of the host."""
        failure: Exception | None = None
        for address in await self._addresses(host, port):
            try:
                return await super().connect_tcp(address, port, *args, **options)
            except httpcore.ConnectError as error:
                failure = error
        raise UnreachedError(f"{host} cannot be reached.") from failure

    async def _addresses(self, host: str, port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        look_up = lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)  # noqa: E731
        try:
            found = await loop.run_in_executor(self._lookups, look_up)
        except (OSError, UnicodeError) as error:
            raise FetchError(f"There is no {host}.") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not addresses or not all(map(self._is_allowed, addresses)):
            raise FetchError(f"{host} is not on the public internet, and nothing else is asked.")
        return addresses
