"""What waits for browsers that do not read is bounded, in bytes and in time."""

import asyncio
import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

# uvicorn waits before each piece until the one before it is under way, and so holds little of an answer.
PIECE_BYTES = 64 * 1024
# For one part of an answer: 16 MB, the largest, at 1.1 Mbit/s.
WITHIN_S = 120.0
# Of all large answers together; pictures have 16 MB at most.
MOST_BYTES = 256 * 1024**2


class SlowReaders:
    """Middleware that sends large answers in pieces, and gives up those that nobody reads.

    Args:
        app: what answers.
        most_bytes: of what waits to be read.
        within_s: how long a part of an answer may take.
    """

    def __init__(self, app: ASGIApp, most_bytes: int = MOST_BYTES, within_s: float = WITHIN_S) -> None:
        self._app = app
        self._most_bytes = most_bytes
        self._within_s = within_s
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def send_in_pieces(message: Message) -> None:
            body = message.get("body", b"")
            if len(body) <= PIECE_BYTES:
                await send(message)
                return
            self._waiting += len(body)
            try:
                if self._waiting > self._most_bytes:
                    raise _GivenUp
                async with asyncio.timeout(self._within_s):
                    for start in range(0, len(body), PIECE_BYTES):
                        end = start + PIECE_BYTES
                        more = end < len(body) or message.get("more_body", False)
                        await send({**message, "body": body[start:end], "more_body": more})
            except TimeoutError as error:
                raise _GivenUp from error
            finally:
                self._waiting -= len(body)

        try:
            await self._app(scope, receive, send_in_pieces)
        except _GivenUp:
            # The server ends a connection whose answer is not whole.
            logger.warning("gave up an answer that its browser did not read")


class _GivenUp(Exception):  # noqa: N818 - control flow
    """Nobody reads this."""
