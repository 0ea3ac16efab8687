"""What the page's own routes answer where they cannot do what was asked: JSON, as the API's errors are."""

from starlette.responses import JSONResponse


def refusal(
    code: int, kind: str, message: str, retry_after_s: int | None = None, loads: str = ""
) -> JSONResponse:
    """Return the answer.

    Args:
        code: The HTTP status.
        kind: One word for programs.
        message: One line for people.
        retry_after_s: When the same may be asked again.
        loads: The model that has to be loaded first, for the page's chooser.
    """
    headers = None if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    more = {"loads": loads} if loads else {}
    return JSONResponse({"code": code, "type": kind, "message": message, **more}, code, headers)
