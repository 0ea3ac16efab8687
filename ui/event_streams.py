"""Event streams never end by themselves: they end with the page, or the sign-in that opened them."""

import asyncio
import logging
from collections.abc import Collection, Iterable, Set

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.sign_in.sessions import Sessions
from ui.sign_in.who import TOKEN_HASH

logger = logging.getLogger(__name__)

# How often it is looked which sign-ins have ended.
LOOK_S = 2.0


class EventStreams:
    """Middleware that knows which answers are event streams, and can end them in order."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        # Each with the hash of the token that it was opened with, None where nobody signs in.
        self._open: dict[asyncio.Task[None], bytes | None] = {}
        self._told: set[asyncio.Task[None]] = set()
        self._is_ending = False

    def end(self) -> None:
        """End the open streams, and every one that opens from now on."""
        self._is_ending = True
        self._end(self._open)

    def end_of(self, token_hashes: Collection[bytes]) -> None:
        """End the streams that were opened with these tokens."""
        self._end([task for task, token_hash in self._open.items() if token_hash in token_hashes])

    def token_hashes(self) -> Set[bytes]:
        """Return the hashes of the tokens that open streams were opened with."""
        return {token_hash for token_hash in self._open.values() if token_hash is not None}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        task = asyncio.current_task()
        if scope["type"] != "http" or task is None:
            await self._app(scope, receive, send)
            return

        is_complete = False

        async def send_and_look(message: Message) -> None:
            nonlocal is_complete
            await send(message)
            is_complete = message["type"] == "http.response.body" and not message.get("more_body", False)
            if message["type"] == "http.response.start" and _is_event_stream(message):
                self._open[task] = scope.get(TOKEN_HASH)
                if self._is_ending:
                    self._end([task])

        try:
            await self._app(scope, receive, send_and_look)
        except asyncio.CancelledError:
            if task not in self._told:
                raise
            task.uncancel()
            if not is_complete:  # some streams end by themselves when they are cancelled
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._open.pop(task, None)
            self._told.discard(task)

    def _end(self, tasks: Iterable[asyncio.Task[None]]) -> None:
        for task in tasks:
            if task not in self._told:
                self._told.add(task)
                task.cancel()


async def end_with_sign_ins(streams: EventStreams, sessions: Sessions) -> None:
    """End each stream, and belief in a sign-in, soon after that sign-in, until this is cancelled."""
    while True:
        await asyncio.sleep(LOOK_S)
        try:
            # Those that another page, or an operator, has ended are not believed here any longer, either.
            if token_hashes := streams.token_hashes() | sessions.believed():
                streams.end_of(await sessions.ended(token_hashes))
        except Exception:  # a defect must not keep streams open for good
            logger.exception("it cannot be found out which sign-ins have ended")


def _is_event_stream(start: Message) -> bool:
    headers = dict(start.get("headers", ()))
    return bytes(headers.get(b"content-type", b"")).startswith(b"text/event-stream")
