"""What the page lets in: the routes that it uses, and bodies that cost little to hold and to read."""

import asyncio
import re
from typing import NamedTuple

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from system import json_bodies
from ui.origin import is_foreign
from ui.refusal import refusal

# What browsers and gradio_client (info) ask for, app_id after a lost connection. Gradio serves much more:
# files, a proxy, uploads of any size that nobody deletes.
ROUTES = {
    "GET": re.compile(
        r"/(config|theme\.css|manifest\.json|favicon\.ico|livez|readyz|healthz|metrics)?/?"
        r"|/sign-in(\.css)?"
        r"|/(static|assets|files)/.+"
        r"|/(history|analytics|models|review)(/.*)?"
        r"|/gradio_api/(queue/data|heartbeat/[^/]+|startup-events|app_id|info)/?"
    ),
    "POST": re.compile(
        r"/gradio_api/(run/[^/]+|queue/join)/?|/sign-(in|out)|/fetch|/read|/pictures"
        r"|/(history|analytics|models|review)/.+"
    ),
}
# What programs may ask: all that is answered there is JSON.
OF_PROGRAMS = ("/read", "/pictures", "/fetch")
# A drawing of 8 MiB in base64, and what is beside it.
MOST_BYTES = 12 * 1024**2
# What TorchServe takes as well.
MOST_BYTES_OF_A_NUMBER = 16 * 1024**2
# Forms (a name and a password, from anybody), and the address of a picture.
MOST_BYTES_OF_A_FORM = 4096
# Of all requests together; a thousand visitors who draw at once send 10 MB.
MOST_BYTES_HELD = 256 * 1024**2
# Lists, objects and their members, of which the pad sends a dozen: reading each takes memory and time, and a
# million of them seconds in which nobody is answered.
MOST_VALUES = 10_000
# For a whole body: 12 MiB at 3.4 Mbit/s.
WITHIN_S = 30.0
# For what is left of a refused body, before the answer: a connection that closes while its client still sends
# is reset, and the answer lost. It closes after it, or the rest could dribble in for ever.
DRAIN_S = 5.0
# When to ask again where there is no room.
BUSY_S = 1


class _Refused(NamedTuple):
    """Why a request is refused: the status, one word for programs, and a line for people."""

    code: int
    kind: str
    words: str

    def answer(self, path: str) -> Response:
        """Return what is answered there, in the form that the route's other answers have."""
        response: Response = PlainTextResponse(self.words, self.code)
        if path in OF_PROGRAMS:
            response = refusal(self.code, self.kind, self.words, BUSY_S if self.code == 503 else None)
        response.headers["Connection"] = "close"
        return response


NOT_FOUND = _Refused(404, "NotFound", "Not found")
FOREIGN = _Refused(403, "ForeignOrigin", "This request came from another site: open this page itself")


class Limits:
    """Middleware that answers 403, 404, 408, 413 and 503 by itself, before anything reads a body.

    Args:
        app: what answers the rest.
        root_path: below which a proxy may ask, such as /sketch.
    """

    def __init__(self, app: ASGIApp, root_path: str = "") -> None:
        self._app = app
        self._root_path = root_path
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif not self._is_served(scope):
            await NOT_FOUND.answer("")(scope, receive, send)
        elif is_foreign(scope):
            await drain(receive)
            await FOREIGN.answer(self._path(scope))(scope, receive, send)
        elif scope["method"] == "POST":
            await self._with_body(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_served(self, scope: Scope) -> bool:
        if scope["type"] != "http":  # the page opens no web socket
            return False
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        path = self._path(scope) or "/"
        return method in ROUTES and ROUTES[method].fullmatch(path) is not None

    def _path(self, scope: Scope) -> str:
        path: str = scope["path"].removeprefix(self._root_path)
        return path

    async def _with_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = bytearray()
        path = self._path(scope)
        is_number = path == "/read"
        most = MOST_BYTES_OF_A_NUMBER if is_number else MOST_BYTES_OF_A_FORM
        most = MOST_BYTES if path.startswith("/gradio_api/") or path == "/pictures" else most
        refused, more = _too_large(_announced(scope), most), True
        try:
            try:
                async with asyncio.timeout(WITHIN_S):
                    while more and refused is None:
                        message = await receive()
                        if message["type"] == "http.disconnect":
                            return
                        chunk = message.get("body", b"")
                        body += chunk
                        self._held += len(chunk)
                        more = message.get("more_body", False)
                        refused = _too_large(len(body), most) or self._too_many()
            except TimeoutError:
                words = f"The body did not arrive within {WITHIN_S:g} s"
                refused, more = _Refused(408, "Timeout", words), False
            # In a picture's bytes these marks mean nothing.
            if not is_number or json_bodies.BEGINNING.match(body):
                refused = refused or _too_costly(body)
            if refused is None:
                await self._app(scope, _replayed(bytes(body), receive), send)
                return
        finally:
            self._held -= len(body)
            body.clear()
        if more:
            await drain(receive)
        await refused.answer(path)(scope, receive, send)

    def _too_many(self) -> _Refused | None:
        if self._held <= MOST_BYTES_HELD:
            return None
        return _Refused(503, "Busy", "Too many drawings at once: try again in a moment")


def _announced(scope: Scope) -> int:
    """Return how many bytes the body is said to have, 0 where nothing is said."""
    given = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(given)  # the server has checked it


def _too_large(count: int, most: int) -> _Refused | None:
    if count <= most:
        return None
    words = f"The body has {count:,} bytes or more, and the page takes at most {most:,}"
    return _Refused(413, "TooLarge", words)


def _too_costly(body: bytearray) -> _Refused | None:
    """Return the refusal of a body with too many values; inside its strings their marks count too."""
    count = sum(body.count(mark) for mark in (b"[", b"{", b","))
    if count <= MOST_VALUES:
        return None
    words = f"The body has {count:,} values, and the page takes at most {MOST_VALUES:,}"
    return _Refused(413, "TooLarge", words)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the whole body first."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return messages.pop() if messages else await receive()

    return replayed


async def drain(receive: Receive) -> None:
    """Take what is left of a refused body, for a while."""
    try:
        async with asyncio.timeout(DRAIN_S):
            while (message := await receive())["type"] == "http.request" and message.get("more_body", False):
                pass
    except TimeoutError:
        pass
