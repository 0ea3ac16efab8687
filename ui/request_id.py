"""One id for a request, from the proxy to the row: in its answer, TorchServe's logs and the page's lines."""

import re
import uuid
from contextvars import ContextVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from client.inference import REQUEST_ID

_NAME = REQUEST_ID.lower().encode("ascii")
# What may stand in a log, a URL and a header as it is.
_ACCEPTED = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_current: ContextVar[str] = ContextVar("request_id", default="")


def current() -> str:
    """Return the id of the request that this code runs for, "" where it runs for none."""
    return _current.get()


class RequestId:
    """Middleware that takes a request's id from its header, or makes one, and sends it back with the answer.

    Written against ASGI itself: Starlette's BaseHTTPMiddleware would hold up event streams. What runs in
    threads for the request knows the id too, since anyio gives them a copy of the context.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _given(scope) or uuid.uuid4().hex
        # Never reset: uvicorn logs what went wrong after this has returned, in the same task.
        _current.set(request_id)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), (_NAME, request_id.encode("ascii"))]
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, send_with_id)


def _given(scope: Scope) -> str:
    """Return the id that came with the request, "" where none came or one that is not accepted."""
    given = next((value for name, value in scope["headers"] if name == _NAME), b"")
    return given.decode("ascii") if _ACCEPTED.fullmatch(given) else ""
