"""What the page refuses before anything reads it, asked of a running page and of the middleware itself."""

import asyncio
import json
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import requests
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from db import engine as database
from tests.docs import surface
from tests.e2e.page import RunningPage
from tests.ui.answering import ANSWER, answering
from tests.ui.asking import ask
from tests.ui.conftest import NO_DATABASE
from tests.ui.signing_in import built
from tests.ui.test_page_as_service import page_before
from tests.ui.test_sign_in import every_route
from ui import limits
from ui.limits import MOST_BYTES, MOST_VALUES, Limits
from ui.settings import from_environment

RUN = "/gradio_api/run/predict"
# What the page, or gradio_client, asks Gradio for; x stands for what varies.
USED = {
    *((method, "/") for method in ("GET", "HEAD")),
    *(
        ("GET", path)
        for path in ("/config", "/config/", "/theme.css", "/favicon.ico", "/assets/x", "/static/x")
    ),
    *(("GET", f"/gradio_api/{path}") for path in ("app_id", "app_id/", "info", "info/", "startup-events")),
    *(("GET", f"/gradio_api/{path}") for path in ("heartbeat/x", "queue/data")),
    *(("POST", f"/gradio_api/{path}") for path in ("queue/join", "run/x", "run/x/")),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the page finds: its own folder, var, with a file that Gradio left, and the system's, tmp."""
    found = tmp_path_factory.mktemp("page")
    for path in ("tmp", "var/gradio-files/somebodys"):
        (found / path).mkdir(parents=True)
    (found / "var/gradio-files/somebodys/upload.png").write_bytes(bytes(1000))
    return found


@pytest.fixture(scope="module")
def page(folder: Path) -> Iterator[RunningPage]:
    changes = {"VAR_DIR": str(folder / "var"), "TMPDIR": str(folder / "tmp")}
    with (
        answering(ANSWER) as torchserve,
        page_before(torchserve.url, folder / "ui.log", **changes) as running,
    ):
        yield running


def nested(count: int) -> bytes:
    """Return a request of the pad with `count` empty lists."""
    return b'{"fn_index": 0, "session_hash": "x", "data": [' + b",".join([b"[]"] * count) + b"]}"


VALUES = f"The body has 6,000,003 values, and the page takes at most {MOST_VALUES:,}"


@pytest.mark.integration
@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        (RUN, nested(10_000_000), f"bytes or more, and the page takes at most {MOST_BYTES:,}"),
        (RUN, nested(3_000_000), VALUES),
        ("/gradio_api/run/read", nested(3_000_000), VALUES),
    ],
    ids=["30 MB", "9 MB", "called like the numbers"],
)
def test_lists_by_the_million_hold_up_nobody_and_take_no_memory(
    page: RunningPage, drawing: bytes, path: str, body: bytes, says: str
) -> None:
    process = psutil.Process(page.process.pid)
    before = process.memory_info().rss
    with ThreadPoolExecutor() as threads:
        heavy = threads.submit(requests.post, page.url + path, body, timeout=60)
        waits = []
        while not heavy.done() or len(waits) < 5:
            began = time.monotonic()
            assert ask(page.url, drawing).status_code == 200
            waits.append(time.monotonic() - began)
    assert heavy.result().status_code == 413
    assert says in heavy.result().text
    assert max(waits) < 4  # it was 8 s
    assert process.memory_info().rss - before < 100e6


@pytest.mark.integration
def test_what_the_page_does_not_use_is_not_there(page: RunningPage) -> None:
    file = {"files": ("x.png", b"x" * 1000)}
    for path in ("/gradio_api/upload", "/gradio_api/upload/", "//gradio_api/upload", "/gradio_api/vibe-edit"):
        assert requests.post(page.url + path, files=file, timeout=30).status_code == 404
    for path in (
        "/gradio_api/file=/etc/hostname",
        "/gradio_api/proxy=http://127.0.0.1:9",
        "/monitoring/summary",
        "/gradio_api/openapi.json",
        "/login",
    ):
        assert requests.get(page.url + path, timeout=30).status_code == 404, path
    assert requests.put(page.url + RUN, b"{}", timeout=30).status_code == 404
    assert requests.get(page.url, timeout=30).status_code == 200
    assert requests.get(f"{page.url}/config", timeout=30).status_code == 200


@pytest.mark.integration
@pytest.mark.usefixtures("page")
def test_what_gradio_leaves_is_below_the_pages_folder_and_removed_at_the_next_start(folder: Path) -> None:
    assert (folder / "var/gradio-files").stat().st_mode & 0o777 == 0o700
    assert not (folder / "var/gradio-files/somebodys").exists()
    assert list((folder / "tmp").iterdir()) == []


@pytest.mark.integration
def test_a_head_that_is_too_large_is_refused_by_the_page(page: RunningPage) -> None:
    process = psutil.Process(page.process.pid)
    before = process.memory_info().rss
    answer = requests.get(page.url, headers={"X": "x" * 10**6}, timeout=30)
    assert answer.status_code == 431
    assert process.memory_info().rss - before < 10e6


