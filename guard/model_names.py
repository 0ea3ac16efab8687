"""Names that a model must not be registered under: TorchServe could neither describe nor remove it."""

import json
import re
from typing import Any
from urllib.parse import unquote_to_bytes

from guard.answers import malformed

# TorchServe reads it from the query, or else from a JSON body.
FIELD = "model_name"


def check_query(target: bytes) -> None:
    """Raise a Refusal if a request's query registers a model under such a name.

    It is taken apart as Netty does it: at ; too, and decoded only then.
    """
    for part in re.split(rb"[?&;#]", target.replace(b"+", b" "))[1:]:
        name, _, value = part.partition(b"=")
        if unquote_to_bytes(name) == FIELD.encode():
            _check(unquote_to_bytes(value).decode("utf-8", "replace"))


def check_body(content_type: bytes, body: bytes) -> None:
    """Raise a Refusal if a JSON body registers a model under such a name, or is none."""
    if b"json" not in content_type.lower() or not body.strip():
        return

    def fields(pairs: list[tuple[str, Any]]) -> None:
        for name, value in pairs:
            if name == FIELD:
                _check(str(value))

    try:
        json.loads(body, object_pairs_hook=fields)
    except (ValueError, RecursionError):
        raise malformed("The body is not a JSON object: put the parameters into the query") from None


def _check(name: str) -> None:
    # TorchServe decodes an address before it splits it at each slash; clients resolve dots.
    if "/" in name or name in (".", "..") or not name.isprintable():
        raise malformed(
            f"A model cannot be registered as {name[:100]!r}, which TorchServe could neither describe nor "
            f"remove again: choose a {FIELD} without slashes or control characters, other than . and .."
        )
