"""The TorchServes behind one address: several, where its name has several addresses."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from client.errors import NotLoaded, Unreachable
from client.management import Management, ModelStatus, path_of
from system.ports import is_address


@dataclass(frozen=True)
class Replica:
    """One TorchServe, and what it has of a model.

    Attributes:
        management: Its management API.
        served: The model's versions that it has.
        default: The one that answers whoever names none; "" where it has none.
    """

    management: Management
    served: Mapping[str, ModelStatus]
    default: str


class Replicas:
    """All of them; those that do not answer are left out, until they do.

    Args:
        url: The address of their management APIs.
        token_file: Holds the header with the token that they ask for.
    """

    def __init__(self, url: str, token_file: Path | None = None) -> None:
        self._url = url
        self._token_file = token_file
        self._managements: dict[str, Management] = {}

    def of(self, model: str) -> list[Replica]:
        """Return what each of them that answers has of a model."""
        return self.of_all(model)[0]

    def of_all(self, model: str) -> tuple[list[Replica], bool]:
        """Return what each of them that answers has of a model, and whether all of them do."""
        found = []
        urls = addresses(self._url)
        for url in urls:
            if url not in self._managements:
                self._managements[url] = Management(url, self._token_file)
            management = self._managements[url]
            try:
                served = {one.version: one for one in management.versions(model)}
                default = management.describe(path_of(model)).version
            except NotLoaded:
                served, default = {}, ""
            except Unreachable:
                continue
            found.append(Replica(management, served, default))
        return found, len(found) == len(urls)


def ready_in(there: list[Replica]) -> set[str]:
    """Return the versions that each TorchServe can answer with now."""
    if not there:
        return set()
    ready = [{name for name, one in replica.served.items() if one.ready_workers} for replica in there]
    return set.intersection(*ready)


def addresses(url: str) -> list[str]:
    """Return the URL once for each address that its host's name has: of containers each has one."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host == "localhost" or is_address(host):
        return [url]
    try:
        infos = socket.getaddrinfo(host, parts.port, type=socket.SOCK_STREAM)
    except OSError:
        return [url]
    found = sorted({info[4][0] for info in infos if info[0] == infos[0][0]})
    if len(found) < 2:
        return [url]
    port = f":{parts.port}" if parts.port else ""
    hosts = [f"[{address}]" if ":" in str(address) else str(address) for address in found]
    return [urlunsplit(parts._replace(netloc=f"{one}{port}")) for one in hosts]
