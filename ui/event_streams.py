"""Event streams, which never end by themselves, end when the page stops."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class EventStreams:
    """Middleware that knows which answers are event streams, and can end them in order."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._open: set[asyncio.Task[None]] = set()
        self._is_ending = False

    def end(self) -> None:
        """End the open streams, and every one that opens from now on."""
        self._is_ending = True
        for task in self._open:
            task.cancel()

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
                self._open.add(task)
                if self._is_ending:
                    task.cancel()

        try:
            await self._app(scope, receive, send_and_look)
        except asyncio.CancelledError:
            if not (self._is_ending and task in self._open):
                raise
            task.uncancel()
            if not is_complete:  # some streams end by themselves when they are cancelled
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._open.discard(task)


def _is_event_stream(start: Message) -> bool:
    headers = dict(start.get("headers", ()))
    return bytes(headers.get(b"content-type", b"")).startswith(b"text/event-stream")
