"""The cookie that a signed-in browser has: a random token, which no script of the page can read."""

import base64
import binascii

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import Scope

from db.sign_ins import AT_MOST_DAYS, TOKEN_BYTES

NAME = "sketchserve"
# Browsers take it only over HTTPS, for this host alone and all of it (RFC 6265bis, 4.1.3.2).
SECURE_NAME = f"__Host-{NAME}"


def is_secure(scope: Scope) -> bool:
    """Return whether the browser came by HTTPS, as a trusted proxy says."""
    return scope["scheme"] == "https"


def read(scope: Scope) -> bytes | None:
    """Return the token that the browser has, None where it has none that could be one."""
    name = SECURE_NAME if is_secure(scope) else NAME
    for header in Headers(scope=scope).getlist("cookie"):
        try:
            token = base64.urlsafe_b64decode(cookie_parser(header).get(name, "") + "=")
        except (binascii.Error, ValueError):
            continue
        if len(token) == TOKEN_BYTES:
            return token
    return None


def put(response: Response, scope: Scope, token: bytes) -> None:
    """Give the browser the token; the database says when it ends."""
    value = base64.urlsafe_b64encode(token).decode().rstrip("=")
    _set(response, scope, value, AT_MOST_DAYS * 24 * 3600)


def remove(response: Response, scope: Scope) -> None:
    """Take the token from the browser."""
    _set(response, scope, "", 0)


def _set(response: Response, scope: Scope, value: str, max_age_s: int) -> None:
    secure = is_secure(scope)
    response.set_cookie(
        SECURE_NAME if secure else NAME,
        value,
        max_age=max_age_s,
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )
