"""Lets in who is signed in: one gate before every route, so that none can be forgotten."""

from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from db.errors import DatabaseUnavailable
from db.sign_ins import hash_of
from system.ports import is_loopback
from ui.limits import drain
from ui.sign_in import cookie
from ui.sign_in.sessions import Sessions
from ui.sign_in.who import TOKEN_HASH, USER

# The form, and whether the page is there: who asks that is no person.
FORM = "/sign-in"
SIGN_OUT = "/sign-out"
OPEN = frozenset({FORM, "/sign-in.css", "/livez", "/readyz"})
# For Prometheus and `make status`, which have no cookie: on this machine, or behind a proxy that has no way
# to them.
INSIDE = frozenset({"/metrics", "/healthz"})


class Admission:
    """Middleware that answers 401 to who is not signed in, and says to the rest who is.

    Args:
        app: what answers who is let in.
        sessions: the sign-ins.
        root_path: below which a proxy may ask, such as /sketch.
        is_behind_proxy: whether all strangers come through a proxy that refuses what is for those inside.
    """

    def __init__(self, app: ASGIApp, sessions: Sessions, root_path: str, *, is_behind_proxy: bool) -> None:
        self._app = app
        self._sessions = sessions
        self._root_path = root_path
        self._is_behind_proxy = is_behind_proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        path = scope["path"].removeprefix(self._root_path) or "/"
        token = cookie.read(scope) if scope["type"] == "http" else None
        scope[USER] = None
        if path not in OPEN and token is not None:
            try:
                scope[USER], scope[TOKEN_HASH] = await self._sessions.find(token), hash_of(token)
            except DatabaseUnavailable:
                await _cannot_say()(scope, receive, send)
                return
        if scope[USER] is None and path not in OPEN and not self._is_for(scope, path):
            await drain(receive)
            await self._refusal(path)(scope, receive, send)
            return

        async def send_to_one(message: Message) -> None:
            # What one person saw is not shown to the next one at this browser; programs are all the same.
            if message["type"] == "http.response.start" and not path.startswith(("/assets/", "/static/")):
                headers = message["headers"]
                if not any(name == b"cache-control" for name, _ in headers):
                    message = {**message, "headers": [*headers, (b"cache-control", b"no-store")]}
            await send(message)

        await self._app(scope, receive, send_to_one)

    def _is_for(self, scope: Scope, path: str) -> bool:
        """Return whether this is for those inside, and who asks is there."""
        return path in INSIDE and (self._is_behind_proxy or _is_here(scope))

    def _refusal(self, path: str) -> Response:
        form = f"{self._root_path}{FORM}"
        if path in ("/", SIGN_OUT):
            return RedirectResponse(form, 303, {"Cache-Control": "no-store"})
        return PlainTextResponse(f"Sign in first, at {form}", 401, {"Connection": "close"})


def may_know_details(scope: Scope) -> bool:
    """Return whether who asks how the platform is may be told what is wrong, or only that something is."""
    return USER not in scope or scope[USER] is not None or _is_here(scope)


def _is_here(scope: Scope) -> bool:
    host, _ = scope.get("client") or ("", 0)
    return is_loopback(host)


def _cannot_say() -> Response:
    words = "Sign-ins cannot be checked right now: the database is unavailable. Try again in a few seconds."
    return PlainTextResponse(words, 503, {"Retry-After": "5", "Connection": "close"})
