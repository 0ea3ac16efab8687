"""By which names the page is asked while nobody signs in: its own, and none that a stranger has lead here."""

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from system.ports import foreign_host
from ui.limits import drain

# Programs inside ask these, by whatever name; a proxy that is the only way to the page does not pass them on.
FOR_PROGRAMS = frozenset({"/livez", "/readyz", "/healthz", "/metrics"})


class OwnNames:
    """Middleware that answers 421 to who asks by a foreign name.

    A site that is open in a browser of this machine may have its own name lead to this page (DNS rebinding),
    and then reads and sends whatever the page itself could. With a sign-in it cannot, since it has no cookie.

    Args:
        app: what answers the rest.
        names: by which the page is asked, beside its addresses; in lower case.
        is_behind_proxy: whether all strangers come through a proxy that refuses what is for programs.
    """

    def __init__(self, app: ASGIApp, names: frozenset[str], *, is_behind_proxy: bool) -> None:
        self._app = app
        self._names = names
        self._free = FOR_PROGRAMS if is_behind_proxy else frozenset()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "lifespan" and scope["path"] not in self._free:
            asked_as = foreign_host(Headers(scope=scope).get("host", ""), self._names)
            if asked_as is not None:
                if scope["type"] == "http":
                    await drain(receive)
                await _refusal(asked_as)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _refusal(asked_as: str) -> PlainTextResponse:
    words = (
        f"The page was opened as {asked_as[:100]!r}, expected an address, localhost or PUBLISHED_AT: "
        "open it by one of these, or set PUBLISHED_AT where a proxy publishes it under that name"
    )
    return PlainTextResponse(words, 421, {"Connection": "close"})
