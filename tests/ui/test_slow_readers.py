"""What waits for browsers that do not read: given up after a while, and where it is too much."""

import asyncio
from typing import Any

import pytest

from ui.slow_readers import PIECE_BYTES, SlowReaders

BODY = bytes(range(256)) * 1024  # four pieces


async def app(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": BODY, "more_body": True})
    await send({"type": "http.response.body", "body": b"end"})


async def never() -> Any:
    await asyncio.Event().wait()


def test_a_large_answer_arrives_whole_in_pieces() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(SlowReaders(app)({}, never, send))
    _, *parts = sent
    assert b"".join(part["body"] for part in parts) == BODY + b"end"
    assert [part.get("more_body", False) for part in parts] == [True, True, True, True, False]
    assert max(len(part["body"]) for part in parts) == PIECE_BYTES


def test_what_nobody_reads_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            await never()

    asyncio.run(SlowReaders(app, within_s=0.05)({}, never, send))
    assert "did not read" in caplog.text


def test_where_too_much_waits_the_next_is_given_up_and_the_place_comes_back() -> None:
    async def ask_twice() -> list[int]:
        readers, may_go, counts = SlowReaders(app, most_bytes=len(BODY)), asyncio.Event(), [0, 0]

        async def waiting(message: Any) -> None:
            counts[0] += len(message.get("body", b""))
            if message["type"] == "http.response.body":
                await may_go.wait()

        async def reading(message: Any) -> None:
            counts[1] += len(message.get("body", b""))

        first = asyncio.create_task(readers({}, never, waiting))
        await asyncio.sleep(0)
        await readers({}, never, reading)
        assert counts[1] == 0
        may_go.set()
        await first
        await readers({}, never, reading)
        return counts

    assert asyncio.run(ask_twice()) == [len(BODY) + 3] * 2
