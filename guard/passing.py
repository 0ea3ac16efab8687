"""How a request is passed on: framed anew, without what is nobody's business behind the guard."""

from collections.abc import Iterable

# They say nothing to TorchServe or the handler, and each costs the worker time; cookies are nobody's business
# there, and keys are the guard's alone. The others are between two neighbours (RFC 9110, 7.6.1), or said
# anew.
DROPPED = frozenset(
    b"accept accept-encoding accept-language authorization connection content-length cookie expect "
    b"http2-settings keep-alive proxy-authorization proxy-connection te trailer transfer-encoding upgrade "
    b"user-agent x-api-key x-forwarded-for".split()
)


def framed(
    method: bytes, target: bytes, headers: Iterable[tuple[bytes, bytes]], content_type: bytes, body: bytes
) -> bytes:
    """Return the request as TorchServe gets it, framed by its length: nobody reads that differently."""
    lines = [method + b" " + target + b" HTTP/1.1"]
    for name, value in headers:
        lower = name.lower()
        if lower not in DROPPED:
            lines.append(name + b": " + (content_type if lower == b"content-type" else value))
    lines += [b"Content-Length: %d" % len(body), b"", body]
    return b"\r\n".join(lines)
