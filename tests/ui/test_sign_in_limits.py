"""Remembered sign-ins are bounded, whatever is tried."""

import asyncio
import time

import pytest

from db.errors import DatabaseUnavailable
from db.sign_ins import SignedIn, hash_of
from db.user_rows import User
from ui.sign_in import sessions
from ui.sign_in.attempts import network_of
from ui.sign_in.sessions import Sessions

ADA = User(1, "ada", "visitor")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("", ""),
        ("x" * 1000, "x" * 50),
    ],
)
def test_an_ipv6_address_counts_with_its_neighbours(address: str, network: str) -> None:
    assert network_of(address) == network


class Played:
    """Sign-ins that answer what they are told."""

    def __init__(self) -> None:
        self.found: SignedIn | None = SignedIn(ADA, 1e6)
        self.is_away = False
        self.asked = 0

    def find(self, _token_hash: bytes) -> SignedIn | None:
        """Answer as the database does."""
        self.asked += 1
        if self.is_away:
            raise DatabaseUnavailable("away")
        return self.found

    end = find


def test_the_database_is_asked_once_by_all_who_ask_at_once_and_not_again_for_a_while() -> None:
    played = Played()

    async def ask() -> None:
        found = Sessions(played)
        assert await asyncio.gather(*(found.find(b"t") for _ in range(50))) == [ADA] * 50
        assert await found.find(b"t") == ADA

    asyncio.run(ask())
    assert played.asked == 1


def test_a_sign_in_is_believed_without_the_database_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "FRESH_S", 0.0)
    monkeypatch.setattr(sessions, "AWAY_S", 0.0)
    played = Played()
    played.found = SignedIn(ADA, 0.2)

    async def ask() -> None:
        found = Sessions(played)
        assert await found.find(b"t") == ADA
        played.is_away = True
        assert await found.find(b"t") == ADA
        deadline = time.monotonic() + 30
        with pytest.raises(DatabaseUnavailable):
            while time.monotonic() < deadline:
                await found.find(b"t")

    asyncio.run(ask())


def test_while_the_database_is_away_it_is_not_asked_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "FRESH_S", 0.0)
    played = Played()

    async def ask() -> None:
        found = Sessions(played)
        await found.find(b"t")
        played.is_away = True
        for _ in range(100):
            assert await found.find(b"t") == ADA

    asyncio.run(ask())
    assert played.asked == 2


def test_a_sign_out_counts_though_the_database_was_being_asked() -> None:
    played = Played()

    async def ask() -> None:
        found = Sessions(played)
        asked = asyncio.create_task(found.find(b"t"))
        await asyncio.sleep(0)
        await found.end(b"t")
        assert await asked is None
        assert await found.find(b"t") is None

    asyncio.run(ask())


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "REMEMBERED", 10)

    async def ask() -> None:
        found = Sessions(Played())
        for number in range(50):
            token = bytes([number])
            await found.find(token)
            if number % 2:
                await found.end(token)
        assert len(found._seen) <= 10
        assert len(found._ended) == 10
        assert hash_of(bytes([49])) in found._ended

    asyncio.run(ask())
