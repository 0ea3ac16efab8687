"""What the guard answers by itself, in the form of TorchServe's own errors."""

import json
from dataclasses import dataclass
from http import HTTPStatus

METHODS = ("GET", "POST", "PUT", "DELETE", "OPTIONS")


@dataclass(eq=False)
class Refusal(Exception):  # noqa: N818 - it is an answer, not a fault
    """A request that is not passed on: its status, its kind, and what came, what is accepted, what to do."""

    status: HTTPStatus
    kind: str
    message: str

    def response(self) -> bytes:
        """Return the whole response, after which the connection ends."""
        said = {"code": int(self.status), "type": self.kind, "message": self.message}
        body = json.dumps(said).encode()
        head = [
            f"HTTP/1.1 {self.status.value} {self.status.phrase}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            "Connection: close",
        ]
        if self.status is HTTPStatus.METHOD_NOT_ALLOWED:
            head.append(f"Allow: {', '.join(METHODS)}")
        if self.status is HTTPStatus.UNAUTHORIZED:
            head.append("WWW-Authenticate: Bearer")
        if self.status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
            head.append("Retry-After: 1")
        return "\r\n".join([*head, "", ""]).encode() + body


def malformed(what: str) -> Refusal:
    """Return the refusal of what is no HTTP request."""
    return Refusal(HTTPStatus.BAD_REQUEST, "BadRequest", what)


def too_large(what: str) -> Refusal:
    """Return the refusal of a request that is larger than it may be."""
    return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "TooLarge", what)


def unavailable(why: str) -> Refusal:
    """Return the refusal of a request that may succeed in a moment."""
    return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable", why)