@pytest.mark.integration
def test_a_body_that_says_nothing_of_its_length_is_cut_off_all_the_same(page: RunningPage) -> None:
    address = urlsplit(page.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        head = f"POST {RUN} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
        connection.sendall(f"{head}Connection: close\r\n\r\n".encode())
        for _ in range(13):
            connection.sendall(b"100000\r\n" + bytes(2**20) + b"\r\n")
        connection.sendall(b"0\r\n\r\n")
        with connection.makefile("rb") as answer:  # to its end: the connection is closed
            assert answer.read().startswith(b"HTTP/1.1 413 ")


@pytest.mark.integration
def test_a_refused_body_that_never_ends_has_its_answer_and_its_connection_closed(page: RunningPage) -> None:
    address = urlsplit(page.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        began = time.monotonic()
        connection.sendall(
            f"POST {RUN} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999\r\n\r\nx".encode()
        )
        with connection.makefile("rb") as answer:
            assert answer.read().startswith(b"HTTP/1.1 413 ")
        assert limits.DRAIN_S - 1 < time.monotonic() - began < limits.DRAIN_S + 10


@pytest.mark.integration
def test_the_page_may_open_more_files_than_is_usual(page: RunningPage) -> None:
    _, hard = psutil.Process().rlimit(psutil.RLIMIT_NOFILE)
    soft, _ = psutil.Process(page.process.pid).rlimit(psutil.RLIMIT_NOFILE)
    assert soft >= min(hard, 10_000)


async def length(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the length of the body."""
    message = await receive()
    await PlainTextResponse(str(len(message["body"])))(scope, receive, send)


def asked(
    app: Limits, chunks: list[bytes], path: str = RUN, pause_s: float = 0, method: str = "POST"
) -> tuple[int, str]:
    """Return status and text of what is answered to a request whose body comes in chunks."""
    left = list(chunks)
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.sleep(pause_s)
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": []}
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], sent[1]["body"].decode()


def test_every_route_that_the_page_does_not_use_is_not_there(tmp_path: Path) -> None:
    settings = from_environment({"DATABASE_URL": NO_DATABASE, "VAR_DIR": str(tmp_path)})
    found = set(every_route(built(settings, database.create(NO_DATABASE), None).routes))
    own = {re.sub(r"{\w+(:\w+)?}", "x", path) for path in surface.routes()} | {"/files/x/x"}
    gradios = {(method, path) for method, path in found if path not in own}
    assert len(gradios) > 60
    assert {one for one in gradios if asked(Limits(length), [b"{}"], one[1], method=one[0])[0] != 404} == USED


def test_a_body_arrives_whole_and_exactly_as_much_as_is_said_is_taken() -> None:
    assert asked(Limits(length), [b"abc", b"", b"de"]) == (200, "5")
    assert asked(Limits(length), [bytes(MOST_BYTES - 1), b"x"]) == (200, str(MOST_BYTES))
    assert asked(Limits(length), [bytes(MOST_BYTES), b"x"])[0] == 413
    assert asked(Limits(length), [b"," * MOST_VALUES])[0] == 200
    assert asked(Limits(length), [b"," * MOST_VALUES, b"["])[0] == 413


@pytest.mark.parametrize("mark", [b"", b" \n", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_of_a_number_the_values_in_json_are_counted_whatever_stands_before_it(mark: bytes) -> None:
    many = b"{" + b"," * MOST_VALUES
    assert asked(Limits(length), [mark + many], "/read")[0] == 413
    assert asked(Limits(length), [b"\x89PNG" + many], "/read")[0] == 200


def test_a_body_that_dawdles_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WITHIN_S", 0.2)
    assert asked(Limits(length), [b"x"] * 100, pause_s=0.05) == (408, "The body did not arrive within 0.2 s")


def test_all_bodies_together_are_bounded_and_what_is_answered_makes_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "MOST_BYTES_HELD", 100)
    app = Limits(length)
    for _ in range(3):
        assert asked(app, [bytes(100)]) == (200, "100")
        assert asked(app, [bytes(60), bytes(60)])[0] == 503


def test_below_a_path_the_same_routes_are_served() -> None:
    app = Limits(length, "/sketch")
    assert asked(app, [b"x"], f"/sketch{RUN}")[0] == 200
    assert asked(app, [b"x"], RUN)[0] == 200
    assert asked(app, [b"x"], "/sketch/gradio_api/upload")[0] == 404
    assert asked(app, [b"x"], f"/other{RUN}")[0] == 404


def test_an_error_of_the_page_itself_is_no_late_body() -> None:
    async def late(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise TimeoutError("the database")

    with pytest.raises(TimeoutError, match="the database"):
        asked(Limits(late), [json.dumps({}).encode()])
