"""What the guard answers by itself, in the form of TorchServe's own errors."""

import json
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus

METHODS = ("GET", "POST", "PUT", "DELETE", "OPTIONS")


class Reason(Enum):
    """Why a request is not passed on: as metric and log say it, the answer's status, and its kind."""

    MALFORMED = "malformed", HTTPStatus.BAD_REQUEST, "BadRequest"
    LARGE_BODY = "large_body", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "TooLarge"
    LARGE_HEAD = "large_head", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "TooLarge"
    METHOD = "method", HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed"
    SLOW = "slow", HTTPStatus.REQUEST_TIMEOUT, "Timeout"
    NO_KEY = "no_key", HTTPStatus.UNAUTHORIZED, "KeyMissing"
    UNKNOWN_KEY = "unknown_key", HTTPStatus.UNAUTHORIZED, "KeyUnknown"
    NO_KEYS = "no_keys", HTTPStatus.SERVICE_UNAVAILABLE, "KeysUnreadable"
    KEY_RATE = "key_rate", HTTPStatus.TOO_MANY_REQUESTS, "TooManyRequests"
    WRONG_TOKEN = "wrong_token", HTTPStatus.UNAUTHORIZED, "TokenMissing"
    NO_TOKEN = "no_token", HTTPStatus.SERVICE_UNAVAILABLE, "TokenMissing"
    FOREIGN_HOST = "foreign_host", HTTPStatus.MISDIRECTED_REQUEST, "ForeignHost"
    FOREIGN_ORIGIN = "foreign_origin", HTTPStatus.FORBIDDEN, "ForeignOrigin"
    CONNECTIONS = "connections", HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable"
    MEMORY = "memory", HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable"
    NO_TORCHSERVE = "no_torchserve", HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable"
    NO_ANSWER = "no_answer", HTTPStatus.GATEWAY_TIMEOUT, "Timeout"

    def __init__(self, label: str, status: HTTPStatus, kind: str) -> None:
        self.label = label
        self.status = status
        self.kind = kind


@dataclass(eq=False)
class Refusal(Exception):  # noqa: N818 - it is an answer, not a fault
    """A request that is not passed on.

    Attributes:
        reason: why.
        message: what came, what is accepted, what to do.
        retry_after_s: when to ask again, in whole seconds from 1, where the status is 429 or 503.
    """

    reason: Reason
    message: str
    retry_after_s: int = 1

    @property
    def status(self) -> HTTPStatus:
        """Return the answer's status."""
        return self.reason.status

    def response(self) -> bytes:
        """Return the whole response, after which the connection ends."""
        said = {"code": int(self.status), "type": self.reason.kind, "message": self.message}
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
            head.append(f"Retry-After: {self.retry_after_s}")
        return "\r\n".join([*head, "", ""]).encode() + body


def malformed(what: str) -> Refusal:
    """Return the refusal of what is no HTTP request."""
    return Refusal(Reason.MALFORMED, what)


def too_large(what: str) -> Refusal:
    """Return the refusal of a request that is larger than it may be."""
    return Refusal(Reason.LARGE_BODY, what)
