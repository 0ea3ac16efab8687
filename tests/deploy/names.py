"""A name server for tests (RFC 1035): one name, as many addresses as there are containers, none kept."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Names:
    """A running name server; `addresses` may change while it runs."""

    port: int
    addresses: dict[str, list[str]] = field(default_factory=dict)


@contextmanager
def running_names(addresses: dict[str, list[str]]) -> Iterator[Names]:
    """Answer A queries for these names with these addresses, and NXDOMAIN for others."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        names = Names(server.getsockname()[1], addresses)
        thread = threading.Thread(target=_serve, args=(server, names), daemon=True)
        thread.start()
        try:
            yield names
        finally:
            server.sendto(b"", server.getsockname())
            thread.join()


def _serve(server: socket.socket, names: Names) -> None:
    while True:
        query, client = server.recvfrom(512)
        if not query:
            return
        server.sendto(_answer(query, names.addresses), client)


def _answer(query: bytes, addresses: dict[str, list[str]]) -> bytes:
    labels, at = [], 12
    while size := query[at]:
        labels.append(query[at + 1 : at + 1 + size].decode())
        at += 1 + size
    question = query[12 : at + 5]
    found = addresses.get(".".join(labels), [])
    # Response, recursion desired and available; 3 is NXDOMAIN.
    flags = 0x8180 | (0 if found else 3)
    head = query[:2] + flags.to_bytes(2, "big") + b"\0\1" + len(found).to_bytes(2, "big") + bytes(4)
    # A pointer to the question's name, type A, class IN, 600 s to live (nginx must not believe it), 4 bytes.
    records = b"".join(
        b"\xc0\x0c\0\1\0\1" + (600).to_bytes(4, "big") + b"\0\4" + socket.inet_aton(ip) for ip in found
    )
    return head + question + records
