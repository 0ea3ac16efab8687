"""A browser in which a user has signed in before, which others' wrong passwords do not keep out.

It has a cookie that nobody else can make, since its key is what is kept of the password. It signs nobody in,
and a new password ends it. OWASP calls it a device cookie:
https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
"""

import hmac
import secrets

from starlette.responses import Response
from starlette.types import Scope

from ui.sign_in import cookie

NAME = "sketchserve-known"
DAYS = 365
_ID_BYTES, _PROOF_BYTES = 16, 32


def read(scope: Scope, kept: str) -> bytes | None:
    """Return the browser's id where the user whose password was `kept` so has signed in there, else None."""
    said = cookie.read(scope, NAME, _ID_BYTES + _PROOF_BYTES)
    if said is None:
        return None
    browser, proof = said[:_ID_BYTES], said[_ID_BYTES:]
    return browser if hmac.compare_digest(proof, _proof(browser, kept)) else None


def put(response: Response, scope: Scope, kept: str) -> None:
    """Have the browser known as one in which this user has signed in."""
    browser = secrets.token_bytes(_ID_BYTES)
    cookie.put(response, scope, browser + _proof(browser, kept), NAME, DAYS)


def _proof(browser: bytes, kept: str) -> bytes:
    return hmac.digest(kept.encode(), b"known browser " + browser, "sha256")
