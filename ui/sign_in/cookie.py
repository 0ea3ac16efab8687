"""Cookies of the sign-in, for this host alone: random bytes that no script can read, and whose they are."""

import base64
import binascii

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import Scope

from db.sign_ins import AT_MOST_DAYS, TOKEN_BYTES

# Of the token that a signed-in browser has.
NAME = "sketchserve"
# Of the user's number, for scripts: strokes without an answer are nobody else's (ui/draw/pad/sending.js).
USER = "sketchserve-user"
# Browsers take such a name only over HTTPS, for this host alone and all of it (RFC 6265bis, 4.1.3.2).
SECURE = "__Host-"


def is_secure(scope: Scope) -> bool:
    """Return whether the browser came by HTTPS, as a trusted proxy says."""
    return scope["scheme"] == "https"


def read(scope: Scope, name: str = NAME, size: int = TOKEN_BYTES) -> bytes | None:
    """Return the `size` bytes that the browser has, the token's unless told; None where it has none such."""
    name = _full(scope, name)
    for header in Headers(scope=scope).getlist("cookie"):
        try:
            value = base64.urlsafe_b64decode(cookie_parser(header).get(name, "") + "==")
        except (binascii.Error, ValueError):
            continue
        if len(value) == size:
            return value
    return None


def put(response: Response, scope: Scope, value: bytes, name: str = NAME, days: int = AT_MOST_DAYS) -> None:
    """Give the browser the bytes, the token's unless told; the database says when a token ends."""
    text = base64.urlsafe_b64encode(value).decode().rstrip("=")
    _set(response, scope, name, text, days * 24 * 3600)


def put_user(response: Response, scope: Scope, user_id: int) -> None:
    """Tell scripts who has signed in; what counts is the token."""
    _set(response, scope, USER, str(user_id), AT_MOST_DAYS * 24 * 3600, is_for_scripts=True)


def remove(response: Response, scope: Scope) -> None:
    """Take the token from the browser, and whose it was."""
    for name in (NAME, USER):
        _set(response, scope, name, "", 0)


def _full(scope: Scope, name: str) -> str:
    return f"{SECURE}{name}" if is_secure(scope) else name


def _set(
    response: Response, scope: Scope, name: str, value: str, max_age_s: int, *, is_for_scripts: bool = False
) -> None:
    response.set_cookie(
        _full(scope, name),
        value,
        max_age=max_age_s,
        path="/",
        secure=is_secure(scope),
        httponly=not is_for_scripts,
        samesite="lax",
    )
