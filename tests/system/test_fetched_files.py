"""What is fetched from the web: pictures as their decoder knows them, of bounded size, in bounded time."""

import threading
from http.server import BaseHTTPRequestHandler

import pytest

from system.fetching import fetcher as module
from system.fetching.formats import FetchError
from tests.system.web import PNG, fetch, picture, sends, serving


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_the_decoder_says_what_it_is_and_not_the_answer(kind: str) -> None:
    with serving(sends(picture(kind), Content_Type="text/html")) as (port, _):
        assert fetch(f"http://127.0.0.1:{port}/", port).media_type == f"image/{kind.lower()}"


def test_a_png_with_a_broken_text_is_passed_on() -> None:
    """As browsers show it."""
    broken = PNG[:33] + b"\0\0\0\3tEXta\0bnone" + PNG[33:]
    with serving(sends(broken)) as (port, _):
        assert fetch(f"http://127.0.0.1:{port}/", port).media_type == "image/png"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<script>",
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n" + b"<script>" * 9,
    ],
)
def test_what_is_no_picture_is_not_passed_on(body: bytes) -> None:
    why = "no picture that can be read: PNG, JPEG"
    with serving(sends(body, Content_Type="image/png")) as (port, _), pytest.raises(FetchError, match=why):
        fetch(f"http://127.0.0.1:{port}/", port)


def test_more_than_16_mb_are_refused_before_all_have_come() -> None:
    sent = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        sends(PNG)(request)
        while len(sent) < 200:
            request.wfile.write(bytes(1024**2))
            sent.append(1)

    with serving(answer) as (port, _), pytest.raises(FetchError, match="larger than 16 MB"):
        fetch(f"http://127.0.0.1:{port}/", port)
    assert len(sent) < 60  # 16, and what the system's buffers take


def test_compressed_answers_are_refused_and_so_cannot_grow() -> None:
    with (
        serving(sends(PNG, Content_Encoding="gzip")) as (port, _),
        pytest.raises(FetchError, match="compressed"),
    ):
        fetch(f"http://127.0.0.1:{port}/", port)


@pytest.mark.parametrize("status", [204, 304, 401, 404, 500])
def test_other_answers_are_named(status: int) -> None:
    with serving(sends(b"", status)) as (port, _), pytest.raises(FetchError, match=f"answers {status}"):
        fetch(f"http://127.0.0.1:{port}/", port)


def test_it_is_over_after_the_limit_however_the_bytes_dribble_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WITHIN_S", 0.5)
    is_over = threading.Event()

    def answer(request: BaseHTTPRequestHandler) -> None:
        sends(PNG)(request)
        while not is_over.wait(0.1):
            try:
                request.wfile.write(b"x")
            except OSError:
                return

    with serving(answer) as (port, _):
        with pytest.raises(FetchError, match=r"No picture arrived within 0\.5 s"):
            fetch(f"http://127.0.0.1:{port}/", port)
        is_over.set()
