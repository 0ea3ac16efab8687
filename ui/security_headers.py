"""What every answer of the page tells the browser: what may run in it, and who may show it."""

import base64
import hashlib
import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# An answer that is no page runs nothing and loads nothing.
NOTHING = "default-src 'none'; frame-ancestors 'none'"
# Gradio makes functions of its components' texts (unsafe-eval), sets styles inline, puts its configuration
# into inline scripts. They are allowed one by one, by their hashes: a script that gets into the page later
# does not run.
PAGE = (
    "default-src 'none'; script-src 'self' 'unsafe-eval'{hashes}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self'; manifest-src 'self'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
# A phone's own camera takes a picture for a file field, and needs none of these.
HEADERS = {
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
POLICY = "Content-Security-Policy"

_HEADERS = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
_POLICY = POLICY.lower().encode()
_INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)


class SecurityHeaders:
    """Middleware that adds these headers to every answer; an answer's own policy stays.

    Args:
        app: What answers.
        script: What runs first in every page that has no policy of its own: Gradio's has no place for one.
        style: How such a page looks before anything else is loaded.
    """

    def __init__(self, app: ASGIApp, script: str = "", style: str = "") -> None:
        self._app = app
        styled = f"<style>{style}</style>" if style else ""
        scripted = f"<script>{script}</script>" if script else ""
        self._begin = f"<head>{styled}{scripted}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        held: Message | None = None  # the start of an HTML page, until its scripts are known
        body = bytearray()

        async def send_with_headers(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start":
                said = dict(message["headers"])
                if _POLICY in said:
                    message = _with(message, _HEADERS)
                elif said.get(b"content-type", b"").startswith(b"text/html"):
                    held = message
                    return
                else:
                    message = _with(message, _HEADERS, (_POLICY, NOTHING.encode()))
            elif held is not None:
                body.extend(message.get("body", b""))
                if message.get("more_body", False):
                    return
                page = bytes(body).replace(b"<head>", self._begin, 1)
                start = _with_length(held, len(page))
                await send(_with(start, _HEADERS, (_POLICY, page_policy(page).encode())))
                held, message = None, {"type": "http.response.body", "body": page}
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _with(start: Message, headers: list[tuple[bytes, bytes]], *more: tuple[bytes, bytes]) -> Message:
    return {**start, "headers": [*start["headers"], *headers, *more]}


def _with_length(start: Message, length: int) -> Message:
    others = [header for header in start["headers"] if header[0] != b"content-length"]
    return {**start, "headers": [*others, (b"content-length", str(length).encode())]}


def page_policy(html: bytes) -> str:
    """Return the policy (CSP, level 3) under which these inline scripts of the page run, and no others."""
    digests = (hashlib.sha256(script).digest() for script in _INLINE_SCRIPT.findall(html))
    hashes = "".join(f" 'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return PAGE.format(hashes=hashes)
