"""No stranger takes all connections: each has a share of them, and loses those on which nothing comes."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from guard import api, client
from guard.answers import Reason
from guard.keys import Keys
from guard.rules import Inference, Management
from system.processes import until
from tests.guard.played import WAIT_S, Guarded, get, guarded, refusal, until_closed

SHARE = 4


class Addressed(Inference):
    """Rules for which whoever connects comes from where a test says."""

    address: str | None = None

    def stranger(self, _peer: str) -> str | None:
        """Return it."""
        return type(self).address


@pytest.fixture
def guard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Guarded]:
    monkeypatch.setattr(api, "SHARE", SHARE)
    monkeypatch.setattr(Addressed, "address", None)
    with guarded(Addressed()) as server:
        yield server
        assert until(lambda: not server.api.clients and not server.api.strangers, WAIT_S)


@pytest.fixture
def connections() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def connected(guard: Guarded, connections: ExitStack, address: str | None) -> socket.socket:
    """Return a connection from an address. What comes of it has to be seen before the next one is made."""
    Addressed.address = address
    return connections.enter_context(guard.connect())


def answers(connection: socket.socket) -> bool:
    connection.sendall(get(b"/a"))
    return connection.recv(65536).endswith(b"/a")


def test_a_stranger_with_too_many_keeps_nobody_else_out(guard: Guarded, connections: ExitStack) -> None:
    first = []
    for _ in range(SHARE):
        first.append(connected(guard, connections, "greedy"))
        assert answers(first[-1])
    for _ in range(SHARE):
        with connected(guard, connections, "greedy") as refused:
            assert refusal(until_closed(refused)) == (503, "ServiceUnavailable")
        assert until(lambda: guard.api.strangers["greedy"] == SHARE, WAIT_S)
    assert guard.api.refused == {Reason.CONNECTIONS: SHARE}
    assert answers(connected(guard, connections, "other"))
    assert all(answers(connected(guard, connections, None)) for _ in range(2 * SHARE))
    assert all(map(answers, first))
    first[0].close()
    assert until(lambda: guard.api.strangers["greedy"] < SHARE, WAIT_S)
    assert answers(connected(guard, connections, "greedy"))


def test_a_stranger_who_takes_no_refusal_is_cut_off(
    guard: Guarded, connections: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else those that are refused, and kept open, would be as many as there are for all."""
    monkeypatch.setattr(client, "DRAIN_S", WAIT_S)
    for number in range(5 * SHARE):
        connection = connected(guard, connections, "greedy")
        if number < SHARE:
            assert answers(connection)
        elif number == SHARE:
            assert refusal(until_closed(connection)) == (503, "ServiceUnavailable")
        else:
            until_closed(connection)
    assert until(lambda: guard.api.strangers == {"greedy": SHARE + 1}, WAIT_S)
    assert guard.api.refused == {Reason.CONNECTIONS: 4 * SHARE}
    assert answers(connected(guard, connections, None))


def test_a_connection_on_which_nothing_comes_ends_soon(
    guard: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before one does on which a request comes slowly."""
    monkeypatch.setattr(client, "SILENT_S", 0.2)
    with guard.connect() as slow, guard.connect() as silent:
        slow.sendall(b"GET")
        assert until_closed(silent) == b""
        slow.sendall(get(b"/a").removeprefix(b"GET"))
        assert slow.recv(65536).endswith(b"/a")


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("127.0.0.1", None),
        ("127.8.8.8", None),
        ("::1", None),
        ("::ffff:127.0.0.1", None),
        ("192.168.1.7", "192.168.1.7"),
        ("::ffff:192.168.1.7", "192.168.1.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:1:2:3", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_who_is_elsewhere_is_a_stranger_by_the_address_unless_all_come_through_a_proxy(
    tmp_path: Path, peer: str, address: str | None
) -> None:
    keys = Keys(tmp_path / "keys")
    assert Inference(keys).stranger(peer) == address
    assert Management(tmp_path / "token", frozenset()).stranger(peer) == address
    assert Inference(keys, is_behind_proxy=True).stranger(peer) is None
    assert Inference(None).stranger(peer) is None
