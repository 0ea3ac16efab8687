"""The policy that an answer carries, as the middleware makes it."""

import asyncio
import re

from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import Message

from ui.security_headers import NOTHING, SecurityHeaders, page_policy


def answered(response: Response, *beginning: str) -> tuple[dict[str, str], bytes]:
    """Return the headers and the body of what a client gets for this answer."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(SecurityHeaders(response, *beginning)({"type": "http"}, receive, send))
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return headers, b"".join(message["body"] for message in sent[1:])


def test_every_answer_says_that_nobody_may_frame_it_or_guess_its_type() -> None:
    for response in (PlainTextResponse("x"), HTMLResponse("x", 500), Response(status_code=404)):
        headers, _ = answered(response)
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["permissions-policy"].startswith("camera=(), microphone=(), geolocation=()")


def test_what_is_no_page_may_run_nothing_and_a_policy_of_its_own_stays() -> None:
    assert answered(PlainTextResponse("<script>x</script>"))[0]["content-security-policy"] == NOTHING
    own = HTMLResponse("x", headers={"Content-Security-Policy": "default-src 'self'"})
    assert answered(own)[0]["content-security-policy"] == "default-src 'self'"


def test_of_inline_scripts_those_run_that_came_with_the_page() -> None:
    html = b"""<script>one()</script><script src="a.js"></script><script data-src-of="x">two()</script>"""
    # As `printf 'one()' | openssl dgst -sha256 -binary | base64` says.
    assert re.findall("'sha256-[^']+'", page_policy(html)) == [
        "'sha256-HR7iaask9daLMRRskMI++QeJtjWDOjyPA6lGzYGzKW4='",
        "'sha256-iMrPAWirDC2X0OhZzLsM2MRIWSmepJGI4r7D8ZlwBOw='",
    ]
    headers, body = answered(HTMLResponse(html))
    assert headers["content-security-policy"] == page_policy(html)
    assert body == html


def test_the_first_script_of_a_page_may_run_and_is_part_of_its_length() -> None:
    page = HTMLResponse("<html><head><title>x</title></head><p>&lt;head&gt;</p></html>")
    headers, body = answered(page, "first()", "body {}")
    assert body.startswith(b"<html><head><style>body {}</style><script>first()</script><title>")
    assert headers["content-security-policy"] == page_policy(b"<script>first()</script>")
    assert int(headers["content-length"]) == len(body)
    refusal = HTMLResponse("<head></head>", headers={"Content-Security-Policy": "default-src 'none'"})
    assert answered(refusal, "first()")[1] == b"<head></head>"
