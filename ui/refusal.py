"""What the page's own routes answer where they cannot do what was asked: JSON, as the API's errors are."""

from collections.abc import Mapping
from types import MappingProxyType

from starlette.responses import JSONResponse

NOTHING: Mapping[str, str] = MappingProxyType({})


def refusal(
    code: int, kind: str, message: str, retry_after_s: int | None = None, more: Mapping[str, str] = NOTHING
) -> JSONResponse:
    """Return the answer; `retry_after_s` says when the same may be asked again, `more` what else is said."""
    headers = None if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return JSONResponse({"code": code, "type": kind, "message": message, **more}, code, headers)
