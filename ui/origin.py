"""Whether a request that changes something comes from the page itself, and not from another site."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope


def is_foreign(scope: Scope) -> bool:
    """Return whether another site's page sends this: browsers say of each POST where it comes from.

    What is no browser says nothing, and has no cookie that somebody could make it send.
    """
    headers = Headers(scope=scope)
    origin = headers.get("origin")
    if scope["method"] in ("GET", "HEAD") or origin is None:
        return False
    # A proxy may ask under another name; no site can make a browser send X-Forwarded-Host elsewhere.
    own = {headers.get("host", ""), headers.get("x-forwarded-host", "")} - {""}
    return urlsplit(origin).netloc not in own
